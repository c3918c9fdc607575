// Owned<T> for libsoup and GIO, as in owned.hpp.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>

#include <libsoup/soup.h>

namespace spreadit::http {

struct UnrefObject {
  template <class T> void operator() (T *p) const noexcept
  {
    g_object_unref (p);
  }
};
// Of any GObject.
template <class T> using Object = std::unique_ptr<T, UnrefObject>;

template <class T>
Object<T>
keep (T *object)
{
  return Object<T> (static_cast<T *> (g_object_ref (object)));
}

} // namespace spreadit::http
