// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "media/data_path.hpp"

namespace spreadit::agent {

// The SDP of a stream: the source's words, passed on to the letter, and what
// the agent reads of them.
struct Description {
  struct Media {
    std::string control; // a=control, relative: "stream=0"
    media::MediaDescription data;
  };
  std::string text;
  std::vector<Media> media;

  [[nodiscard]] bool empty () const { return media.empty (); }
  [[nodiscard]] std::vector<media::MediaDescription> data () const;
};

inline constexpr std::size_t media_max = 32;

// Hostile input too: a parent's answer. The string says what is wrong.
std::variant<Description, std::string> parse_description (std::string text);

} // namespace spreadit::agent
