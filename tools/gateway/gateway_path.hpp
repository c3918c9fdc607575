// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>

namespace spreadit::relay {

// "/HOST[:PORT]/PATH" of a player's URL -> "spreadit://HOST[:PORT]/PATH"; empty
// when it is not one.
std::string stream_of_path (const std::string &path);

// "name", "/name", "a/b": what a mount or a publication may be called. Empty
// when it cannot be; begins with a slash otherwise.
std::string mount_path (const std::string &name);

} // namespace spreadit::relay
