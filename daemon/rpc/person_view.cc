// SPDX-License-Identifier: Apache-2.0
#include "daemon/rpc/person_view.h"

namespace holdfast::rpc {
namespace {

using v1::Address;
using v1::Person;

bool ReadAddress(std::string_view bytes, policy::AddressView& address) {
  return ReadFields(bytes, [&](WireReader& in) {
    switch (in.tag()) {
      case DelimitedTag(Address::kLine1FieldNumber):
        return in.Text(address.line1);
      case DelimitedTag(Address::kLine2FieldNumber):
        return in.Text(address.line2);
      case DelimitedTag(Address::kCityFieldNumber):
        return in.Text(address.city);
      case DelimitedTag(Address::kStateFieldNumber):
        return in.Text(address.state);
      case DelimitedTag(Address::kPostalCodeFieldNumber):
        return in.Text(address.postal_code);
      default:
        return in.Skip();
    }
  });
}

std::size_t AddressBytes(const policy::AddressView& address) {
  return TextBytes(address.line1) + TextBytes(address.line2) + TextBytes(address.city) +
         TextBytes(address.state) + TextBytes(address.postal_code);
}

}  // namespace

void FillPerson(const policy::PersonView& view, v1::Person& person) {
  const auto text = [](std::string_view part) { return std::string(part); };
  person.set_name(text(view.name));
  if (AddressBytes(view.address) > 0) {
    v1::Address& address = *person.mutable_address();
    address.set_line1(text(view.address.line1));
    address.set_line2(text(view.address.line2));
    address.set_city(text(view.address.city));
    address.set_state(text(view.address.state));
    address.set_postal_code(text(view.address.postal_code));
  }
  person.set_tax_number(text(view.tax_number));
  person.set_birth_date(text(view.birth_date));
}

bool ReadPerson(std::string_view bytes, policy::PersonView& person) {
  std::string_view address;
  return ReadFields(bytes, [&](WireReader& in) {
    switch (in.tag()) {
      case DelimitedTag(Person::kNameFieldNumber):
        return in.Text(person.name);
      case DelimitedTag(Person::kAddressFieldNumber):
        return in.Bytes(address) && ReadAddress(address, person.address);
      case DelimitedTag(Person::kTaxNumberFieldNumber):
        return in.Text(person.tax_number);
      case DelimitedTag(Person::kBirthDateFieldNumber):
        return in.Text(person.birth_date);
      default:
        return in.Skip();
    }
  });
}

std::size_t PersonBytes(const policy::PersonView& person) {
  const std::size_t address = AddressBytes(person.address);
  return TextBytes(person.name) + (address == 0 ? 0 : DelimitedBytes(address)) +
         TextBytes(person.tax_number) + TextBytes(person.birth_date);
}

void WritePerson(int field, const policy::PersonView& person, WireWriter& out) {
  out.Begin(field, PersonBytes(person));
  out.Text(Person::kNameFieldNumber, person.name);
  if (const std::size_t bytes = AddressBytes(person.address); bytes > 0) {
    out.Begin(Person::kAddressFieldNumber, bytes);
    out.Text(Address::kLine1FieldNumber, person.address.line1);
    out.Text(Address::kLine2FieldNumber, person.address.line2);
    out.Text(Address::kCityFieldNumber, person.address.city);
    out.Text(Address::kStateFieldNumber, person.address.state);
    out.Text(Address::kPostalCodeFieldNumber, person.address.postal_code);
  }
  out.Text(Person::kTaxNumberFieldNumber, person.tax_number);
  out.Text(Person::kBirthDateFieldNumber, person.birth_date);
}

}  // namespace holdfast::rpc
