#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What a request must be, and what a custodian can order about it, over the network.

Usage: custodian_test.py HOLDFAST HOLDFASTD STUBS PROTOSET
"""
import json
import subprocess
import time
import unittest

import grpc
import wire_gateway as wire

transfers = wire.transfer_service_pb2
PEOPLE = [wire.somebody(number) for number in range(60)]


class CustodianTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.gateway = wire.Gateway()
        cls.addClassCleanup(cls.gateway.close)
        cls.people = iter(PEOPLE)

    def tearDown(self):
        self.assertEqual(self.gateway.errors(), [])

    def some(self, count):
        """People who were not asked for before."""
        return [next(self.people) for _ in range(count)]

    def asked(self, rows, **terms):
        name = self.gateway.create(**terms).name
        return name, self.gateway.submit(name, [wire.subject(row) for row in rows])

    def get(self, transfer, member="custodian-1"):
        request = transfers.GetTransferRequest(name=transfer)
        return self.gateway.transfers(member).GetTransfer(request, timeout=wire.SECONDS)

    def stops(self, transfer):
        return [stop.reason for stop in self.get(transfer).stops]

    def custodian(self, *arguments, fails=None):
        command = (wire.HOLDFAST, "--profile", "custodian-1", "transfer", *arguments, "--json")
        result = subprocess.run(command, cwd=self.gateway.folder, env=self.gateway.environment,
                                capture_output=True, text=True, check=False,
                                timeout=2 * wire.SECONDS)
        if fails is None:
            self.assertEqual(result.returncode, 0, result)
        else:
            self.assertNotEqual(result.returncode, 0, result)
            self.assertIn(fails, result.stdout + result.stderr)
        return result.stdout

    def order(self, act, transfer, *more, fails=None):
        return self.custodian(act, transfer, *more, "--reason", "a test's", "--yes", fails=fails)

    def approve(self, transfer, fails=None):
        return self.custodian("approve", transfer, "--yes", fails=fails)

    def refused(self, call, *messages):
        """Returns by which rule `call` refuses."""
        with self.assertRaises(grpc.RpcError) as caught:
            answer = call(*messages, timeout=wire.SECONDS)
            if hasattr(answer, "__next__"):
                list(answer)
        info = wire.info_of(caught.exception)
        return info.metadata["gate"] if "gate" in info.metadata else info.metadata["refusal"]

    # ---- R3, R9: whom the gate refuses is never shown to the source, whatever else is right

    def test_a_refused_subject_never_reaches_the_source(self):
        good = self.some(20)
        bad = [dict(row, **change) for row, change in zip(self.some(5), (
            {"line1": "Failed to Provide", "postal_code": "90210"}, {"city": ""},
            {"state": ""}, {"line1": ""}, {"postal_code": "00000"}))]
        name, verdicts = self.asked(good[:10] + bad + good[10:])
        self.assertEqual([verdict == 1 for verdict in verdicts],
                         [True] * 10 + [False] * 5 + [True] * 10)
        if self.stops(name):
            self.order("let-go-on", name)
        self.approve(name)
        shown = [found for chunk in self.gateway.fetch(name) for found in chunk.subjects]
        self.assertEqual([found.row for found in shown], [*range(10), *range(15, 25)])
        self.assertEqual([found.person.name for found in shown], [row["name"] for row in good])
        # Nor can the source answer for them.
        findings = [transfers.Findings(row=row, candidates=[]) for row in range(25)]
        request = transfers.DepositRecordsRequest(transfer=name, chunk=0, findings=findings)
        with self.assertRaises(grpc.RpcError) as caught:
            list(self.gateway.transfers("source-1").DepositRecords(iter([request]),
                                                                   timeout=wire.SECONDS))
        self.assertEqual(wire.info_of(caught.exception).reason, "REQUEST_MALFORMED")

    # ---- R5, R7

    def test_who_asks_and_by_what_statute_is_in_the_agreement(self):
        create = self.gateway.create
        for terms, rule in (({"requesting_official": "deputy-director-2"}, "DELEGATION_NOT_IN_FORCE"),
                            ({"authority": "26-usc-6103-x"}, "AUTHORITY_NOT_DESIGNATED"),
                            ({"attestation_digest": bytes(32)}, "ATTESTATION_MISSING")):
            self.assertEqual(self.refused(lambda timeout, terms=terms: create(**terms)), rule)

    # ---- R46

    def test_a_person_at_a_second_address_waits_for_a_custodian(self):
        prober, *others = self.some(6)
        first, _ = self.asked([prober, *others[:2]], officers=["officer-1"])
        self.assertEqual(self.stops(first), [])
        again, _ = self.asked([dict(prober, line1=prober["line1"].upper()), *others[2:4]],
                              officers=["officer-2"])
        self.assertEqual(self.stops(again), [])
        second, _ = self.asked([dict(prober, line1="7 Elsewhere Rd"), *others[4:]],
                               officers=["officer-3"])
        self.assertEqual(self.stops(second), ["SECOND_ADDRESS"])
        self.assertEqual(self.get(second).dossier.second_addresses, 1)
        self.approve(second, fails="TRANSFER_BRAKED")
        self.order("let-go-on", second)
        self.assertEqual(self.stops(second), [])
        self.order("let-go-on", second, fails="no brake stops")
        self.approve(second)

    # ---- the dossier

    def test_the_dossier_is_for_custodians_and_says_what_is_asked(self):
        name, _ = self.asked(self.some(3), officers=["officer-1", "officer-9"])
        shown = json.loads(self.custodian("dossier", name))
        self.assertEqual(shown["digest"], self.get(name).dossier_digest)
        self.assertEqual(shown["verdicts"], {"ACCEPTED": 3})
        self.assertEqual([one["officer"] for one in shown["officers"]], ["officer-1", "officer-9"])
        self.assertEqual(shown["officers"][0]["accepted"], 3)
        self.assertGreaterEqual(shown["officers"][0]["open_cases"], 3)
        for member in ("requester-1", "auditor-1"):
            try:
                self.assertFalse(self.get(name, member).HasField("dossier"))
            except grpc.RpcError as error:
                self.assertEqual(error.code(), grpc.StatusCode.PERMISSION_DENIED)

    # ---- orders

    def test_a_suspended_transfer_does_not_move_and_then_goes_on(self):
        rows = self.some(2)
        name, _ = self.asked(rows)
        self.approve(name)
        self.order("suspend", name)
        self.assertEqual(self.stops(name), ["SUSPENDED"])
        source = self.gateway.transfers("source-1")
        fetch = transfers.FetchSubjectsRequest(transfer=name)
        self.assertEqual(self.refused(source.FetchSubjects, fetch), "TRANSFER_SUSPENDED")
        self.order("suspend", name, fails="TRANSFER_SUSPENDED")
        self.order("resume", name)
        answers = self.gateway.deposit(name, lambda found: [wire.candidate(rows[found.row])])
        self.gateway.finish(name, answers)
        self.order("suspend", name)
        collect = transfers.CollectEnvelopesRequest(transfer=name)
        requester = self.gateway.transfers("requester-1")
        self.assertEqual(self.refused(requester.CollectEnvelopes, collect), "TRANSFER_SUSPENDED")
        self.order("resume", name)
        self.assertEqual(len(list(requester.CollectEnvelopes(collect, timeout=wire.SECONDS))), 1)

    def test_a_cap_and_an_end_are_only_made_stricter(self):
        rows = self.some(2)
        name = self.gateway.released([wire.subject(row) for row in rows],
                                     lambda found: [wire.candidate(rows[found.row])])
        self.order("cap", name, "--records", "1")
        self.order("cap", name, "--records", "2", fails="NOT_STRICTER")
        self.assertEqual(self.get(name).record_cap, 1)
        later = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))
        self.order("end", name, "--at", later)
        self.order("end", name, "--at", "2199-01-01T00:00:00Z", fails="NOT_STRICTER")
        self.order("end", name, "--at", "now")
        self.assertEqual(self.stops(name), ["ENDED"])
        collect = transfers.CollectEnvelopesRequest(transfer=name)
        requester = self.gateway.transfers("requester-1")
        self.assertEqual(self.refused(requester.CollectEnvelopes, collect), "TRANSFER_ENDED")


if __name__ == "__main__":
    unittest.main(argv=["custodian_test"], verbosity=2)
