// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gstspreaditsplit.h"

#include <array>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>

#include "gstspreaditelements.h"
#include "owned.hpp"
#include "start_schedule.hpp"

GST_DEBUG_CATEGORY_STATIC (gst_spreadit_split_debug);
#define GST_CAT_DEFAULT gst_spreadit_split_debug

using namespace spreadit;

namespace {

// By payload type; 0 = not known, nothing = no such payload type.
using ClockRates = std::array<std::optional<guint32>, 128>;

enum class Gate { hold, open, drop, flushing };

// RFC 3550 5.1; RFC 5761 4: RTCP packet types are 192 to 223.
constexpr gsize rtp_header_size = 12;
constexpr guint8 rtcp_type_min = 192, rtcp_type_max = 223;

struct Private {
  GstPad *sinkpad = nullptr; // the element owns the pads
  GstPad *rtppad = nullptr;
  GstPad *rtcppad = nullptr;
  StartSchedule schedule;               // of the streaming thread
  std::atomic<bool> begins_anew{false}; // what it is to forget
  std::atomic<guint64> packets{0};
  std::atomic<bool> reported{false}; // an error of downstream, once

  std::mutex lock; // guards what follows
  std::condition_variable changed;
  Gate gate = Gate::flushing;
  std::optional<ClockRates> clock_rates;

  void set_gate (Gate to)
  {
    const std::lock_guard guard (lock);
    gate = to;
    changed.notify_all ();
  }
};

GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE ("sink",
    GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS (GST_SPREADIT_BUNDLE_CAPS));
GstStaticPadTemplate rtp_template = GST_STATIC_PAD_TEMPLATE (
    "rtp", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS ("application/x-rtp"));
GstStaticPadTemplate rtcp_template = GST_STATIC_PAD_TEMPLATE ("rtcp",
    GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS ("application/x-rtcp"));

} // namespace

struct _GstSpreaditSplit {
  GstElement parent;
  Private *priv; // owned: new in init, delete in finalize
};

G_DEFINE_TYPE_WITH_CODE (GstSpreaditSplit, gst_spreadit_split, GST_TYPE_ELEMENT,
    GST_DEBUG_CATEGORY_INIT (gst_spreadit_split_debug, "spreaditsplit", 0,
        "SpreadIt bundle splitter"))

namespace {

// Blocks while the gate holds.
Gate
pass_gate (Private &priv, ClockRates *clock_rates)
{
  std::unique_lock guard (priv.lock);
  priv.changed.wait (guard, [&priv] {
    return priv.gate == Gate::drop || priv.gate == Gate::flushing ||
           (priv.gate == Gate::open && priv.clock_rates);
  });
  if (priv.clock_rates)
    *clock_rates = *priv.clock_rates;
  return priv.gate;
}

GstClockTime
running_time_now (GstSpreaditSplit *self)
{
  const Owned<GstClock> clock (gst_element_get_clock (GST_ELEMENT (self)));
  if (!clock)
    return GST_CLOCK_TIME_NONE;
  const GstClockTime now = gst_clock_get_time (clock.get ());
  const GstClockTime base = gst_element_get_base_time (GST_ELEMENT (self));
  return now > base ? now - base : 0;
}

// What cannot be linked is not wanted. Anything else went wrong in the
// application's pipeline, which it has to hear once.
void
report (GstSpreaditSplit *self, GstFlowReturn flow)
{
  if (flow != GST_FLOW_ERROR && flow != GST_FLOW_NOT_NEGOTIATED)
    return;
  if (self->priv->reported.exchange (true))
    return;
  GST_ELEMENT_FLOW_ERROR (self, flow);
}

void
push (GstSpreaditSplit *self, GstBuffer *packet, GstClockTime now,
    const ClockRates &clock_rates)
{
  Private &priv = *self->priv;
  guint8 header[rtp_header_size];
  const gsize size = gst_buffer_extract (packet, 0, header, sizeof header);
  if (size < 2)
    return;
  const bool is_rtcp = header[1] >= rtcp_type_min && header[1] <= rtcp_type_max;
  const std::optional<guint32> clock_rate = clock_rates[header[1] & 0x7f];
  if (!is_rtcp && (size < rtp_header_size || !clock_rate)) {
    GST_LOG_OBJECT (self, "no such payload type: %u", header[1] & 0x7f);
    return;
  }
  GstBuffer *copy = gst_buffer_ref (packet);
  if (!GST_BUFFER_DTS_IS_VALID (copy)) { // it was held, or came in PAUSED
    copy = gst_buffer_make_writable (copy);
    GST_BUFFER_DTS (copy) = GST_BUFFER_PTS (copy) = now;
  }
  if (!is_rtcp) {
    const GstClockTime real = GST_BUFFER_DTS (copy);
    const GstClockTime paced =
        priv.schedule.arrival_of (GST_READ_UINT32_BE (header + 8),
            GST_READ_UINT32_BE (header + 4), *clock_rate, real);
    if (paced != real) {
      copy = gst_buffer_make_writable (copy);
      GST_BUFFER_DTS (copy) = GST_BUFFER_PTS (copy) = paced;
    }
  }
  report (self, gst_pad_push (is_rtcp ? priv.rtcppad : priv.rtppad, copy));
}

// One by one, as rtpsession would take a list apart anyway, and badly.
GstFlowReturn
chain_list (GstPad *, GstObject *parent, GstBufferList *borrowed) noexcept
{
  auto *self = GST_SPREADIT_SPLIT (parent);
  const Owned<GstBufferList> list (borrowed);
  const guint n = gst_buffer_list_length (list.get ());
  self->priv->packets += n;

  ClockRates clock_rates;
  const Gate gate = pass_gate (*self->priv, &clock_rates);
  if (gate != Gate::open)
    return gate == Gate::flushing ? GST_FLOW_FLUSHING : GST_FLOW_OK;
  if (self->priv->begins_anew.exchange (false))
    self->priv->schedule.clear ();
  const GstClockTime now = running_time_now (self);
  for (guint i = 0; i < n; ++i)
    push (self, gst_buffer_list_get (list.get (), i), now, clock_rates);
  return GST_FLOW_OK;
}

GstFlowReturn
chain (GstPad *pad, GstObject *parent, GstBuffer *buffer) noexcept
{
  GstBufferList *list = gst_buffer_list_new_sized (1);
  gst_buffer_list_add (list, buffer);
  return chain_list (pad, parent, list);
}

gboolean
sink_event (GstPad *pad, GstObject *parent, GstEvent *event) noexcept
{
  Private &priv = *GST_SPREADIT_SPLIT (parent)->priv;
  if (GST_EVENT_TYPE (event) != GST_EVENT_CAPS)
    return gst_pad_event_default (pad, parent, event);
  gst_event_unref (event);
  const Owned<GstCaps> rtp (gst_static_pad_template_get_caps (&rtp_template));
  const Owned<GstCaps> rtcp (gst_static_pad_template_get_caps (&rtcp_template));
  gst_pad_push_event (priv.rtppad, gst_event_new_caps (rtp.get ()));
  gst_pad_push_event (priv.rtcppad, gst_event_new_caps (rtcp.get ()));
  return TRUE;
}

GstStateChangeReturn
change_state (GstElement *element, GstStateChange transition) noexcept
{
  Private &priv = *GST_SPREADIT_SPLIT (element)->priv;
  switch (transition) {
  case GST_STATE_CHANGE_READY_TO_PAUSED:
    priv.set_gate (Gate::hold);
    break;
  case GST_STATE_CHANGE_PAUSED_TO_PLAYING:
    // Running time has stood still, the source has not.
    priv.begins_anew = true;
    priv.set_gate (Gate::open);
    break;
  case GST_STATE_CHANGE_PLAYING_TO_PAUSED:
    priv.set_gate (Gate::drop);
    break;
  case GST_STATE_CHANGE_PAUSED_TO_READY:
    priv.set_gate (Gate::flushing); // before the pads wait for us
    break;
  default:
    break;
  }
  return GST_ELEMENT_CLASS (gst_spreadit_split_parent_class)
      ->change_state (element, transition);
}

void
finalize (GObject *object) noexcept
{
  delete GST_SPREADIT_SPLIT (object)->priv;
  G_OBJECT_CLASS (gst_spreadit_split_parent_class)->finalize (object);
}

} // namespace

void
gst_spreadit_split_set_clock_rates (GstSpreaditSplit *self, const gint *rates)
{
  Private &priv = *self->priv;
  const std::lock_guard guard (priv.lock);
  priv.clock_rates.emplace ();
  for (std::size_t i = 0; i < priv.clock_rates->size (); ++i)
    if (rates[i] >= 0)
      (*priv.clock_rates)[i] = static_cast<guint32> (rates[i]);
  priv.changed.notify_all ();
}

guint64
gst_spreadit_split_get_packets (GstSpreaditSplit *self)
{
  return self->priv->packets;
}

static void
gst_spreadit_split_class_init (GstSpreaditSplitClass *klass)
{
  auto *element_class = GST_ELEMENT_CLASS (klass);
  G_OBJECT_CLASS (klass)->finalize = finalize;
  element_class->change_state = change_state;
  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &rtp_template);
  gst_element_class_add_static_pad_template (element_class, &rtcp_template);
  gst_element_class_set_static_metadata (element_class,
      "SpreadIt bundle splitter", "Generic",
      "Takes a bundle apart into RTP and RTCP", "The SpreadIt authors");
}

static void
gst_spreadit_split_init (GstSpreaditSplit *self)
{
  auto *priv = self->priv = new Private;
  auto *element = GST_ELEMENT (self);
  priv->sinkpad = gst_pad_new_from_static_template (&sink_template, "sink");
  gst_pad_set_chain_function (priv->sinkpad, chain);
  gst_pad_set_chain_list_function (priv->sinkpad, chain_list);
  gst_pad_set_event_function (priv->sinkpad, sink_event);
  gst_pad_use_fixed_caps (priv->sinkpad);
  gst_element_add_pad (element, priv->sinkpad);
  priv->rtppad = gst_pad_new_from_static_template (&rtp_template, "rtp");
  gst_pad_use_fixed_caps (priv->rtppad);
  gst_element_add_pad (element, priv->rtppad);
  priv->rtcppad = gst_pad_new_from_static_template (&rtcp_template, "rtcp");
  gst_pad_use_fixed_caps (priv->rtcppad);
  gst_element_add_pad (element, priv->rtcppad);
}
