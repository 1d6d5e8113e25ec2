#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Doubtful cases from the deposit to the opened record: shown, released, refused, frozen, expired.

Usage: review_test.py HOLDFAST HOLDFASTD STUBS
"""
import concurrent.futures
import json
import sys
import time
import unittest

import grpc
import wire_gateway as wire

import reader  # noqa: E402
from holdfast.ledger.v1 import entry_pb2  # noqa: E402
from holdfast.record.v1 import outcome_pb2  # noqa: E402
from holdfast.v1 import review_service_pb2 as reviews  # noqa: E402
from holdfast.v1 import review_service_pb2_grpc  # noqa: E402

transfers = wire.transfer_service_pb2
REFUSED, HELD = 10, 11
PERMITTED = {"wages": "42377", "employer": "Quarry Road Garage"}


def found(row, **changed):
    return wire.candidate(wire.somebody(row, **changed), office_note="never leaves", **PERMITTED)


# By row: what the source finds.
FINDINGS = (
    lambda row: [found(row)],  # Released at once.
    lambda row: [found(row, line1="Sorrel")],  # Its address does not parse.
    lambda row: [found(row, line1="9 Elsewhere Ave")],  # Another address.
    lambda row: [found(row), found(row)],  # Two that cannot be told apart.
    lambda row: [],
    lambda row: [found(row, tax_number="999-88-7766")],  # Contradicts.
    lambda row: [found(row, line1="Sorrel")],  # As row 1.
    lambda row: [found(row, line1="Sorrel")],
)
ROWS = len(FINDINGS)
WAITING = [1, 2, 3, 5, 6, 7]


def find(subject):
    return FINDINGS[subject.row](subject.row)


class ReviewTest(unittest.TestCase):
    maxDiff = None

    def open_transfer(self, gateway):
        transfer = gateway.create().name
        verdicts = gateway.submit(transfer, [wire.subject(wire.somebody(row), reference=f"row-{row}")
                                             for row in range(ROWS)])
        self.assertEqual(verdicts, b"\x01" * ROWS)
        gateway.approve(transfer)
        (answer,) = gateway.deposit(transfer, find)
        self.assertEqual(answer.waiting, len(WAITING))
        for row in range(ROWS):
            digest = answer.envelope_digests[32 * row:32 * row + 32]
            self.assertEqual(digest == bytes(32), row in WAITING, row)
        return transfer, answer

    def review(self, gateway, *arguments, want=0, who="custodian-1"):
        out = gateway.cli("--profile", who, "--json", "--quiet", "review", *map(str, arguments),
                          want=want)
        return [json.loads(line) for line in out.splitlines()]

    def test_the_whole_review(self):
        gateway = wire.Gateway()
        self.addCleanup(gateway.close)
        transfer, answer = self.open_transfer(gateway)
        self.close_is_refused(gateway, transfer, answer)
        self.only_a_custodian_sees_it(gateway, transfer)
        digests = self.cases_are_listed_and_shown(gateway, transfer)
        self.not_everything_is_released(gateway, transfer, digests)
        self.a_freeze_stops_it(gateway, transfer)
        self.what_waits_outlives_a_kill(gateway, transfer)
        self.two_custodians_at_a_time(gateway, transfer)
        (answer,) = gateway.deposit(transfer, lambda subject: [])
        self.assertEqual((answer.waiting, list(answer.verdicts)),
                         (0, [1, 2, 50, 2, 10, 50, 2, 50]))
        gateway.finish(transfer, [answer])
        self.verdicts_run_again(gateway, transfer)
        self.the_records_are_those_that_were_released(gateway, transfer)
        self.the_ledger_says_all_of_it(gateway)
        self.assertEqual(gateway.errors(), [])

    def close_is_refused(self, gateway, transfer, answer):
        with self.assertRaises(grpc.RpcError) as caught:
            gateway.finish(transfer, [answer])
        info = wire.info_of(caught.exception)
        self.assertEqual((info.reason, info.metadata["refusal"], info.metadata["waiting"]),
                         ("TRANSFER_STATE", "CASES_WAITING", str(len(WAITING))))

    def only_a_custodian_sees_it(self, gateway, transfer):
        request = transfers.GetTransferRequest(name=transfer)
        for who, waiting in (("requester-1", 0), ("source-1", 6), ("custodian-1", 6),
                             ("counsel-1", 0)):
            view = gateway.transfers(who).GetTransfer(request, timeout=wire.SECONDS)
            self.assertEqual(view.waiting, waiting, who)
        for who in ("requester-1", "source-1", "counsel-1", "auditor-1", "operator-1"):
            stub = review_service_pb2_grpc.ReviewServiceStub(gateway.channel(who))
            for method, asked in (
                    (stub.ListReviewCases, reviews.ListReviewCasesRequest()),
                    (stub.ShowReviewCase, reviews.ShowReviewCaseRequest(transfer=transfer, row=1)),
                    (stub.RerunVerdict, reviews.RerunVerdictRequest(transfer=transfer, row=1))):
                with self.assertRaises(grpc.RpcError) as caught:
                    method(asked, timeout=wire.SECONDS)
                self.assertEqual(wire.info_of(caught.exception).reason, "PERMISSION_DENIED", who)

    def cases_are_listed_and_shown(self, gateway, transfer):
        *cases, total = self.review(gateway, "list")
        self.assertEqual([case["row"] for case in cases], WAITING)
        self.assertEqual((total["listed"], total["waiting"]), (6, 6))
        self.assertEqual(total["by_verdict"], {
            "ADDRESS_MISMATCHED": 1, "ADDRESS_NOT_COMPARABLE": 3, "SEVERAL_AGREE": 1,
            "TAX_NUMBER_CONTRADICTS": 1})
        self.assertEqual({case["row"]: case["releasable"] for case in cases},
                         {1: 1, 2: 0, 3: 2, 5: 0, 6: 1, 7: 1})
        stub = review_service_pb2_grpc.ReviewServiceStub(gateway.channel("custodian-1"))
        paged, token = [], ""
        while True:
            page = stub.ListReviewCases(reviews.ListReviewCasesRequest(
                transfer=transfer, page_size=4, page_token=token), timeout=wire.SECONDS)
            paged += [case.row for case in page.cases]
            token = page.next_page_token
            if not token:
                break
        self.assertEqual(paged, WAITING)
        for token in ("x", "1.2.3", "1.2.3.4.5", "1.-2.3.4", "9" * 40):
            with self.assertRaises(grpc.RpcError) as caught:
                stub.ListReviewCases(reviews.ListReviewCasesRequest(page_token=token),
                                     timeout=wire.SECONDS)
            self.assertEqual(wire.info_of(caught.exception).reason, "REQUEST_MALFORMED")

        (shown,) = self.review(gateway, "show", transfer, 5)
        self.assertEqual(shown["subject"]["tax_number"], wire.somebody(5)["tax_number"])
        (candidate,) = shown["candidates"]
        self.assertEqual(candidate["fields"], PERMITTED)  # And nothing that may not leave (R12).
        self.assertEqual({each["field"]: each["result"] for each in candidate["comparisons"]},
                         {"name": "SAME", "address": "SAME", "tax_number": "CONTRADICTS",
                          "birth_date": "SAME"})
        (again,) = self.review(gateway, "show", transfer, 5)
        self.assertEqual((shown["summary"]["shown"], again["summary"]["shown"]), (1, 2))
        self.assertGreater(again["ledger_index"], shown["ledger_index"])
        for row in (0, 4, 99):  # They do not wait.
            gateway.cli("--profile", "custodian-1", "review", "show", transfer, str(row), want=REFUSED)
        return {case["row"]: case["digest"] for case in cases}

    def release(self, gateway, transfer, row, *options, who="custodian-1", want=0):
        return self.review(gateway, "release", transfer, row, "--reason", "the same person", "--yes",
                           *options, who=who, want=want)

    def not_everything_is_released(self, gateway, transfer, digests):
        for row in (2, 5):  # Another address; a contradiction.
            refused = self.release(gateway, transfer, row, "--digest", digests[row], want=REFUSED)
            self.assertIn("CANDIDATE_NOT_RELEASABLE", json.dumps(refused))
        refused = self.release(gateway, transfer, 1, "--digest", digests[2], want=REFUSED)
        self.assertIn("CASE_DIFFERS", json.dumps(refused))
        refused = self.release(gateway, transfer, 1, "--candidate", 1, "--digest", digests[1],
                               want=REFUSED)
        self.assertIn("CANDIDATE_NOT_RELEASABLE", json.dumps(refused))
        shown, receipt = self.release(gateway, transfer, 1)
        self.assertEqual(shown["summary"]["row"], 1)
        self.assertGreater(receipt["ledger_index"], shown["ledger_index"])
        self.review(gateway, "refuse", transfer, "--rows", 2, "--reason", "lives elsewhere", "--yes")
        gone = self.release(gateway, transfer, 1, "--digest", digests[1], want=REFUSED)
        self.assertIn("CASE_UNKNOWN", json.dumps(gone))

    def a_freeze_stops_it(self, gateway, transfer):
        (gateway.folder / "order.txt").write_text("It is ordered.\n", encoding="utf-8")
        gateway.cli("--profile", "counsel-1", "hold", "place", "--id", "hold-1", "--matter",
                    "1:26-cv-00001", "--court", "D. Example", "--order-reference", "ECF 1",
                    "--document", "order.txt", "--transfer", transfer, "--rows", "3", "--kind",
                    "freeze", "--yes", "--quiet")
        held = self.release(gateway, transfer, 3, want=HELD)
        self.assertIn("1:26-cv-00001", json.dumps(held))
        self.review(gateway, "refuse", transfer, "--all", "--reason", "no", "--yes", want=HELD)
        frozen = [case["frozen_by"] for case in self.review(gateway, "list") if case.get("row") == 3]
        self.assertEqual(frozen, ["1:26-cv-00001"])
        gateway.cli("--profile", "counsel-1", "hold", "lift", "hold-1", "--reason", "vacated", "--yes",
                    "--quiet")
        gateway.cli("--profile", "counsel-2", "hold", "lift", "hold-1", "--confirm", "--yes",
                    "--quiet")
        deadline = time.monotonic() + wire.SECONDS
        while any(case.get("frozen_by") for case in self.review(gateway, "list")):
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.1)

    def what_waits_outlives_a_kill(self, gateway, transfer):
        before = self.review(gateway, "list", "--transfer", transfer)
        gateway.kill()
        gateway.start()
        self.assertEqual(self.review(gateway, "list", "--transfer", transfer), before)

    def two_custodians_at_a_time(self, gateway, transfer):
        """Of one chunk: whoever comes second is sealed anew, and nothing is lost."""
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            each = [pool.submit(self.release, gateway, transfer, 3, "--candidate", 1),
                    pool.submit(self.review, gateway, "refuse", transfer, "--rows", 5, "--reason",
                                "no", "--yes", who="custodian-2")]
            for one in each:
                one.result()
            each = [pool.submit(self.release, gateway, transfer, 6),
                    pool.submit(self.review, gateway, "refuse", transfer, "--rows", 7, "--reason",
                                "no", "--yes", who="custodian-2")]
            for one in each:
                one.result()

    def verdicts_run_again(self, gateway, transfer):
        expected = ["RELEASED", "ADDRESS_NOT_COMPARABLE", "ADDRESS_MISMATCHED", "SEVERAL_AGREE",
                    "NOT_FOUND", "TAX_NUMBER_CONTRADICTS", "ADDRESS_NOT_COMPARABLE",
                    "ADDRESS_NOT_COMPARABLE"]
        for row in range(ROWS):
            (rerun,) = self.review(gateway, "rerun", transfer, row)
            self.assertEqual((rerun["result"], rerun["verdict"], rerun["verdict_now"]),
                             ("SAME", expected[row], expected[row]))

    def the_records_are_those_that_were_released(self, gateway, transfer):
        records = dict(reader.read_transfer(
            gateway.channel("requester-1"), gateway.exchange, transfer, "requester-1",
            gateway.seed("requester-1"), dict.fromkeys(range(ROWS))))
        for row in range(ROWS):
            outcome = outcome_pb2.Outcome.FromString(records[row])
            self.assertEqual(outcome.client_reference, f"row-{row}")
            released = row in (0, 1, 3, 6)
            self.assertEqual(outcome.result == outcome_pb2.Outcome.RELEASED, released, row)
            self.assertEqual({field.name: field.value for field in outcome.fields},
                             PERMITTED if released else {}, row)

    def the_ledger_says_all_of_it(self, gateway):
        gateway.cli("--profile", "auditor-1", "--quiet", "ledger", "export", "--out", "export")
        out = gateway.cli("--profile", "auditor-1", "--json", "--quiet", "ledger", "verify", "export",
                          "--exchange-id", gateway.exchange.hex())
        report = json.loads(out)
        self.assertEqual(report["verdicts"], {"replayable": ROWS, "not_replayable": 0})
        self.assertEqual((report["facts"]["review_opened"], report["facts"]["verdict_rerun"]),
                         (len(WAITING), ROWS))
        self.assertGreaterEqual(report["facts"]["case_shown"], 5)
        auditor = wire.ledger_service_pb2_grpc.LedgerServiceStub(gateway.channel("auditor-1"))
        kinds = []
        for bundle in auditor.ReadEntries(wire.ledger_service_pb2.ReadEntriesRequest(),
                                          timeout=wire.SECONDS):
            kinds += [entry_pb2.Entry.FromString(raw) for raw in bundle.entries]
        for before, entry in zip(kinds, kinds[1:]):
            if (entry.WhichOneof("fact") == "envelope_deposited"
                    and entry.envelope_deposited.verdict in (2, 50)):
                self.assertEqual(before.WhichOneof("fact"), "order_accepted")

    def test_what_nobody_settles_becomes_nothing(self):
        gateway = wire.Gateway(terms="review_window { seconds: 2 }")
        self.addCleanup(gateway.close)
        transfer, _ = self.open_transfer(gateway)
        watch = gateway.transfers("source-1").WatchTransfer(
            transfers.GetTransferRequest(name=transfer), timeout=4 * wire.SECONDS)
        for seen in watch:
            if seen.waiting == 0:
                break
        watch.cancel()
        (answer,) = gateway.deposit(transfer, lambda subject: [])
        self.assertEqual(list(answer.verdicts), [1, 51, 51, 51, 10, 51, 51, 51])
        gateway.finish(transfer, [answer])
        records = dict(reader.read_transfer(
            gateway.channel("requester-1"), gateway.exchange, transfer, "requester-1",
            gateway.seed("requester-1"), dict.fromkeys(range(ROWS))))
        released = [row for row in range(ROWS)
                    if outcome_pb2.Outcome.FromString(records[row]).fields]
        self.assertEqual(released, [0])
        self.assertEqual(gateway.errors(), [])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
