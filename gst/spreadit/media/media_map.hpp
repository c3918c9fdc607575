// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "media/packet.hpp"
#include "media/random_access.hpp"
#include "media/vocabulary.hpp"

namespace spreadit::media {

// Which media section of the SDP a packet belongs to. SSRCs are known from the
// SDP or learnt from the payload type of RTP packets.
class MediaMap {
public:
  // Forgets what was learnt.
  void set (std::vector<MediaDescription> media);
  [[nodiscard]] const std::vector<MediaDescription> &media () const
  {
    return media_;
  }

  // Learns from what it is shown.
  std::optional<std::size_t> learn (const Header &header);
  // RTP by SSRC, else by payload type; RTCP by SSRC.
  [[nodiscard]] std::optional<std::size_t> find (const Header &header) const;

  [[nodiscard]] bool is_declared (std::uint32_t ssrc) const;
  [[nodiscard]] bool is_known (std::uint32_t ssrc) const;
  // From the SDP, else the one learnt last.
  [[nodiscard]] std::optional<std::uint32_t> ssrc_of (std::size_t media) const;
  // Id of the header extension that marks frames; 0: they are not marked.
  [[nodiscard]] unsigned frame_marking (const Header &header) const;
  // Null: its packets can be begun with anywhere, or that is not known.
  [[nodiscard]] BeginsRandomAccess random_access (std::size_t media) const;
  // 0 if unknown.
  [[nodiscard]] std::uint32_t clock_rate (const Header &header) const;

private:
  struct Learnt {
    std::uint32_t ssrc;
    std::size_t media;
  };
  [[nodiscard]] std::optional<std::size_t> by_ssrc (std::uint32_t ssrc) const;

  std::vector<MediaDescription> media_;
  std::vector<Learnt> learnt_; // newest last, at most limits::sources_max
};

} // namespace spreadit::media
