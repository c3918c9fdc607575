// SPDX-License-Identifier: LGPL-2.1-or-later
#include "media/random_access.hpp"

#include <algorithm>

namespace spreadit::media {

namespace {

using Bytes = std::span<const std::uint8_t>;

std::size_t
get_16 (Bytes bytes)
{
  return std::size_t{bytes[0]} * 256 + bytes[1];
}

// RFC 6184, 5.2 to 5.8. Of an IDR picture the first slice only, the one with
// first_mb_in_slice 0 (a single 1 bit): the others alone are no picture.
bool
is_h264_start (unsigned type, Bytes after_header)
{
  constexpr unsigned idr = 5, sps = 7;
  return type == sps ||
         (type == idr && !after_header.empty () && after_header[0] & 0x80);
}

bool
begins_h264 (Bytes payload)
{
  constexpr unsigned stap_a = 24, stap_b = 25, fu_a = 28, fu_b = 29;
  if (payload.empty ())
    return false;
  const unsigned type = payload[0] & 0x1f;
  if (type == fu_a || type == fu_b) {
    const std::size_t header = type == fu_a ? 2 : 4;
    return payload.size () > header && payload[1] & 0x80 &&
           is_h264_start (payload[1] & 0x1f, payload.subspan (header));
  }
  if (type != stap_a && type != stap_b)
    return is_h264_start (type, payload.subspan (1));
  const std::size_t header = type == stap_a ? 1 : 3;
  if (payload.size () < header)
    return false;
  for (Bytes rest = payload.subspan (header); rest.size () > 2;) {
    const std::size_t size = get_16 (rest);
    rest = rest.subspan (2);
    if (size == 0 || size > rest.size ())
      return false;
    if (is_h264_start (rest[0] & 0x1f, rest.subspan (1)))
      return true;
    rest = rest.subspan (size);
  }
  return false;
}

// RFC 7798, 4.4, without DONL fields. The first bit of a slice is
// first_slice_segment_in_pic_flag.
bool
is_h265_start (unsigned type, Bytes after_header)
{
  constexpr unsigned irap_first = 16, irap_last = 21, vps = 32, sps = 33;
  return type == vps || type == sps ||
         (type >= irap_first && type <= irap_last && !after_header.empty () &&
             after_header[0] & 0x80);
}

bool
begins_h265 (Bytes payload)
{
  constexpr unsigned ap = 48, fu = 49;
  if (payload.size () < 3)
    return false;
  const unsigned type = payload[0] >> 1 & 0x3f;
  if (type == fu)
    return payload[2] & 0x80 &&
           is_h265_start (payload[2] & 0x3f, payload.subspan (3));
  if (type != ap)
    return is_h265_start (type, payload.subspan (2));
  for (Bytes rest = payload.subspan (2); rest.size () > 3;) {
    const std::size_t size = get_16 (rest);
    rest = rest.subspan (2);
    if (size < 2 || size > rest.size ())
      return false;
    if (is_h265_start (rest[0] >> 1 & 0x3f, rest.subspan (2)))
      return true;
    rest = rest.subspan (size);
  }
  return false;
}

// RFC 7741, 4.2 and 4.3.
bool
begins_vp8 (Bytes payload)
{
  constexpr unsigned extended = 0x80, start = 0x10, partition = 0x07;
  constexpr unsigned picture_id = 0x80, tl0_index = 0x40, tid_or_key = 0x30;
  if (payload.empty () || !(payload[0] & start) || payload[0] & partition)
    return false;
  std::size_t at = 1;
  if (payload[0] & extended) {
    if (payload.size () < 3)
      return false;
    const unsigned flags = payload[at++];
    if (flags & picture_id)
      at += payload[at] & 0x80 ? 2 : 1;
    at += flags & tl0_index ? 1 : 0;
    at += flags & tid_or_key ? 1 : 0;
  }
  return payload.size () > at && !(payload[at] & 1);
}

// RFC 9628, 4.2: begins a frame that depends on no other, of the lowest layer.
bool
begins_vp9 (Bytes payload)
{
  constexpr unsigned picture_id = 0x80, predicted = 0x40, layers = 0x20,
                     begin = 0x08;
  if (payload.size () < 3 || payload[0] & predicted || !(payload[0] & begin))
    return false;
  if (!(payload[0] & layers))
    return true;
  std::size_t at = 1;
  if (payload[0] & picture_id)
    at += payload[at] & 0x80 ? 2 : 1;
  return payload.size () > at && (payload[at] >> 1 & 7) == 0;
}

} // namespace

BeginsRandomAccess
random_access_of (std::string_view encoding_name)
{
  if (encoding_name == "H264")
    return begins_h264;
  if (encoding_name == "H265")
    return begins_h265;
  if (encoding_name == "VP8")
    return begins_vp8;
  if (encoding_name == "VP9")
    return begins_vp9;
  return nullptr;
}

// RFC 3550 5.1 and 5.3.1.
Bytes
rtp_payload (Bytes packet)
{
  constexpr std::size_t fixed = 12;
  constexpr unsigned padding = 0x20, extension = 0x10, csrcs = 0x0f;
  if (packet.size () < fixed)
    return {};
  std::size_t header = fixed + (packet[0] & csrcs) * std::size_t{4};
  if (packet[0] & extension && packet.size () >= header + 4)
    header += 4 + get_16 (packet.subspan (header + 2)) * 4;
  if (packet.size () <= header)
    return {};
  const Bytes payload = packet.subspan (header);
  const std::size_t pad = packet[0] & padding ? payload.back () : 0;
  return payload.first (payload.size () - std::min (pad, payload.size ()));
}

} // namespace spreadit::media
