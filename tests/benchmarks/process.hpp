// A program of its own, whose CPU time is nobody else's.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <vector>

#include <sys/types.h>
#include <time.h>

namespace spreadit::benchmark {

class Process {
public:
  // Searches PATH. What it writes to standard output is dropped.
  explicit Process (std::vector<std::string> arguments);
  ~Process (); // ends it
  Process (const Process &) = delete;
  Process &operator= (const Process &) = delete;

  [[nodiscard]] bool is_running () const;
  // Of all its threads, user and system, as the scheduler counts.
  [[nodiscard]] double cpu_seconds () const;
  // Of its threads whose name begins so.
  [[nodiscard]] double cpu_seconds (const std::string &thread_name) const;

private:
  pid_t pid_ = -1;
  clockid_t clock_ = 0;
};

} // namespace spreadit::benchmark
