// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>

namespace spreadit::relay {

// What gst-spreadit-relay says of itself: lines for people, or JSON objects for
// what collects logs.
class Log {
public:
  enum class Format {
    text, // news on standard output, warnings and problems on standard error
    json, // everything on standard error, an object a line
  };

  Log () = default;
  // `silent`: problems only.
  Log (Format format, bool silent) : format_ (format), silent_ (silent) {}

  // `event` is one word of those in the man page; `of`: the stream's URI, or
  // what else it is about; empty: the program.
  void say (
      const char *event, const std::string &of, const std::string &what) const;
  // What is not as it should be, and goes on.
  void warn (
      const char *event, const std::string &of, const std::string &what) const;
  void complain (const std::string &of, const std::string &what) const;

private:
  void write_json (const char *level, const char *event, const std::string &of,
      const std::string &what) const;

  Format format_ = Format::text;
  bool silent_ = false;
};

} // namespace spreadit::relay
