// SPDX-License-Identifier: Apache-2.0
// A number or a name that cannot be mistaken for another one.
//
//   using MatterName = StrongId<struct MatterNameTag, std::string>;
//
// When to use  For every identity and every quantity that would otherwise be a bare string or
//              integer. Not for lengths and counts inside one function.
// Threads      Like the value inside.
// Ownership    A value.
// Errors       None. Whether a value is valid is checked where it enters the process.
#pragma once

#include <compare>
#include <cstddef>
#include <functional>
#include <ostream>
#include <type_traits>
#include <utility>

namespace holdfast {

template <typename Tag, typename Value>
class StrongId final {
 public:
  using value_type = Value;

  // The value's own zero: an empty name, or 0. Never a wildcard.
  constexpr StrongId() = default;
  constexpr explicit StrongId(Value value) noexcept(std::is_nothrow_move_constructible_v<Value>)
      : value_(std::move(value)) {}

  constexpr const Value& value() const { return value_; }

  friend constexpr bool operator==(const StrongId& a, const StrongId& b) = default;
  friend constexpr auto operator<=>(const StrongId& a, const StrongId& b) = default;

  template <typename H>
  friend H AbslHashValue(H state, const StrongId& id) {
    return H::combine(std::move(state), id.value_);
  }

  // For test output.
  friend void PrintTo(const StrongId& id, std::ostream* out) requires requires(const Value& value) {
    *out << value;
  }
  { *out << id.value_; }

 private:
  Value value_{};
};

}  // namespace holdfast

template <typename Tag, typename Value>
struct std::hash<holdfast::StrongId<Tag, Value>> {
  std::size_t operator()(const holdfast::StrongId<Tag, Value>& id) const {
    return std::hash<Value>{}(id.value());
  }
};
