// Numbers in network order.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace spreadit::media {

using Bytes = std::span<const std::uint8_t>;

[[nodiscard]] inline std::uint16_t
read16 (Bytes bytes, std::size_t at)
{
  return static_cast<std::uint16_t> (bytes[at] << 8 | bytes[at + 1]);
}

[[nodiscard]] inline std::uint32_t
read32 (Bytes bytes, std::size_t at)
{
  return std::uint32_t{read16 (bytes, at)} << 16 | read16 (bytes, at + 2);
}

inline void
append16 (std::vector<std::uint8_t> &out, std::uint16_t value)
{
  out.push_back (static_cast<std::uint8_t> (value >> 8));
  out.push_back (static_cast<std::uint8_t> (value));
}

inline void
append32 (std::vector<std::uint8_t> &out, std::uint32_t value)
{
  append16 (out, static_cast<std::uint16_t> (value >> 16));
  append16 (out, static_cast<std::uint16_t> (value));
}

} // namespace spreadit::media
