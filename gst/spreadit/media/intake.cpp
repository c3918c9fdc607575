// SPDX-License-Identifier: LGPL-2.1-or-later
#include "media/intake.hpp"

#include <algorithm>
#include <utility>

namespace spreadit::media {

Intake::Intake ()
{
  open_pool (limits::datagram_size_usual);
}

Intake::~Intake ()
{
  close_pool ();
}

void
Intake::open_pool (std::size_t buffer_size)
{
  buffer_size_ = buffer_size;
  pool_ = gst_buffer_pool_new ();
  GstStructure *config = gst_buffer_pool_get_config (pool_);
  gst_buffer_pool_config_set_params (
      config, nullptr, static_cast<guint> (buffer_size), 0, 0);
  gst_buffer_pool_set_config (pool_, config);
  gst_buffer_pool_set_active (pool_, TRUE);
}

void
Intake::close_pool ()
{
  for (Slot &slot : slots_) {
    if (!slot.buffer)
      continue;
    gst_buffer_unmap (slot.buffer, &slot.map);
    gst_buffer_unref (std::exchange (slot.buffer, nullptr));
  }
  // Buffers that are still in use keep the pool until they come back.
  gst_buffer_pool_set_active (pool_, FALSE);
  gst_object_unref (std::exchange (pool_, nullptr));
}

void
Intake::fill_slots ()
{
  for (std::size_t i = 0; i < slots_.size (); ++i) {
    Slot &slot = slots_[i];
    if (slot.buffer)
      continue;
    // Cannot fail: the pool is active and knows no most.
    gst_buffer_pool_acquire_buffer (pool_, &slot.buffer, nullptr);
    gst_buffer_map (slot.buffer, &slot.map, GST_MAP_WRITE);
    batch_.set_memory (i, slot.map.data, slot.map.size);
  }
}

std::size_t
Intake::receive (int fd)
{
  if (std::exchange (wants_larger_, false) &&
      buffer_size_ < limits::datagram_size_max) {
    close_pool ();
    open_pool (buffer_size_ * 2);
  }
  fill_slots ();
  return batch_.receive (fd);
}

Bytes
Intake::bytes (std::size_t i) const
{
  return {slots_[i].map.data, std::min (batch_.at (i).size, buffer_size_)};
}

GstBuffer *
Intake::take (std::size_t i)
{
  Slot &slot = slots_[i];
  const std::size_t size = bytes (i).size ();
  gst_buffer_unmap (slot.buffer, &slot.map);
  gst_buffer_set_size (slot.buffer, static_cast<gssize> (size));
  return std::exchange (slot.buffer, nullptr);
}

} // namespace spreadit::media
