// SPDX-License-Identifier: Apache-2.0
#include "daemon/rpc/method_table.h"

#include <algorithm>

#include "base/check.h"
#include "base/error.h"
#include "holdfast/options/v1/options.pb.h"

namespace holdfast::rpc {
namespace {

std::string PathOf(const google::protobuf::MethodDescriptor& method) {
  return "/" + method.service()->full_name() + "/" + method.name();
}

// The service that `path` names, in the file of the request: so the linker cannot have left it out.
const google::protobuf::MethodDescriptor* FindInFile(const google::protobuf::FileDescriptor& file,
                                                     std::string_view path) {
  for (int s = 0; s < file.service_count(); ++s) {
    const auto* service = file.service(s);
    for (int m = 0; m < service->method_count(); ++m) {
      if (PathOf(*service->method(m)) == path) return service->method(m);
    }
  }
  return nullptr;
}

}  // namespace

std::string_view internal::ReadAll(google::protobuf::io::ZeroCopyInputStream& in, std::size_t bytes,
                                   google::protobuf::Arena& arena) {
  char* const all = google::protobuf::Arena::CreateArray<char>(&arena, bytes);
  std::size_t have = 0;
  const void* data = nullptr;
  int size = 0;
  while (in.Next(&data, &size)) {
    const std::size_t taken = std::min(static_cast<std::size_t>(size), bytes - have);
    std::copy_n(static_cast<const char*>(data), taken, all + have);
    have += taken;
  }
  return {all, have};
}

Method MethodTable::Describe(std::string_view path, const google::protobuf::Descriptor* request,
                             const google::protobuf::Descriptor* response, Lane lane) {
  const auto* descriptor = FindInFile(*request->file(), path);
  HF_CHECK(descriptor != nullptr);
  HF_CHECK(descriptor->input_type() == request);
  HF_CHECK(descriptor->output_type() == response);
  Method method;
  method.path = std::string(path);
  method.descriptor = descriptor;
  method.permission = descriptor->options().GetExtension(holdfast::options::v1::permission);
  method.max_request_bytes =
      descriptor->options().GetExtension(holdfast::options::v1::max_request_bytes);
  method.lane = lane;
  return method;
}

void MethodTable::Add(Method method) {
  const auto& descriptor = *method.descriptor;
  HF_CHECK(descriptor.client_streaming() == (method.bidi != nullptr));
  HF_CHECK(descriptor.server_streaming() ==
           (method.bidi != nullptr || method.server_stream != nullptr));
  const auto* service = descriptor.service();
  services_.emplace(service->full_name(), service);
  const bool is_new = methods_.emplace(method.path, std::move(method)).second;
  HF_CHECK(is_new);
}

absl::Status MethodTable::Check() const {
  std::string faults;
  const auto fault = [&](const std::string& path, std::string_view what) {
    if (!faults.empty()) faults += "; ";
    faults += path;
    faults += what;
  };
  for (const auto& [name, service] : services_) {
    for (int m = 0; m < service->method_count(); ++m) {
      const auto& descriptor = *service->method(m);
      const std::string path = PathOf(descriptor);
      const auto& options = descriptor.options();
      if (options.GetExtension(holdfast::options::v1::permission).empty()) {
        fault(path, " has no permission");
      }
      if (options.GetExtension(holdfast::options::v1::max_request_bytes) == 0) {
        fault(path, " has no max_request_bytes");
      }
      if (!methods_.contains(path)) fault(path, " has no handler");
    }
  }
  if (faults.empty()) return absl::OkStatus();
  return MakeError(Reason::kInternal, faults);
}

const Method* MethodTable::Find(std::string_view path) const {
  const auto found = methods_.find(path);
  return found == methods_.end() ? nullptr : &found->second;
}

std::vector<std::string> MethodTable::ServiceNames() const {
  std::vector<std::string> names;
  for (const auto& entry : services_) names.push_back(entry.first);
  return names;
}

std::size_t MethodTable::LargestRequestBytes() const {
  std::size_t largest = 0;
  for (const auto& entry : methods_) largest = std::max(largest, entry.second.max_request_bytes);
  return largest;
}

}  // namespace holdfast::rpc
