#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""No way around a hold: every way in which a key or an envelope moves, or a key ends, under each hold.

What there is comes from the code's own tables: the methods of the descriptor set and what is sensitive in
their answers, the facts of the ledger, the acts of an order, the fields of a scope and the kinds of a
hold. One that has no row here fails the test: whoever adds it has to say what a hold does to it.

Usage: no_way_around_test.py HOLDFAST HOLDFASTD STUBS PROTOSET
"""
import hashlib
import pathlib
import sys
import tempfile
import time
import unittest

HERE = pathlib.Path(__file__).resolve()
sys.path[:0] = [str(HERE.parents[1] / "journey"), sys.argv[3], str(HERE.parents[1])]
PROTOSET = sys.argv[4]

import grpc  # noqa: E402
import gateway  # noqa: E402
import orders  # noqa: E402
import reader  # noqa: E402
from google.protobuf import descriptor_pb2  # noqa: E402
from google.rpc import error_details_pb2, status_pb2  # noqa: E402
from holdfast.ledger.v1 import entry_pb2  # noqa: E402
from holdfast.options.v1 import options_pb2  # noqa: E402
from holdfast.order.v1 import order_pb2  # noqa: E402
from holdfast.v1 import disposal_service_pb2 as disposals, disposal_service_pb2_grpc  # noqa: E402
from holdfast.v1 import hold_service_pb2 as holds, hold_service_pb2_grpc  # noqa: E402
from holdfast.v1 import review_service_pb2 as reviews, review_service_pb2_grpc  # noqa: E402
from holdfast.v1 import scope_pb2  # noqa: E402
from holdfast.v1 import transfer_service_pb2 as transfers, transfer_service_pb2_grpc  # noqa: E402

# What a FREEZE stops, and by which call of this test that is shown.
STOPPED = {
    "KeyService/ReleaseKeys": "release",
    "TransferService/CollectEnvelopes": "collect",
    "TransferService/DepositRecords": "deposit",
}
# Moves subjects of a request, which a hold does not stop (docs/holds.md, "What a hold stops").
SUBJECTS = {"TransferService/FetchSubjects"}
# Shows a case to a custodian. Nothing of it reaches a requester but by an order, which a FREEZE stops.
SHOWN = {"ReviewService/ShowReviewCase"}
# Moves none of these. An order's own acts are below.
OTHERS = {
    "AccountService/ReadAccount", "DisposalService/ListConflicts", "DisposalService/ListDisposals",
    "DisposalService/PreviewDisposal", "DrillService/RehearseOrder", "Health/Check",
    "Health/Watch", "HoldService/GetHold", "HoldService/ListHolds", "HoldService/WatchNotices", "HoldService/PreviewHold",
    "LedgerService/GetCheckpoint", "LedgerService/GetExchange", "LedgerService/GetInclusionProof",
    "LedgerService/ReadEntries", "OrderService/GetOrderContext", "OrderService/SubmitOrder",
    "PersonService/IdentifyPerson",
    "ReviewService/ListReviewCases", "ReviewService/RerunVerdict", "TransferService/CloseTransfer",
    "TransferService/CreateTransfer", "TransferService/FinishSubmission", "TransferService/GetTransfer",
    "TransferService/ListTransfers", "TransferService/SubmitSubjects",
    "TransferService/WatchTransfer",
}
# Facts that let something out or take it in, which a FREEZE stops; and the one that ends keys, which a
# PRESERVE stops. It is written by the sweeper alone, once an order's approvals and window are there.
FACTS_STOPPED = {"key_released": "FREEZE", "envelopes_collected": "FREEZE",
                 "envelope_deposited": "FREEZE", "review_opened": "FREEZE",
                 "lease_opened": "FREEZE", "records_destroyed": "PRESERVE"}
FACTS_FREE = {"exchange_opened", "process_started", "time_advanced", "segment_opened",
              "epoch_advanced", "epoch_erased", "transfer_created", "subject_judged",
              "submission_finished", "subjects_fetched", "transfer_closed", "order_accepted",
              "case_shown", "verdict_rerun", "notice_given", "refused", "checkpoint_witnessed",
              "ledger_read", "person_identified", "exchange_restored", "keyslot_struck_off"}
# Acts that make an envelope, which a FREEZE stops, and by which call of this test that is shown.
ACTS_STOPPED = {"release_case": "release_case", "refuse_cases": "refuse_cases"}
# Acts of which one leads to keys' end: it needs the other's approval, and then the sweeper.
ACTS = {"approve_transfer", "deny_transfer", "suspend_transfer", "resume_transfer", "cap_transfer",
        "end_transfer", "let_transfer_go_on", "place_hold", "propose_lift", "confirm_lift",
        "cancel_lift", "amend_hold", "confirm_amendment", "attach_document", "acknowledge_notice",
        "restore_hold", "revoke_records", "approve_destruction", "cancel_destruction",
        "authorise_destruction", "trust_clock", "strike_off", "account_person",
        "destroy_pseudonym_key"}


def info_of(error):
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            info = error_details_pb2.ErrorInfo()
            for detail in status_pb2.Status.FromString(value).details:
                if detail.Unpack(info):
                    return info
    return None


class TablesTest(unittest.TestCase):
    """A new way in, out or around has to be given a row before anything passes."""

    @classmethod
    def setUpClass(cls):
        cls.files = descriptor_pb2.FileDescriptorSet.FromString(
            pathlib.Path(PROTOSET).read_bytes()).file
        cls.messages = {}
        for file in cls.files:
            cls.add_messages(f".{file.package}", file.message_type)

    @classmethod
    def add_messages(cls, prefix, messages):
        for message in messages:
            cls.messages[f"{prefix}.{message.name}"] = message
            cls.add_messages(f"{prefix}.{message.name}", message.nested_type)

    def carries(self, name, seen):
        """Whether a message can hold something sensitive, or envelopes."""
        if name in seen or name not in self.messages:
            return False
        seen.add(name)
        return any(field.options.Extensions[options_pb2.sensitive]
                   or field.name in ("envelopes", "envelope") and field.type == field.TYPE_BYTES
                   or field.type == field.TYPE_MESSAGE and self.carries(field.type_name, seen)
                   for field in self.messages[name].field)

    def test_every_method_has_a_row(self):
        methods = {f"{service.name}/{method.name}": method for file in self.files
                   for service in file.service for method in service.method}
        self.assertEqual(set(methods), set(STOPPED) | SUBJECTS | SHOWN | OTHERS)
        carrying = {name for name, method in methods.items()
                    if self.carries(method.output_type, set())}
        self.assertEqual(carrying, (set(STOPPED) - {"TransferService/DepositRecords"}) | SUBJECTS
                         | SHOWN)

    def test_every_fact_has_a_row(self):
        facts = {field.name for field in entry_pb2.Entry.DESCRIPTOR.oneofs_by_name["fact"].fields}
        self.assertEqual(facts, set(FACTS_STOPPED) | FACTS_FREE)

    def test_every_act_and_every_kind_has_a_row(self):
        acts = {field.name for field in order_pb2.Order.DESCRIPTOR.oneofs_by_name["act"].fields}
        self.assertEqual(acts, ACTS | set(ACTS_STOPPED))
        self.assertEqual(set(order_pb2.HoldKind.keys()) - {"HOLD_KIND_UNSPECIFIED"},
                         {"FREEZE", "PRESERVE", "FREEZE_AND_PRESERVE"})


class NoWayAroundTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.world = world = gateway.Gateway.create(folder.name, records=60, cooling="1s")
        cls.addClassCleanup(world.kill)
        world.start()
        cls.channels = {member: grpc.secure_channel(
            f"127.0.0.1:{world.port}", world.credentials(member),
            options=[("grpc.use_local_subchannel_pool", 1),
                     ("grpc.ssl_target_name_override", "localhost")])
            for member in ("requester-1", "source-1", "counsel-1", "custodian-1")}
        for channel in cls.channels.values():
            cls.addClassCleanup(channel.close)
        # The first transfer is closed, the second waits for its records, and all of the third for
        # a custodian's review.
        cls.transfer, _ = world.submit()
        world.deliver(cls.transfer)
        cls.open_transfer, _ = world.submit()
        world.let_go(cls.open_transfer)
        world.cli("custodian-1", "transfer", "approve", cls.open_transfer, "--yes")
        cls.reviewed, _ = world.submit()
        world.let_go(cls.reviewed)
        world.cli("custodian-1", "transfer", "approve", cls.reviewed, "--yes")
        cls.deposit_to(cls.reviewed, cls.doubtful)
        world.cli("auditor-1", "ledger", "export", "--out", "at-first")
        cls.facts = [entry_pb2.Entry.FromString(entry)
                     for entry in world.export_entries("at-first")]
        cls.records = {fact.subject_judged.row: fact.subject_judged for fact in cls.facts
                       if fact.HasField("subject_judged") and fact.subject_judged.transfer == 0
                       and fact.subject_judged.verdict == 1}
        cls.released = {fact.envelope_deposited.row for fact in cls.facts
                        if fact.HasField("envelope_deposited")
                        and fact.envelope_deposited.verdict == 1}
        cls.officers = next(fact.transfer_created.officers for fact in cls.facts
                            if fact.HasField("transfer_created"))
        cls.signers = {person: orders.Signer(person, world.signing_seed(person),
                                             world.exchange_id)
                       for person in ("counsel-1", "counsel-2", "counsel-3", "custodian-1",
                                      "custodian-2")}
        cls.count = 0

    @classmethod
    def stub(cls, member, service):
        module = {"Order": hold_service_pb2_grpc, "Hold": hold_service_pb2_grpc,
                  "Disposal": disposal_service_pb2_grpc, "Review": review_service_pb2_grpc,
                  "Transfer": transfer_service_pb2_grpc}[service]
        return getattr(module, f"{service}ServiceStub")(cls.channels[member])

    def order(self, person, act, body):
        signer, stub = self.signers[person], self.stub("counsel-1", "Order")
        # The command line signs for the same people.
        signer.prev = stub.GetOrderContext(
            holds.GetOrderContextRequest(person=person), timeout=gateway.SECONDS).prev
        signed, _ = signer.sign(act, body, (0, hashlib.sha256(b"").digest()))
        answer = stub.SubmitOrder(
            holds.SubmitOrderRequest(order_dsse=signed), timeout=gateway.SECONDS)
        return answer.receipt.ledger_index

    def place(self, kind, scopes):
        placed = []
        for scope in scopes:
            type(self).count += 1
            hold = f"hold-{self.count}"
            placed.append((hold, self.order("counsel-1", "placeHold", orders.hold_body(
                hold, f"1:26-cv-{hold}", kind, scope))))
        return placed

    def lift(self, placed):
        for hold, index in placed:
            about = {"holdId": hold, "placedIndex": str(index)}
            proposal = self.order("counsel-1", "proposeLift", {**about, "reason": "vacated"})
            self.order("counsel-2", "confirmLift", {**about, "proposalIndex": str(proposal)})
        self.world.wait_until("nothing is held", lambda: not self.stub(
            "counsel-1", "Hold").ListHolds(holds.ListHoldsRequest(), timeout=gateway.SECONDS).holds)

    # The ways, each returning None or the error.

    def error_of(self, run):
        try:
            run()
            return None
        except grpc.RpcError as error:
            return error

    def release(self, row):
        return self.error_of(lambda: list(reader.release(
            self.channels["requester-1"], bytes.fromhex(self.world.exchange_id), self.transfer,
            "requester-1", self.world.signing_seed("requester-1"), [row])))

    def collect(self, _row):
        return self.error_of(lambda: reader.collect(self.channels["requester-1"], self.transfer))

    @classmethod
    def deposit_to(cls, transfer, find):
        stub = cls.stub("source-1", "Transfer")
        (chunk,) = stub.FetchSubjects(
            transfers.FetchSubjectsRequest(transfer=transfer), timeout=gateway.SECONDS)
        message = transfers.DepositRecordsRequest(
            transfer=transfer, chunk=0,
            findings=[transfers.Findings(row=subject.row, candidates=find(subject))
                      for subject in chunk.subjects])
        return list(stub.DepositRecords(iter([message]), timeout=gateway.SECONDS))

    @staticmethod
    def doubtful(subject):
        """The person, whose address cannot be read."""
        candidate = transfers.Candidate(person=subject.person)
        candidate.person.address.line1 = "unreadable"
        return [candidate]

    def deposit(self, _row):
        return self.error_of(lambda: self.deposit_to(self.open_transfer, lambda subject: []))

    def case(self, row):
        listed = self.stub("custodian-1", "Review").ListReviewCases(
            reviews.ListReviewCasesRequest(transfer=self.reviewed, page_size=1000),
            timeout=gateway.SECONDS).cases
        (one,) = (case for case in listed if case.row == row)
        return one

    def release_case(self, row):
        case = self.case(row)
        self.assertEqual(case.releasable, 1)
        return self.error_of(lambda: self.order("custodian-1", "releaseCase", {
            "transfer": self.reviewed, "row": row, "caseDigest": case.digest,
            "reason": "the same person"}))

    def refuse_cases(self, row):
        return self.error_of(lambda: self.order("custodian-1", "refuseCases", {
            "transfer": self.reviewed, "rows": [{"first": row, "last": row}], "count": 1,
            "reason": "another person"}))

    def ways(self):
        return {name: getattr(self, way) for name, way in {**STOPPED, **ACTS_STOPPED}.items()}

    def expect_held(self, placed, row, but=()):
        matters = {f"1:26-cv-{hold}" for hold, _ in placed}
        for name, way in self.ways().items():
            if name in but:
                continue
            error = way(row)
            self.assertIsNotNone(error, name)
            info = info_of(error)
            self.assertEqual(info.reason, "HELD", (name, error))
            self.assertIn(info.metadata["matter"], matters, name)

    def revoke(self, row):
        """Asks for one record's destruction, approved and due at once; returns the revocation."""
        scope = {"transfer": self.transfer, "rows": [{"first": row, "last": row}]}
        preview = self.stub("custodian-1", "Disposal").PreviewDisposal(
            disposals.PreviewDisposalRequest(scope=scope_pb2.Scope(
                transfer=self.transfer, rows=[scope_pb2.RowRange(first=row, last=row)])),
            timeout=gateway.SECONDS)
        same = {"count": str(preview.count), "listDigest": preview.list_digest}
        revocation = self.order("custodian-1", "revokeRecords", {
            "scope": scope, "reason": "asked in error", **same})
        self.order("custodian-2", "approveDestruction", {
            "revocationIndex": str(revocation), **same})
        return revocation

    def disposal(self, revocation):
        listed = self.stub("custodian-1", "Disposal").ListDisposals(
            disposals.ListDisposalsRequest(), timeout=gateway.SECONDS).disposals
        (one,) = (each for each in listed if each.revocation_index == revocation)
        return one

    def scopes(self, row):
        """By field of Scope: the scopes that have the record of `row` in all three transfers."""
        record = self.records[row]
        every = (self.transfer, self.open_transfer, self.reviewed)
        found = {
            "everything": [{"everything": True}],
            "transfer": [{"transfer": one} for one in every],
            "rows": [{"transfer": one, "rows": [{"first": row, "last": row}]} for one in every],
            "officer": [{"officer": self.officers[record.officer]}],
            "authority": [{"authority": "26-usc-6103-i-2"}],
            "person": [{"person": record.pseudonym.hex()}],
            # By the name that the request gave beside the tax number.
            "people": [{"people": ["0" * 32, record.alias.hex()]}],
            "dates": [{"dates": {"of": "REQUESTED", "from": "2020-01-01T00:00:00Z",
                                 "until": "2100-01-01T00:00:00Z"}}],
            "verdicts": [{"verdicts": {"release": ["RELEASED", "ADDRESS_NOT_COMPARABLE"]}}],
        }
        self.assertEqual(set(found), set(scope_pb2.Scope.DESCRIPTOR.fields_by_name))
        return found

    def test_each_kind_of_hold_of_each_scope_stops_every_way_that_it_says(self):
        rows = sorted(self.released - {0})
        for number, field in enumerate(scope_pb2.Scope.DESCRIPTOR.fields_by_name):
            row = rows[number]
            scopes = self.scopes(row)[field]
            # What was not deposited yet has no verdict.
            but = ("TransferService/DepositRecords",) if field == "verdicts" else ()
            with self.subTest(scope=field, kind="FREEZE"):
                self.assertIsNone(self.release(row))
                frozen = self.place("FREEZE", scopes)
                self.expect_held(frozen, row, but)
                self.lift(frozen)
            with self.subTest(scope=field, kind="PRESERVE"):
                preserved = self.place("PRESERVE", scopes)
                self.assertIsNone(self.release(row))
                self.assertIsNone(self.collect(row))
                revocation = self.revoke(row)
                self.world.wait_until("the destruction is due", lambda r=revocation: self.disposal(
                    r).due_at.ToMilliseconds() < time.time() * 1000)
                self.assertEqual(self.disposal(revocation).state, disposals.Disposal.PRESERVED)
            with self.subTest(scope=field, kind="FREEZE_AND_PRESERVE"):
                both = self.place("FREEZE_AND_PRESERVE", scopes)
                self.expect_held(both, row, but)
                # The one goes, the other still preserves, and nothing was destroyed by then.
                self.assertEqual(self.disposal(revocation).state, disposals.Disposal.PRESERVED)
                self.lift(preserved + both)
                self.world.wait_until("it is destroyed", lambda r=revocation: self.disposal(
                    r).state == disposals.Disposal.DESTROYED)
        # Nothing of this was a fault of the ways themselves.
        self.assertIsNone(self.deposit(0))
        self.assertIsNone(self.release(rows[-1]))
        self.assertIsNone(self.refuse_cases(rows[-2]))
        self.what_a_person_releases_is_born_held(rows[-1])
        self.check_ledger()

    def test_nobody_gets_around_a_hold_by_changing_it(self):
        """One person's amendment, authorisation or striking off loosens nothing; and who is struck off is out."""
        row = sorted(self.released - {0})[-3]
        self.assertIsNone(self.release(row))
        ((hold, placed),) = self.place("FREEZE_AND_PRESERVE", [{"everything": True}])
        elsewhere = orders.hold_body(hold, f"1:26-cv-{hold}", "FREEZE_AND_PRESERVE",
                                     {"transfer": self.open_transfer})
        nothing = orders.hold_body(hold, f"1:26-cv-{hold}", "PRESERVE", {"everything": True})
        for body in (elsewhere, nothing):
            proposal = self.order("counsel-1", "amendHold", {
                "hold": body, "placedIndex": str(placed), "reason": "less"})
            self.assertEqual(info_of(self.release(row)).reason, "HELD")
            self.refused("counsel-1", "confirmAmendment", {
                "holdId": hold, "placedIndex": str(placed), "proposalIndex": str(proposal)},
                "LIFT_SAME_PERSON")
            self.refused("counsel-3", "confirmAmendment", {
                "holdId": hold, "placedIndex": str(placed), "proposalIndex": str(proposal)},
                "LIFT_BY_REQUESTER")
        self.refused("counsel-1", "restoreHold", {
            "holdId": hold, "placedIndex": str(placed), "reason": "it stands"}, "HOLD_IN_FORCE")

        revocation = self.revoke(row)
        (conflict,) = (one for one in self.stub("counsel-1", "Disposal").ListConflicts(
            disposals.ListConflictsRequest(), timeout=gateway.SECONDS).conflicts
            if one.revocation_index == revocation)
        self.assertEqual([(one.hold_id, one.records) for one in conflict.holds], [(hold, 1)])
        authorise = {
            "revocationIndex": str(revocation), "count": "1", "listDigest": conflict.list_digest,
            "matter": "1:26-cv-1", "court": "D. Example", "orderReference": "ECF No. 2",
            "documentSha256": "ab" * 32,
            "holds": [{"holdId": hold, "placedIndex": str(placed)}]}
        first = self.order("counsel-1", "authoriseDestruction", authorise)
        self.refused("counsel-1", "authoriseDestruction",
                     {**authorise, "firstIndex": str(first)}, "AUTHORISATION_SAME_PERSON")
        self.assertEqual(self.disposal(revocation).state, disposals.Disposal.PRESERVED)

        self.who_is_struck_off_is_out(hold, placed)
        self.lift([(hold, placed)])

    def refused(self, person, act, body, refusal):
        error = self.error_of(lambda: self.order(person, act, body))
        self.assertEqual(info_of(error).metadata["refusal"], refusal, (act, error))

    def who_is_struck_off_is_out(self, hold, placed):
        """The requester is told of the hold by its next call and by a stream; then it is struck off."""
        holds_of = self.stub("requester-1", "Hold")

        def told():
            _, call = holds_of.ListHolds.with_call(holds.ListHoldsRequest(),
                                                   timeout=gateway.SECONDS)
            return [value for key, value in call.trailing_metadata() if key == "holdfast-notice"]
        self.world.wait_until("the requester is told", told)
        self.assertTrue(any(f"hold={hold};" in line for line in told()), told())
        stream = holds_of.WatchNotices(holds.WatchNoticesRequest(), timeout=gateway.SECONDS)
        self.assertIn((hold, placed), [(one.hold_id, one.placed_index)
                                       for one in next(stream).notices])
        self.order("counsel-3", "acknowledgeNotice", {
            "holdId": hold, "placedIndex": str(placed), "requester": "requester-1"})
        self.assertNotIn(hold, [one.hold_id for one in next(stream).notices])

        self.order("counsel-3", "strikeOff", {"member": "requester-1", "reason": "key lost"})
        error = self.error_of(told)
        self.assertEqual(info_of(error).reason, "PERMISSION_DENIED", error)
        # The stream that it had is closed too, although there is nothing new to say on it.
        error = self.error_of(lambda: next(stream))
        self.assertEqual(info_of(error).reason, "PERMISSION_DENIED", error)

    def what_a_person_releases_is_born_held(self, row):
        """A hold by the verdict that only a custodian's order gives covers the record from then on."""
        held = self.place("FREEZE", [{"verdicts": {"release": ["RELEASED_BY_REVIEW"]}}])
        self.assertIsNone(self.release_case(row))
        self.world.cli("custodian-1", "review", "refuse", self.reviewed, "--all", "--reason", "enough",
                       "--yes")
        (answer,) = self.deposit_to(self.reviewed, lambda subject: [])
        self.assertEqual((answer.waiting, answer.verdicts.count(b"\x02")), (0, 1))
        self.world.cli("source-1", "source", "serve", self.reviewed, "--people",
                       "sample/people.csv")
        for name, error in (
                ("collect", self.error_of(lambda: reader.collect(
                    self.channels["requester-1"], self.reviewed))),
                ("release", self.error_of(lambda: list(reader.release(
                    self.channels["requester-1"], bytes.fromhex(self.world.exchange_id),
                    self.reviewed, "requester-1", self.world.signing_seed("requester-1"), [row]))))):
            self.assertIsNotNone(error, name)
            self.assertEqual(info_of(error).reason, "HELD", name)
        self.lift(held)
        self.assertIsNone(self.error_of(lambda: reader.collect(
            self.channels["requester-1"], self.reviewed)))

    def check_ledger(self):
        """What the verifier says about it, and that the ledger has each fact that is stopped."""
        report = self.world.verify_ledger()
        for fact in FACTS_STOPPED:
            self.assertGreater(report["facts"][fact], 0, fact)


if __name__ == "__main__":
    sys.argv[4:5] = []
    gateway.main()
