#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Whatever is refused is on the record before the answer: each act of Refused is refused here once, and
its entry says who asked for what and why not. What leaves no entry, on purpose, leaves none.

Usage: refusals_test.py HOLDFAST HOLDFASTD STUBS PROTOSET
"""
import json
import pathlib
import queue
import re
import sys
import time
import unittest

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "holds"))

import grpc
import wire_gateway as wire
from nacl import bindings as sodium

import orders  # noqa: E402
import reader  # noqa: E402
from holdfast.ledger.v1 import entry_pb2  # noqa: E402
from holdfast.v1 import (hold_service_pb2, hold_service_pb2_grpc,  # noqa: E402
                         person_service_pb2 as people, person_service_pb2_grpc,
                         review_service_pb2 as reviews, review_service_pb2_grpc, scope_pb2)

transfers = wire.transfer_service_pb2
keys = wire.key_service_pb2
ledger = wire.ledger_service_pb2
Refused = entry_pb2.Refused
ROWS = 3
# What nobody can be refused over the wire: a sweep asks for nothing, and an auditor who may read at
# all may read everything.
NEVER_OVER_THE_WIRE = {Refused.ACT_UNSPECIFIED, Refused.DESTROY, Refused.READ_LEDGER}
# The numbers of the names, as docs/errors.md has them for whoever reads a ledger.
ERRORS = pathlib.Path(__file__).resolve().parents[3] / "docs/errors.md"
NUMBERS = {name: int(number) for number, name in re.findall(
    r"^\| (\d+) \| `(\w+)` \| `\w+` \|", ERRORS.read_text(encoding="utf-8"), re.MULTILINE)}


def safeguarded(text, valid_from, valid_until):
    """The agreement's text, with another time of its document on safeguards."""
    changed, count = re.subn(
        r"(safeguards \{[^}]*?valid_from \{ seconds: )\d+( \}\s*valid_until \{ seconds: )\d+",
        rf"\g<1>{valid_from}\g<2>{valid_until}", text)
    assert count == 1, text
    return changed


class RefusalsTest(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.gateway = gateway = wire.Gateway()
        cls.addClassCleanup(gateway.close)
        cls.people = [wire.somebody(row) for row in range(40)]
        cls.subjects = [wire.subject(person) for person in cls.people[:ROWS]]
        cls.submitting = gateway.create().name
        cls.waiting = gateway.create().name
        gateway.submit(cls.waiting, [wire.subject(person) for person in cls.people[10:10 + ROWS]])
        cls.approved = gateway.create().name
        gateway.submit(cls.approved, [wire.subject(person) for person in cls.people[20:20 + ROWS]])
        gateway.approve(cls.approved)
        cls.closed = gateway.released(cls.subjects,
                                      lambda found: [wire.candidate(cls.people[found.row])])
        cls.ledger = wire.ledger_service_pb2_grpc.LedgerServiceStub(gateway.channel("auditor-1"))
        cls.reviews = review_service_pb2_grpc.ReviewServiceStub(gateway.channel("custodian-1"))
        cls.seen = set()

    def tearDown(self):
        self.assertEqual(self.gateway.errors(), [])

    # ---- the ledger

    def read(self, first, ledger_of=None):
        """The entries from `first` on; the last of them is this reading, if anything was new."""
        stub = ledger_of or self.ledger
        return [entry_pb2.Entry.FromString(entry)
                for bundle in stub.ReadEntries(ledger.ReadEntriesRequest(first=first),
                                               timeout=wire.SECONDS)
                for entry in bundle.entries]

    def size(self):
        return self.ledger.GetExchange(ledger.GetExchangeRequest(), timeout=wire.SECONDS).ledger_size

    def fails(self, call, *messages):
        """Returns the error's info. `call` may be any of the four kinds of method."""
        with self.assertRaises(grpc.RpcError) as caught:
            answer = call(*messages, timeout=wire.SECONDS)
            if hasattr(answer, "__next__"):
                list(answer)
        return wire.info_of(caught.exception)

    def assert_on_record(self, info, member, act, refusal, transfer=None, ledger_of=None):
        """The entry that the error names says who was refused what, and why."""
        self.assertEqual(info.metadata["refusal"], refusal, info)
        entry = self.read(int(info.metadata["ledger_index"]), ledger_of)[0]
        self.assertEqual(entry.WhichOneof("fact"), "refused")
        fact = entry.refused
        self.assertEqual((fact.member, fact.act), (member, act))
        self.assertEqual(fact.has_transfer, transfer is not None)
        self.assertEqual(fact.refusal, NUMBERS[refusal])
        self.seen.add(fact.act)
        return fact

    def assert_leaves_none(self, ask):
        """Nothing is in the ledger of what `ask` does, but time and this test's own reading."""
        size = self.size()
        ask()
        facts = {entry.WhichOneof("fact") for entry in self.read(size)}
        self.assertLessEqual(facts, {"time_advanced", "ledger_read"})

    # ---- a new transfer

    def request(self, request_id=None, **terms):
        return transfers.CreateTransferRequest(
            request_id=sodium.randombytes(16) if request_id is None else request_id,
            terms=transfers.TransferTerms(**dict(
                {"authority": "26-usc-6103-i-2", "officers": ["officer-1"],
                 "purpose": "Preparation of a criminal proceeding under another statute",
                 "requesting_official": "deputy-director-1",
                 "attestation_digest": bytes(range(32)),
                 "periods": [transfers.TaxPeriod(first_year=2022, last_year=2023)]}, **terms)))

    def create(self, member="requester-1", **terms):
        """Asks for a transfer, and is refused."""
        return self.fails(self.gateway.transfers(member).CreateTransfer, self.request(**terms))

    def test_a_transfer_that_is_refused_is_on_the_record_whatever_is_wrong_with_it(self):
        years = transfers.TaxPeriod(first_year=2022, last_year=2023)
        for gate, refusal, reason, terms in (
                ("AUTHORITY_NOT_DESIGNATED", "AUTHORITY_UNKNOWN", "REQUEST_MALFORMED",
                 {"authority": "26-usc-6103-x"}),
                ("DELEGATION_NOT_IN_FORCE", "DELEGATION_NOT_IN_FORCE", "PERMISSION_DENIED",
                 {"requesting_official": "deputy-director-2"}),
                ("AUTHORITY_MISSING", "MALFORMED", "REQUEST_MALFORMED", {"authority": ""}),
                ("PURPOSE_MISSING", "MALFORMED", "REQUEST_MALFORMED", {"purpose": " "}),
                ("PURPOSE_NOT_SPECIFIC", "MALFORMED", "REQUEST_MALFORMED", {"purpose": "n/a"}),
                ("OFFICIAL_MISSING", "MALFORMED", "REQUEST_MALFORMED", {"requesting_official": ""}),
                ("PERIODS_MISSING", "MALFORMED", "REQUEST_MALFORMED", {"periods": []}),
                ("ATTESTATION_MISSING", "MALFORMED", "REQUEST_MALFORMED",
                 {"attestation_digest": bytes(32)}),
                ("", "MALFORMED", "REQUEST_MALFORMED", {"officers": []}),
                ("", "MALFORMED", "REQUEST_MALFORMED", {"officers": ["o", "o"]}),
                ("", "MALFORMED", "REQUEST_MALFORMED", {"periods": [years] * 65}),
                ("", "MALFORMED", "REQUEST_MALFORMED", {"request_id": b"short"})):
            with self.subTest(gate=gate, terms=terms):
                info = self.create("requester-2", **terms)
                self.assertEqual(info.reason, reason)
                self.assertEqual(info.metadata["gate"], gate)
                self.assert_on_record(info, "requester-2", Refused.CREATE_TRANSFER, refusal)

    def test_a_review_of_safeguards_that_is_over_refuses_on_the_record(self):
        now = int(time.time())
        # By the day, as the request gate looks at it, and by the moment, as the policy does.
        for valid, gate in (((now - 90 * 86400, now - 86400 * 2), "SAFEGUARD_NOT_IN_FORCE"),
                            ((now - 90 * 86400, now + 1), None)):
            with self.subTest(valid=valid):
                gateway = wire.Gateway(edit=lambda text, valid=valid: safeguarded(text, *valid))
                try:
                    while time.time() < valid[1] + 1:
                        time.sleep(0.1)
                    stub = gateway.transfers("requester-1")
                    info = self.fails(stub.CreateTransfer, self.request())
                    self.assertEqual(info.reason, "PERMISSION_DENIED")
                    if gate:
                        self.assertEqual(info.metadata["gate"], gate)
                    self.assert_on_record(
                        info, "requester-1", Refused.CREATE_TRANSFER, "SAFEGUARD_NOT_IN_FORCE",
                        ledger_of=wire.ledger_service_pb2_grpc.LedgerServiceStub(
                            gateway.channel("auditor-1")))
                finally:
                    gateway.close()

    def test_a_request_that_is_made_twice_is_one_transfer_and_no_refusal(self):
        request = self.request()
        stub = self.gateway.transfers("requester-1")
        name = stub.CreateTransfer(request, timeout=wire.SECONDS).name
        self.assert_leaves_none(lambda: self.assertEqual(
            stub.CreateTransfer(request, timeout=wire.SECONDS).name, name))

    # ---- every other act

    def order(self, member, *arguments, want=0):
        out = self.gateway.cli("--profile", member, "--json", "--quiet", *arguments, "--yes",
                               want=want)
        return json.loads(out.strip().splitlines()[-1])

    def opening(self, transfer, seed=None):
        secret = sodium.randombytes(32)
        public = sodium.crypto_scalarmult_base(secret)
        opening, signature, digest = reader.sign_opening(
            seed or self.gateway.seed("requester-1"), public, sodium.randombytes(16),
            self.gateway.exchange, reader.transfer_id(transfer), int(time.time() * 1000), 0,
            bytes(32), b"requester-1")
        return digest, keys.ReleaseKeysRequest(opening=keys.LeaseOpening(
            transfer=transfer, recipient_key=public, opening=opening, signature=signature))

    def batch(self, digest, rows):
        return keys.ReleaseKeysRequest(batch=keys.KeyBatch(
            rows=rows, chain=reader.chain(digest, 0, rows)))

    def findings(self, transfer, rows):
        return iter([transfers.DepositRecordsRequest(
            transfer=transfer, findings=[transfers.Findings(row=row) for row in rows])])

    def test_every_act_that_can_be_refused_leaves_an_entry(self):
        gateway = self.gateway
        requester, source = gateway.transfers("requester-1"), gateway.transfers("source-1")
        state = "TRANSFER_STATE"
        self.assert_on_record(self.create(authority="x"), "requester-1", Refused.CREATE_TRANSFER,
                              "AUTHORITY_UNKNOWN")
        for act, member, transfer, refusal, call, message in (
                (Refused.SUBMIT_SUBJECTS, "requester-1", self.approved, state,
                 requester.SubmitSubjects, lambda: iter([transfers.SubmitSubjectsRequest(
                     transfer=self.approved, chunk=7, subjects=self.subjects)])),
                (Refused.FINISH_SUBMISSION, "requester-1", self.submitting, "ROWS_MISSING",
                 requester.FinishSubmission, lambda: transfers.FinishSubmissionRequest(
                     transfer=self.submitting, rows=1)),
                # Before the submission has ended, and after it.
                (Refused.FETCH_SUBJECTS, "source-1", self.submitting, state, source.FetchSubjects,
                 lambda: transfers.FetchSubjectsRequest(transfer=self.submitting)),
                (Refused.FETCH_SUBJECTS, "source-1", self.waiting, state, source.FetchSubjects,
                 lambda: transfers.FetchSubjectsRequest(transfer=self.waiting)),
                (Refused.DEPOSIT_RECORDS, "source-1", self.submitting, state, source.DepositRecords,
                 lambda: self.findings(self.submitting, [0])),
                (Refused.DEPOSIT_RECORDS, "source-1", self.waiting, state, source.DepositRecords,
                 lambda: self.findings(self.waiting, range(ROWS))),
                (Refused.CLOSE_TRANSFER, "source-1", self.approved, "ENVELOPES_MISSING",
                 source.CloseTransfer, lambda: self.nothing_closed()),
                (Refused.COLLECT_ENVELOPES, "requester-1", self.submitting, state,
                 requester.CollectEnvelopes,
                 lambda: transfers.CollectEnvelopesRequest(transfer=self.submitting)),
                (Refused.COLLECT_ENVELOPES, "requester-1", self.approved, state,
                 requester.CollectEnvelopes,
                 lambda: transfers.CollectEnvelopesRequest(transfer=self.approved)),
                (Refused.SHOW_CASE, "custodian-1", self.closed, "CASE_UNKNOWN",
                 self.reviews.ShowReviewCase,
                 lambda: reviews.ShowReviewCaseRequest(transfer=self.closed, row=0)),
                (Refused.RERUN_VERDICT, "custodian-1", self.approved, "RECORD_NOT_DEPOSITED",
                 self.reviews.RerunVerdict,
                 lambda: reviews.RerunVerdictRequest(transfer=self.approved, row=0)),
                (Refused.OPEN_LEASE, "requester-1", self.approved, state,
                 gateway.keys("requester-1").ReleaseKeys,
                 lambda: iter([self.opening(self.approved)[1]]))):
            with self.subTest(act=Refused.Act.Name(act), transfer=transfer):
                self.assert_on_record(self.fails(call, message()), member, act, refusal, transfer)
        self.keys_and_orders()
        self.verdicts_of_what_is_gone()
        self.people_who_cannot_be_known_any_more()
        self.assertEqual(self.seen, set(Refused.Act.values()) - NEVER_OVER_THE_WIRE)
        # And whoever verifies finds each of them to be as it says.
        gateway.cli("--profile", "auditor-1", "--quiet", "ledger", "export", "--out", "export")
        report = json.loads(gateway.cli("--json", "ledger", "verify", "export", "--exchange-id",
                                        gateway.exchange.hex()))
        for refusal in ("AUTHORITY_UNKNOWN", "TRANSFER_STATE", "RECORD_DESTROYED", "FROZEN"):
            self.assertGreaterEqual(report["refusals"][refusal], 1, report["refusals"])

    def nothing_closed(self):
        """A closing that is signed as it should be, of a transfer that has no envelope yet."""
        return self.gateway.close_request(self.approved, [
            transfers.DepositRecordsResponse(envelope_digests=bytes(32))])

    def keys_and_orders(self):
        gateway = self.gateway
        self.order("custodian-1", "transfer", "suspend", self.submitting, "--reason", "a test's")
        refused = self.order("custodian-1", "transfer", "suspend", self.submitting, "--reason",
                             "another reason", want=12)
        self.assert_on_record(self.fails_as(refused), "custodian-1", Refused.SUBMIT_ORDER,
                              "TRANSFER_SUSPENDED")
        # A whole batch, by a hold that came after its lease.
        digest, opening = self.opening(self.closed)
        more = Requests([opening])
        answers = gateway.keys("requester-1").ReleaseKeys(more, timeout=wire.SECONDS)
        self.assertGreater(next(answers).lease.ledger_index, 0)
        (gateway.folder / "order.txt").write_text("It is ordered.\n", encoding="utf-8")
        self.order("counsel-1", "hold", "place", "--id", "hold-1", "--matter", "1:26-cv-00001",
                   "--court", "D. Example", "--order-reference", "ECF No. 12", "--document",
                   "order.txt", "--kind", "freeze", "--transfer", self.closed)
        more.send(self.batch(digest, [0, 1]))
        with self.assertRaises(grpc.RpcError) as caught:
            next(answers)
        more.end()
        info = wire.info_of(caught.exception)
        self.assertEqual((info.reason, info.metadata["matter"]), ("HELD", "1:26-cv-00001"))
        fact = self.assert_on_record(info, "requester-1", Refused.RELEASE_KEYS, "FROZEN",
                                     self.closed)
        self.assertEqual(list(fact.rows.runs), [0, 2])
        self.assertEqual(self.read(fact.hold_index)[0].WhichOneof("fact"), "order_accepted")

    def fails_as(self, error):
        """An error of the command line, in the form that one of the wire has."""
        info = wire.error_details_pb2.ErrorInfo(reason=error["reason"])
        for key, value in error["metadata"].items():
            info.metadata[key] = str(value)
        return info

    def verdicts_of_what_is_gone(self):
        revoked = self.order("custodian-1", "disposal", "revoke", "--transfer", self.closed, "--rows",
                             "2-2", "--reason", "a test's")
        self.order("custodian-2", "disposal", "approve", str(revoked["ledger_index"]))
        deadline = time.monotonic() + wire.SECONDS
        message = reviews.RerunVerdictRequest(transfer=self.closed, row=2)
        while True:
            try:
                self.reviews.RerunVerdict(message, timeout=wire.SECONDS)
            except grpc.RpcError as error:
                info = wire.info_of(error)
                break
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.2)
        self.assertEqual(info.reason, "RECORD_NOT_RELEASABLE")
        self.assert_on_record(info, "custodian-1", Refused.RERUN_VERDICT, "RECORD_DESTROYED",
                              self.closed)

    def people_who_cannot_be_known_any_more(self):
        """The last of all: from then on nobody is asked for in this exchange."""
        reason = ("account", "destroy-pseudonym-key", "--reason", "a test's")
        first = self.order("custodian-1", *reason)["ledger_index"]
        self.order("custodian-2", *reason, "--first", str(first))
        stub = person_service_pb2_grpc.PersonServiceStub(self.gateway.channel("counsel-1"))
        request = people.IdentifyPersonRequest(name="Somebody Else", birth_date="1982-02-09")
        self.assert_on_record(self.fails(stub.IdentifyPerson, request), "counsel-1",
                              Refused.IDENTIFY_PERSON, "PSEUDONYM_KEY_DESTROYED")
        # So it is with who is asked for.
        self.assert_on_record(self.create(), "requester-1", Refused.CREATE_TRANSFER,
                              "PSEUDONYM_KEY_DESTROYED")

    # ---- what leaves no entry

    def test_what_is_no_request_leaves_no_entry(self):
        """docs/errors.md, "What leaves no entry"."""
        gateway = self.gateway
        requester, source = gateway.transfers("requester-1"), gateway.transfers("source-1")

        def form(reason, call, message):
            info = self.fails(call, message)
            self.assertEqual(info.reason, reason, info)
            self.assertNotIn("ledger_index", info.metadata)

        def ask():
            nobodys = "transfers/" + "0" * 32
            # The door.
            form("PERMISSION_DENIED", gateway.transfers("source-1").CreateTransfer,
                 transfers.CreateTransferRequest())
            form("PERMISSION_DENIED", gateway.transfers("stranger").CreateTransfer,
                 transfers.CreateTransferRequest())
            # What cannot be read, is not there for the caller, or has no shape.
            for transfer in (nobodys, "transfers/x"):
                reason = "REQUEST_MALFORMED" if transfer.endswith("x") else "TRANSFER_NOT_FOUND"
                form(reason, requester.FinishSubmission,
                     transfers.FinishSubmissionRequest(transfer=transfer, rows=1))
                form(reason, source.FetchSubjects, transfers.FetchSubjectsRequest(transfer=transfer))
            form("TRANSFER_NOT_FOUND", gateway.transfers("requester-2").CollectEnvelopes,
                 transfers.CollectEnvelopesRequest(transfer=self.closed))
            form("REQUEST_MALFORMED", requester.SubmitSubjects,
                 iter([transfers.SubmitSubjectsRequest(transfer=self.submitting)]))
            form("REQUEST_MALFORMED", requester.SubmitSubjects,
                 iter([transfers.SubmitSubjectsRequest(
                     transfer=self.submitting,
                     subjects=[wire.subject(self.people[0], officer=9)])]))
            form("REQUEST_MALFORMED", source.DepositRecords, self.findings(self.approved, [0, 2]))
            # What nobody signed.
            _, opening = self.opening(self.closed, seed=gateway.seed("requester-2"))
            form("SIGNATURE_INVALID", gateway.keys("requester-1").ReleaseKeys, iter([opening]))
            closing = self.nothing_closed()
            closing.signature = bytes(64)
            form("SIGNATURE_INVALID", source.CloseTransfer, closing)
            orders = hold_service_pb2_grpc.OrderServiceStub(gateway.channel("counsel-1"))
            form("REQUEST_MALFORMED", orders.SubmitOrder,
                 hold_service_pb2.SubmitOrderRequest(order_dsse=b"{}"))
            # What only reads.
            holds = hold_service_pb2_grpc.HoldServiceStub(gateway.channel("counsel-1"))
            info = self.fails(holds.PreviewHold,
                              hold_service_pb2.PreviewHoldRequest(scope=scope_pb2.Scope()))
            self.assertEqual(info.metadata["refusal"], "SCOPE_EMPTY")
            self.assertNotIn("ledger_index", info.metadata)

        self.assert_leaves_none(ask)


class Requests:
    """Messages of a stream that is gone on with."""

    def __init__(self, messages):
        self._queue = queue.SimpleQueue()
        for message in messages:
            self._queue.put(message)

    def send(self, message):
        self._queue.put(message)

    def end(self):
        self._queue.put(None)

    def __iter__(self):
        return self

    def __next__(self):
        message = self._queue.get(timeout=wire.SECONDS)
        if message is None:
            raise StopIteration
        return message


class HeadTest(unittest.TestCase):
    """Who signs an order names a ledger that was seen: it has to be how this one began."""

    def setUp(self):
        self.gateway = wire.Gateway()
        self.addCleanup(self.gateway.close)
        self.signer = orders.Signer("counsel-1", self.gateway.seed("counsel-1"),
                                    self.gateway.exchange.hex())
        self.stub = hold_service_pb2_grpc.OrderServiceStub(self.gateway.channel("counsel-1"))
        self.holds = 0

    def head(self):
        context = self.stub.GetOrderContext(
            hold_service_pb2.GetOrderContextRequest(person="counsel-1"), timeout=wire.SECONDS)
        return context.ledger_size, context.ledger_root

    def place(self, head):
        self.holds += 1
        order, prev = self.signer.sign("placeHold", orders.hold_body(
            f"hold-{self.holds}", "1:26-cv-1", "PRESERVE", {"everything": True}), head)
        answer = self.stub.SubmitOrder(hold_service_pb2.SubmitOrderRequest(order_dsse=order),
                                       timeout=wire.SECONDS)
        self.signer.prev = prev
        return answer

    def refused(self, head):
        with self.assertRaises(grpc.RpcError) as caught:
            self.place(head)
        return wire.info_of(caught.exception)

    def test_of_any_age_and_with_its_own_root(self):
        seen = [self.head()]
        for _ in range(3):
            entry = self.place(seen[-1]).entry
            self.assertEqual(entry_pb2.Entry.FromString(entry).WhichOneof("fact"),
                             "order_accepted")
            seen.append(self.head())
        for head in seen:
            self.place(head)
        self.gateway.stop()
        self.gateway.start()
        self.stub = hold_service_pb2_grpc.OrderServiceStub(self.gateway.channel("counsel-1"))
        for head in seen:
            self.place(head)
        # Between two groups, where no head was ever shown.
        between = seen[1][0] + 1
        self.assertNotIn(between, [size for size, _ in seen])
        for size, root in ((seen[-1][0], seen[0][1]), (seen[0][0], bytes(32)),
                           (between, seen[1][1]), (10**6, seen[-1][1])):
            info = self.refused((size, root))
            self.assertEqual((info.reason, info.metadata["refusal"]),
                             ("ORDER_REJECTED", "ORDER_HEAD"), size)
        self.place(self.head())


if __name__ == "__main__":
    unittest.main(argv=["refusals_test"], verbosity=2)
