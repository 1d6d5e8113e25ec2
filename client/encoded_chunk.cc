// SPDX-License-Identifier: Apache-2.0
#include "client/encoded_chunk.h"

namespace holdfast::client {
namespace {

int RowsOf(const v1::SubmitSubjectsRequest& request) { return request.subjects_size(); }
int RowsOf(const v1::DepositRecordsRequest& request) { return request.findings_size(); }

}  // namespace

template <typename Request>
EncodedChunk<Request>::EncodedChunk(const Request& request)
    : chunk_(request.chunk()),
      rows_(static_cast<std::uint32_t>(RowsOf(request))),
      bytes_(std::make_shared<std::string>(request.SerializeAsString())) {}

template class EncodedChunk<v1::SubmitSubjectsRequest>;
template class EncodedChunk<v1::DepositRecordsRequest>;

}  // namespace holdfast::client
