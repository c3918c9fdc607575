// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <string_view>

namespace spreadit::http {

struct Reply {
  unsigned status = 200;
  std::string type = "application/json";
  std::string body;
};

// {"error": {"status": 404, "what": "..."}}: `what` says what is wrong and what
// would be right.
Reply refuse (unsigned status, std::string_view what);

} // namespace spreadit::http
