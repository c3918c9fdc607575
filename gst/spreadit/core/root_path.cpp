// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/root_path.hpp"

#include <cassert>
#include <utility>

namespace spreadit::core {

RootPath::RootPath (const std::vector<Contact> &contacts)
{
  for (auto contact = contacts.rbegin (); contact != contacts.rend ();
       ++contact)
    *this = RootPath (*contact, *this);
}

RootPath::RootPath (Contact parent, const RootPath &above)
    : first_ (std::make_shared<const Step> (
          Step{std::move (parent), above.first_, above.size () + 1}))
{
}

bool
RootPath::is_through (const Contact &parent, const RootPath &above) const
{
  return first_ && first_->contact == parent && this->above () == above;
}

const Contact &
RootPath::back () const
{
  return (*this)[size () - 1];
}

const Contact &
RootPath::operator[] (std::size_t index) const
{
  assert (index < size ());
  const Step *step = first_.get ();
  for (; index > 0; --index)
    step = step->above.get ();
  return step->contact;
}

RootPath
RootPath::above () const
{
  RootPath path;
  path.first_ = first_->above;
  return path;
}

bool
RootPath::operator== (const RootPath &other) const
{
  if (size () != other.size ())
    return false;
  const Step *ours = first_.get ();
  const Step *theirs = other.first_.get ();
  // Once they meet they stay together.
  for (; ours != theirs;
       ours = ours->above.get (), theirs = theirs->above.get ())
    if (ours->contact != theirs->contact)
      return false;
  return true;
}

} // namespace spreadit::core
