// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <vector>

#include "core/contact.hpp"

namespace spreadit::core {

// From a peer's parent up to the source: front() is the parent, back() is the
// source. Empty for the source itself.
//
// A list that never changes and whose upper parts are shared: the path of a
// child is one step more than its parent's. Of a million peers in a simulation
// each would hold the same dozen contacts otherwise; and to hand one on is to
// count to one.
class RootPath {
  struct Step {
    Contact contact;
    std::shared_ptr<const Step> above;
    std::size_t size;
  };

public:
  class const_iterator {
  public:
    using iterator_category = std::forward_iterator_tag;
    using value_type = Contact;
    using difference_type = std::ptrdiff_t;
    using pointer = const Contact *;
    using reference = const Contact &;

    const_iterator () = default;
    explicit const_iterator (const Step *step) : step_ (step) {}
    reference operator* () const { return step_->contact; }
    pointer operator->() const { return &step_->contact; }
    const_iterator &operator++ ()
    {
      step_ = step_->above.get ();
      return *this;
    }
    const_iterator operator++ (int)
    {
      const const_iterator before = *this;
      ++*this;
      return before;
    }
    bool operator== (const const_iterator &) const = default;

  private:
    const Step *step_ = nullptr;
  };
  using value_type = Contact;

  RootPath () = default;
  explicit RootPath (const std::vector<Contact> &contacts);
  RootPath (std::initializer_list<Contact> contacts)
      : RootPath (std::vector<Contact> (contacts))
  {
  }
  // Below `parent`, whose own path is `above`.
  RootPath (Contact parent, const RootPath &above);

  // Whether it is that one.
  [[nodiscard]] bool is_through (
      const Contact &parent, const RootPath &above) const;

  [[nodiscard]] bool empty () const { return !first_; }
  [[nodiscard]] std::size_t size () const { return first_ ? first_->size : 0; }
  [[nodiscard]] const Contact &front () const { return first_->contact; }
  [[nodiscard]] const Contact &back () const;
  [[nodiscard]] const Contact &operator[] (std::size_t index) const;
  [[nodiscard]] const_iterator begin () const
  {
    return const_iterator (first_.get ());
  }
  [[nodiscard]] const_iterator end () const { return {}; }
  // The parent's own.
  [[nodiscard]] RootPath above () const;
  [[nodiscard]] std::vector<Contact> contacts () const
  {
    return {begin (), end ()};
  }
  void clear () { first_.reset (); }
  bool operator== (const RootPath &other) const;

private:
  std::shared_ptr<const Step> first_;
};

} // namespace spreadit::core
