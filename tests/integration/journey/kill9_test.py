#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Requesters and counsel go on while the daemon is killed again and again: what they were told, is.

A requester submits, another opens records, counsel places holds, custodians have keys destroyed;
kill -9 at random moments, also while the daemon starts. Afterwards the exported ledger must have
everything that was answered, and what was to be destroyed is, and nothing else.

Usage: kill9_test.py HOLDFAST HOLDFASTD STUBS [ROUNDS [SEED]]
"""
import hashlib
import pathlib
import random
import struct
import sys
import tempfile
import threading
import time
import unittest

import gateway
from gateway import DONE, PARTLY, TRY_AGAIN, UNREACHABLE

sys.path[:0] = [sys.argv[3], str(pathlib.Path(__file__).resolve().parents[1])]

import grpc  # noqa: E402
from nacl import bindings as sodium  # noqa: E402

import reader  # noqa: E402
from holdfast.ledger.v1 import entry_pb2  # noqa: E402
from holdfast.v1 import key_service_pb2 as keys, key_service_pb2_grpc  # noqa: E402
from holdfast.v1 import transfer_service_pb2 as transfers  # noqa: E402
from holdfast.v1 import transfer_service_pb2_grpc  # noqa: E402

ROUNDS = int(sys.argv[4]) if len(sys.argv) > 4 else 8
SEED = int(sys.argv[5]) if len(sys.argv) > 5 else random.SystemRandom().getrandbits(32)
RECORDS = 60
CALL_SECONDS = 20

# How a call may end of which nobody says that it was done: the daemon was gone, or is coming back.
MAY_FAIL = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED,
            grpc.StatusCode.DEADLINE_EXCEEDED)


class Person(threading.Thread):
    """Acts again and again until told to stop, and keeps what was acknowledged."""

    def __init__(self, world, number):
        super().__init__(daemon=True)
        self.world = world
        self.random = random.Random(SEED * 10 + number)
        self.acknowledged = []
        self.failed = None
        self._enough = threading.Event()

    def run(self):
        try:
            while not self._enough.is_set():
                self.act()
        except BaseException as error:  # Whatever it is, the test has to hear of it.
            self.failed = error
            raise

    def stop(self):
        self._enough.set()
        self.join(2 * gateway.SECONDS)
        assert not self.is_alive()

    def act(self):
        """One act; a call that may fail leaves nothing to be remembered."""
        port = self.world.port
        with grpc.secure_channel(
                f"127.0.0.1:{port}", self.world.credentials("requester-1"),
                options=[("grpc.use_local_subchannel_pool", 1),
                         ("grpc.ssl_target_name_override", "localhost")]) as channel:
            try:
                self.call(channel)
            except grpc.RpcError as error:
                if error.code() not in MAY_FAIL:
                    self.refused(error)
                self._enough.wait(0.05)

    def refused(self, error):
        raise error


class Submitter(Person):
    def __init__(self, world, number, requests):
        super().__init__(world, number)
        self.requests = requests
        self.next()

    def next(self):
        self.request_id = self.random.randbytes(16)
        self.rows = self.random.sample(self.requests, 5)

    def call(self, channel):
        """The same transfer again until it is finished: every step of it may be repeated."""
        stub = transfer_service_pb2_grpc.TransferServiceStub(channel)
        request = transfers.CreateTransferRequest(request_id=self.request_id)
        request.terms.authority = "26-usc-6103-i-2"
        request.terms.purpose = "Preparation of a criminal proceeding under another statute"
        request.terms.requesting_official = "deputy-director-1"
        request.terms.officers[:] = [f"officer-{i}" for i in range(5)]
        request.terms.periods.add(first_year=2023, last_year=2023)
        request.terms.attestation_digest = bytes(range(32))
        name = stub.CreateTransfer(request, timeout=CALL_SECONDS).name
        self.acknowledged.append(("created", reader.transfer_id(name), None))
        chunk = transfers.SubmitSubjectsRequest(transfer=name, chunk=0)
        for i, row in enumerate(self.rows):
            subject = chunk.subjects.add(officer=i, case_number=row["case"])
            subject.person.name, subject.person.tax_number = row["name"], row["tax_number"]
            for part in ("line1", "line2", "city", "state", "postal_code"):
                setattr(subject.person.address, part, row[part])
        (answer,) = stub.SubmitSubjects(iter([chunk]), timeout=CALL_SECONDS)
        self.acknowledged.append(("judged", reader.transfer_id(name), answer.verdicts))
        stub.FinishSubmission(transfers.FinishSubmissionRequest(transfer=name, rows=5),
                              timeout=CALL_SECONDS)
        self.acknowledged.append(("finished", reader.transfer_id(name), None))
        self.next()


class Opener(Person):
    """Opens records, by the published format and none of our code."""

    def __init__(self, world, number, transfer, envelopes, seed):
        super().__init__(world, number)
        self.transfer = transfer
        self.envelopes = envelopes
        self.seed = seed

    def call(self, channel):
        exchange = bytes.fromhex(self.world.exchange_id)
        transfer = reader.transfer_id(self.transfer)
        secret = sodium.randombytes(32)
        public = sodium.crypto_scalarmult_base(secret)
        opening, signature, digest = reader.sign_opening(
            self.seed, public, sodium.randombytes(16), exchange, transfer,
            int(time.time() * 1000), 0, bytes(32), b"requester-1")
        requests = [keys.ReleaseKeysRequest(opening=keys.LeaseOpening(
            transfer=self.transfer, recipient_key=public, opening=opening, signature=signature))]
        asked, head = [], digest
        for i in range(4):
            rows = sorted(self.random.sample(sorted(self.envelopes), 3))
            head = reader.chain(head, i, rows)
            asked.append(rows)
            requests.append(keys.ReleaseKeysRequest(batch=keys.KeyBatch(rows=rows, chain=head)))
        answers = key_service_pb2_grpc.KeyServiceStub(channel).ReleaseKeys(
            iter(requests), timeout=CALL_SECONDS)
        granted = next(answers).lease
        lease = reader.Lease(granted.header, granted.sealed_lease_key, secret, digest)
        for rows, answer in zip(asked, answers):
            sealed, index = answer.batch.sealed_keys, answer.batch.first_ledger_index
            for row in rows:
                if row in answer.batch.refused_rows:
                    continue
                key = lease.unwrap(sealed[:48], row, index)
                reader.open_envelope(self.envelopes[row], key, exchange, transfer, row)
                self.acknowledged.append((index, lease.number, row))
                sealed, index = sealed[48:], index + 1

    def refused(self, error):
        # A row of the batch is frozen.
        if error.code() != grpc.StatusCode.FAILED_PRECONDITION:
            raise error


class Counsel(Person):
    """Freezes a row now and then, and preserves one."""

    def __init__(self, world, number, transfer, rows):
        super().__init__(world, number)
        self.transfer = transfer
        self.rows = rows
        self.count = 0
        self.frozen = set()  # Where nobody was answered as well.

    def act(self):
        self.count += 1
        hold = f"hold-{self.count}"
        row = self.random.choice(self.rows)
        kind = "preserve"
        if self.count % 2 and self.count < RECORDS // 3:
            kind = "freeze"
            self.frozen.add(row)
        scope = ["--transfer", self.transfer, "--rows", row, "--kind", kind]
        # The next daemon has another port: there is no use in asking this one for long.
        placed = self.world.place_hold(hold, *scope, "--timeout", "5s",
                                       want=(DONE, UNREACHABLE, TRY_AGAIN))
        if placed.status == DONE:
            self.acknowledged.append((placed.object["ledger_index"], placed.object["leaf_hash"],
                                      hold))
        self._enough.wait(0.1)


class Custodians(Person):
    """One revokes a record, and another approves that its keys are destroyed."""

    def __init__(self, world, number, transfer, rows):
        super().__init__(world, number)
        self.transfer = transfer
        self.rows = rows
        self.touched = set()

    def order(self, who, *arguments):
        """The receipt, or None where nobody says whether it was accepted."""
        result = self.world.cli(who, "disposal", *arguments, "--yes", "--timeout", "5s",
                                want=(DONE, UNREACHABLE, TRY_AGAIN))
        return result.object if result.status == DONE else None

    def act(self):
        if not self.rows:
            self._enough.wait(0.1)
            return
        row = self.rows.pop()
        self.touched.add(row)
        revoked = self.order("custodian-1", "revoke", "--transfer", self.transfer, "--rows", row,
                             "--reason", "asked in error")
        if revoked and self.order("custodian-2", "approve", revoked["ledger_index"]):
            self.acknowledged.append((revoked["ledger_index"], revoked["leaf_hash"], row))


def rows_of(rows):
    """The rows of a ledger's list: runs, of rows that are not in it and that are, in turn."""
    found, at = [], 0
    for i, length in enumerate(rows.runs):
        if i % 2:
            found.extend(range(at, at + length))
        at += length
    return found


class World(gateway.Gateway):
    def epochs_in_keyslot(self):
        """What the areas say at their beginning; an erased one says nothing."""
        found = []
        for area in ("area-0", "area-1"):
            with open(self.path("keyslot") / area, "rb") as file:
                claim = file.read(14)
            if claim[:4] == b"HFK1":
                found.append(struct.unpack(">Q", claim[6:])[0])
        return found

    def killed_while_it_starts(self, seconds):
        daemon = gateway.Daemon(self.path("holdfastd.conf"))
        time.sleep(seconds)
        daemon.end(9)


class Kill9Test(unittest.TestCase):
    def test_what_was_acknowledged_is_there_after_every_kill(self):
        print(f"seed {SEED}, {ROUNDS} rounds", flush=True)
        dice = random.Random(SEED)
        with tempfile.TemporaryDirectory() as folder:
            world = World.create(folder, records=RECORDS, edit=lambda text: text.replace(
                "officer_share_basis_points: 500", "officer_share_basis_points: 10000"))
            self.addCleanup(world.kill)
            world.start()
            transfer, _ = world.submit()
            world.deliver(transfer)
            with grpc.secure_channel(
                    f"127.0.0.1:{world.port}", world.credentials("requester-1"),
                    options=[("grpc.ssl_target_name_override", "localhost")]) as channel:
                envelopes = reader.collect(channel, transfer)
            requests = list(gateway.read_csv_by_row(world.path("sample/requests.csv")).values())
            submitter = Submitter(world, 1, requests)
            revoked = sorted(envelopes)[::4]
            kept = {row: envelopes[row] for row in envelopes if row not in revoked}
            opener = Opener(world, 2, transfer, kept, world.signing_seed("requester-1"))
            counsel = Counsel(world, 3, transfer, sorted(kept))
            custodians = Custodians(world, 4, transfer, list(revoked))
            people = (submitter, opener, counsel, custodians)
            for person in people:
                person.start()
            for _ in range(ROUNDS):
                time.sleep(dice.uniform(0.2, 2.0))
                world.kill()
                if dice.random() < 0.4:
                    world.killed_while_it_starts(dice.uniform(0.05, 0.8))
                world.start()
            # On a slow machine nobody may have been heard between two kills.
            world.wait_until("everybody was answered",
                             lambda: all(person.acknowledged or person.failed
                                         for person in people), 2 * gateway.SECONDS)
            world.kill()
            world.start()
            for person in people:
                person.stop()
                self.assertIsNone(person.failed)
            self.check(world, submitter, opener, counsel, custodians)

    def check(self, world, submitter, opener, counsel, custodians):
        # An approval whose answer nobody heard may count as well, and destroys, which is an epoch.
        world.wait_until("what was approved is destroyed", lambda: {
            one["state"] for one in world.cli("custodian-1", "disposal", "list").objects}.issubset(
                {"AWAITING_APPROVAL", "DESTROYED"}))
        about = world.cli("auditor-1", "status").object
        self.assertTrue(about["serving"])
        world.wait_until("one epoch is in the keyslot",
                         lambda: world.epochs_in_keyslot() == [about["epoch"]])
        report = world.verify_ledger()
        print(f"{report['entries']} entries; acknowledged: {len(submitter.acknowledged)} steps of "
              f"submissions, {len(opener.acknowledged)} keys, {len(counsel.acknowledged)} holds, "
              f"{len(custodians.acknowledged)} destructions", flush=True)
        self.assertGreaterEqual(report["facts"]["process_started"], ROUNDS + 1)
        entries = world.export_entries()
        self.assertEqual(len(entries), report["entries"])
        facts = [entry_pb2.Entry.FromString(entry) for entry in entries]
        self.check_submissions(facts, submitter.acknowledged)
        for index, lease, row in opener.acknowledged:
            self.assertEqual(facts[index].WhichOneof("fact"), "key_released")
            self.assertEqual((facts[index].key_released.lease, facts[index].key_released.row),
                             (lease, row))
        for index, leaf, _ in counsel.acknowledged:
            self.assertEqual(hashlib.sha256(b"\0" + entries[index]).hexdigest(), leaf)
            self.assertEqual(facts[index].WhichOneof("fact"), "order_accepted")
        listed = {hold["id"] for hold in world.cli("counsel-1", "hold", "list").objects}
        self.assertLessEqual({hold for _, _, hold in counsel.acknowledged}, listed)
        self.assertEqual(about["freezes"] + about["preserves"], len(listed))
        for what in (submitter, opener, counsel, custodians):
            self.assertGreater(len(what.acknowledged), 0, what)
        # One frozen row would keep back all that are asked for with it.
        self.check_destructions(world, entries, facts, custodians,
                                (set(opener.envelopes) - counsel.frozen) | custodians.touched)
        world.stop()

    def check_destructions(self, world, entries, facts, custodians, asked):
        gone = set()
        for fact in facts:
            if fact.WhichOneof("fact") == "records_destroyed":
                for rows in fact.records_destroyed.rows:
                    self.assertEqual(rows.transfer, 0)
                    gone.update(rows_of(rows))
        # Whoever heard nothing of an order may have given it all the same; nobody else's rows go.
        self.assertLessEqual({row for _, _, row in custodians.acknowledged}, gone)
        self.assertLessEqual(gone, custodians.touched)
        for index, leaf, _ in custodians.acknowledged:
            self.assertEqual(hashlib.sha256(b"\0" + entries[index]).hexdigest(), leaf)
        world.open(out="after.csv", rows=sorted(asked), want=PARTLY)
        opened = set(gateway.read_csv_by_row(world.path("sample/after.csv")))
        self.assertLessEqual(asked - custodians.touched, opened)
        self.assertEqual(opened & gone, set())

    def check_submissions(self, facts, acknowledged):
        number, judged, finished = {}, {}, set()
        for fact in facts:
            kind = fact.WhichOneof("fact")
            if kind == "transfer_created":
                self.assertNotIn(fact.transfer_created.transfer, number)
                number[fact.transfer_created.transfer] = len(number)
            elif kind == "subject_judged":
                place = (fact.subject_judged.transfer, fact.subject_judged.row)
                self.assertNotIn(place, judged)
                judged[place] = fact.subject_judged.verdict
            elif kind == "submission_finished":
                self.assertNotIn(fact.submission_finished.transfer, finished)
                finished.add(fact.submission_finished.transfer)
        for step, transfer, verdicts in acknowledged:
            self.assertIn(transfer, number)
            if step == "judged":
                self.assertEqual([judged[number[transfer], row] for row in range(5)],
                                 list(verdicts))
            elif step == "finished":
                self.assertIn(number[transfer], finished)


if __name__ == "__main__":
    sys.argv[4:] = []
    gateway.main()
