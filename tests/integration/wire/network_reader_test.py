#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A requester without any code of ours: reader.py against a gateway, from the lease to the record.

Usage: network_reader_test.py HOLDFAST HOLDFASTD STUBS
"""
import re
import sys
import unittest

import wire_gateway as wire

import reader  # noqa: E402
from holdfast.record.v1 import outcome_pb2  # noqa: E402

PEOPLE = 600


class NetworkReaderTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.gateway = gateway = wire.Gateway(people=PEOPLE)
        cls.addClassCleanup(gateway.close)
        requester = ("--profile", "requester-1", "--quiet")
        gateway.cli(*requester, "transfer", "create", "sample/requests.csv", "--terms",
                    "sample/terms.txt", "--attestation", "sample/attestation.txt")
        stub = gateway.transfers("requester-1")
        (transfer,) = stub.ListTransfers(wire.transfer_service_pb2.ListTransfersRequest(),
                                         timeout=wire.SECONDS).transfers
        cls.transfer = transfer.name
        gateway.cli(*requester, "transfer", "submit", cls.transfer, "sample/requests.csv")
        gateway.approve(cls.transfer)
        serve = ("--profile", "source-1", "--quiet", "source", "serve", cls.transfer, "--people",
                 "sample/people.csv")
        gateway.cli(*serve, want=12)  # Some are doubtful, and wait for a custodian.
        gateway.refuse_cases(cls.transfer)
        gateway.cli(*serve)
        cls.requests = {int(row["row"]): row for row in gateway.sample("requests.csv")}
        terms = transfer.terms
        cls.bindings = {
            row: reader.binding(transfer.binding_nonce, b"requester-1", request["officer"].encode(),
                                request["case"].encode(), terms.purpose.encode(),
                                terms.authority.encode(), terms.attestation_digest)
            for row, request in cls.requests.items()}

    def read(self, **changed):
        arguments = {"channel": self.gateway.channel("requester-1"),
                     "exchange": self.gateway.exchange, "transfer": self.transfer,
                     "member": "requester-1", "signing_seed": self.gateway.seed("requester-1"),
                     "bindings": self.bindings}
        return reader.read_transfer(**dict(arguments, **changed))

    def test_every_record_says_what_the_sample_says(self):
        people = {row["person_id"]: row for row in self.gateway.sample("people.csv")}
        permitted = re.findall(r'^\s*fields: "(\w+)"', self.gateway.agreement.decode(), re.MULTILINE)
        self.assertGreater(len(permitted), 5)
        outcomes = {row: outcome_pb2.Outcome.FromString(payload)
                    for row, payload in self.read(batch=100)}
        counts = {}
        for truth in self.gateway.sample("truth.csv"):
            row = int(truth["row"])
            counts[truth["outcome"]] = counts.get(truth["outcome"], 0) + 1
            if truth["outcome"] == "refused":
                self.assertNotIn(row, outcomes)
                continue
            outcome = outcomes.pop(row)
            self.assertEqual(outcome.client_reference, self.requests[row]["reference"])
            fields = {field.name: field.value for field in outcome.fields}
            self.assertEqual(len(fields), len(outcome.fields))
            if truth["outcome"] == "released":
                self.assertEqual(outcome.result, outcome_pb2.Outcome.RELEASED, truth)
                person = people[truth["person_id"]]
                self.assertEqual(fields, {name: person[name] for name in permitted})
            else:
                self.assertEqual(outcome.result, outcome_pb2.Outcome.NOTHING_RELEASED, truth)
                self.assertEqual(fields, {})
        self.assertEqual(outcomes, {})
        self.assertEqual(set(counts), {"refused", "nothing", "released"})
        self.assertGreater(counts["released"], PEOPLE // 2)

    def test_an_envelope_of_another_case_is_not_taken_for_ones_own(self):
        with self.assertRaises(reader.Rejected):
            list(self.read(bindings=dict.fromkeys(self.bindings, bytes(32))))

    def test_a_key_opens_its_own_envelope_and_no_other(self):
        channel = self.gateway.channel("requester-1")
        envelopes = reader.collect(channel, self.transfer)
        rows = list(envelopes)[:2]
        keys = dict(reader.release(channel, self.gateway.exchange, self.transfer, "requester-1",
                                   self.gateway.seed("requester-1"), rows))
        transfer = reader.transfer_id(self.transfer)
        for row in rows:
            for other in rows:
                arguments = (envelopes[row], keys[other], self.gateway.exchange, transfer, row)
                if row == other:
                    reader.open_envelope(*arguments)
                    continue
                with self.assertRaises(reader.Rejected):
                    reader.open_envelope(*arguments)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
