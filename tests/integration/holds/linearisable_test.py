#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Many requesters, holds that come and go, kill -9: is all that anybody saw explained by the ledger?

Each call's start, end and answer are noted as its client saw them. Afterwards history.py searches them
for whatever contradicts the exported ledger; and it has to find each lie that is planted in them.

Usage: linearisable_test.py HOLDFAST HOLDFASTD STUBS [RELEASES CHANGES KILLS [SEED]]
"""
import base64
import collections
import hashlib
import json
import pathlib
import random
import sys
import tempfile
import threading
import time
import unittest

HERE = pathlib.Path(__file__).resolve()
sys.path[:0] = [str(HERE.parents[1] / "journey"), sys.argv[3], str(HERE.parents[1])]

import grpc  # noqa: E402
import gateway  # noqa: E402
import history as h  # noqa: E402
import orders  # noqa: E402
import reader  # noqa: E402
from google.rpc import error_details_pb2, status_pb2  # noqa: E402
from holdfast.ledger.v1 import entry_pb2  # noqa: E402
from holdfast.v1 import hold_service_pb2 as holds, hold_service_pb2_grpc  # noqa: E402
from holdfast.v1 import key_service_pb2 as keys, key_service_pb2_grpc  # noqa: E402
from holdfast.v1 import transfer_service_pb2 as transfers, transfer_service_pb2_grpc  # noqa: E402
from nacl import bindings as sodium  # noqa: E402

RELEASES, CHANGES, KILLS = (int(sys.argv[i]) if len(sys.argv) > i else otherwise
                            for i, otherwise in ((4, 5000), (5, 100), (6, 2)))
SEED = int(sys.argv[7]) if len(sys.argv) > 7 else random.SystemRandom().getrandbits(32)
RECORDS = 300
REQUESTERS = 4
CALL_SECONDS = 30
EXPORT_SECONDS = 600  # Of the long form: sanitized, and with other work on the machine.
COOLING_MS = 1000
AUTHORITY = "26-usc-6103-i-2"

# How a call may end of which nobody says that it was done: the daemon was gone, or is coming back.
MAY_FAIL = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED,
            grpc.StatusCode.DEADLINE_EXCEEDED)


def now():
    return time.monotonic_ns()


def error_info(error):
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            info = error_details_pb2.ErrorInfo()
            for detail in status_pb2.Status.FromString(value).details:
                if detail.Unpack(info):
                    return info
    return None


class Person(threading.Thread):
    """Acts again and again until told to stop, and notes what it saw."""

    def __init__(self, world, number, certificate):
        super().__init__(daemon=True, name=f"{certificate} {number}")
        self.world = world
        self.random = random.Random(SEED * 100 + number)
        self.certificate = certificate
        self.seen = []
        self.failed = None
        self._enough = threading.Event()
        self._port = self._channel = None

    def run(self):
        try:
            while not self._enough.is_set():
                self.act()
        except BaseException as error:  # Whatever it is, the test has to hear of it.
            self.failed = error
            raise

    def stop(self):
        self._enough.set()

    def ended(self):
        self.join(2 * gateway.SECONDS)
        assert not self.is_alive(), self.name
        if self._channel:
            self._channel.close()
        return self.failed

    def pause(self, seconds):
        self._enough.wait(seconds)

    def channel(self):
        """To the daemon that runs now; another port is another daemon."""
        port = self.world.port
        if port != self._port:
            if self._channel:
                self._channel.close()
            self._port = port
            self._channel = self.world.channel(self.certificate, port)
        return self._channel

    def note(self, kind, **values):
        self.seen.append(kind(client=self.name, **values))


class Requester(Person):
    """Asks for keys by the published format and none of our code; opens each envelope with them."""

    def act(self):
        transfer = self.random.choice(self.world.transfers)
        try:
            if self.random.random() < 0.03:
                self.collect(transfer)
            else:
                self.release(transfer)
        except grpc.RpcError as error:
            self.refused(error, transfer)

    def refused(self, error, transfer):
        if error.code() in MAY_FAIL:
            self._port = None
            self.pause(0.02)
            return
        info = error_info(error)
        assert info is not None and info.reason == "HELD", error
        if "ledger_index" in info.metadata:  # A stream that was cut off has none.
            self.note(h.SawRefusal, start=self.asked_at, end=now(),
                      index=int(info.metadata["ledger_index"]), matter=info.metadata["matter"],
                      transfer=transfer.number, rows=frozenset(self.asked))
        self.pause(self.random.uniform(0, 0.02))

    def collect(self, transfer):
        # Sixteen chunks are decided together, and the first may wait for its reader long after: that
        # none was decided before the call is all that a client can know of the time. But they are one
        # command, so their entries follow each other; and what is refused is the next chunk, because
        # all that came before it has been sent.
        self.asked_at, self.asked = now(), transfer.rows_of_chunk(0)
        before = None
        for chunk in transfer_service_pb2_grpc.TransferServiceStub(self.channel()).CollectEnvelopes(
                transfers.CollectEnvelopesRequest(transfer=transfer.name), timeout=CALL_SECONDS):
            self.note(h.SawChunk, start=self.asked_at, end=now(), index=chunk.ledger_index,
                      transfer=transfer.number, rows=transfer.rows_of_chunk(chunk.chunk))
            assert chunk.chunk % 16 == 0 or before == chunk.ledger_index - 1, chunk.ledger_index
            before = chunk.ledger_index
            self.asked = transfer.rows_of_chunk(chunk.chunk + 1)

    def release(self, transfer):
        """One lease and some batches under it, a few of them under way at a time."""
        world = self.world
        exchange, transfer_id = bytes.fromhex(world.exchange_id), reader.transfer_id(transfer.name)
        secret = sodium.randombytes(32)
        public = sodium.crypto_scalarmult_base(secret)
        opening, signature, digest = reader.sign_opening(
            world.seeds["requester-1"], public, sodium.randombytes(16), exchange, transfer_id,
            int(time.time() * 1000), 0, bytes(32), b"requester-1")
        under_way = collections.deque()
        room = threading.Semaphore(self.random.choice((1, 2, 6)))
        over = threading.Event()

        def requests():
            under_way.append((now(), range(0)))
            yield keys.ReleaseKeysRequest(opening=keys.LeaseOpening(
                transfer=transfer.name, recipient_key=public, opening=opening,
                signature=signature))
            head = digest
            for i in range(self.random.choice((1, 5, 20))):
                room.acquire()
                if over.is_set() or self._enough.is_set():
                    return
                rows = self.some_rows(transfer)
                head = reader.chain(head, i, rows)
                under_way.append((now(), rows))
                yield keys.ReleaseKeysRequest(batch=keys.KeyBatch(rows=rows, chain=head))

        lease = None
        self.asked_at, self.asked = now(), transfer.envelopes.keys()
        try:
            for answer in key_service_pb2_grpc.KeyServiceStub(self.channel()).ReleaseKeys(
                    requests(), timeout=CALL_SECONDS):
                end = now()
                start, rows = under_way.popleft()
                if lease is None:
                    lease = reader.Lease(answer.lease.header, answer.lease.sealed_lease_key, secret,
                                         digest)
                    self.note(h.SawLease, start=start, end=end, index=answer.lease.ledger_index,
                              lease=lease.number)
                    continue
                self.take(transfer, lease, rows, answer.batch, start, end)
                room.release()
        except grpc.RpcError:
            if under_way and lease is not None:
                self.asked_at, self.asked = under_way[0]
            raise
        finally:
            over.set()
            room.release()

    def some_rows(self, transfer):
        """Neighbours, so that a hold of a few rows is not met by every batch."""
        rows = transfer.rows
        count = min(len(rows), self.random.choice((1, 8, 64, 256)))
        first = self.random.randrange(len(rows) - count + 1)
        chosen = rows[first:first + count]
        self.random.shuffle(chosen)
        return chosen

    def take(self, transfer, lease, rows, batch, start, end):
        assert not batch.refused_rows, batch
        exchange, transfer_id = (bytes.fromhex(self.world.exchange_id),
                                 reader.transfer_id(transfer.name))
        got, sealed = [], batch.sealed_keys
        for i, row in enumerate(rows):
            index = batch.first_ledger_index + i
            key = lease.unwrap(sealed[48 * i:48 * i + 48], row, index)
            reader.open_envelope(transfer.envelopes[row], key, exchange, transfer_id, row)
            got.append((row, index))
        self.note(h.SawKeys, start=start, end=end, index=batch.first_ledger_index,
                  lease=lease.number, keys=got)
        self.world.released.add(len(rows))


class Counsel(Person):
    """Places holds and sees to it that they are lifted again, with a second person's help."""

    def __init__(self, world, number, signer, second):
        super().__init__(world, number, "counsel-1")
        self.signer = world.signers[signer]
        self.second = world.signers[second]
        self.count = 0
        self.head = (0, hashlib.sha256(b"").digest())

    def act(self):
        # In step with the releases: the two are to meet everywhere in the ledger.
        if self.world.changed.value * RELEASES > (self.world.released.value + 500) * CHANGES:
            self.pause(0.01)
            return
        self.count += 1
        hold = f"{self.signer.person}-{self.count}"
        matter = f"1:26-cv-{hold}"
        kind = self.random.choice((h.FREEZE, h.FREEZE, h.PRESERVE, h.BOTH))
        receipt = self.order(self.signer, "place", "placeHold", hold, orders.hold_body(
            hold, matter, kind, self.some_scope()))
        if receipt is None:
            return
        placed = receipt.ledger_index
        self.pause(self.random.choice((0, 0, 0.05, 0.3)))
        proposer, confirmer = self.random.sample((self.signer, self.second), 2)
        proposed = self.order(proposer, "propose", "proposeLift", hold, {
            "holdId": hold, "placedIndex": str(placed), "reason": "vacated"})
        if proposed is None:
            return
        if self.random.random() < 0.1:
            if self.order(self.signer, "cancel", "cancelLift", hold, {
                    "holdId": hold, "proposalIndex": str(proposed.ledger_index)}) is None:
                return
            proposed = self.order(proposer, "propose", "proposeLift", hold, {
                "holdId": hold, "placedIndex": str(placed), "reason": "vacated after all"})
            if proposed is None:
                return
        self.order(confirmer, "confirm", "confirmLift", hold, {
            "holdId": hold, "placedIndex": str(placed),
            "proposalIndex": str(proposed.ledger_index)})

    def some_scope(self):
        transfer = self.random.choice(self.world.transfers)
        (place, record) = self.random.choice(transfer.records)
        scopes = [{"transfer": transfer.name, "rows": [self.range_from(place)]}] * 30 + [
            {"person": record.person.hex()}, {"officer": record.officer},
            {"officer": record.officer, "transfer": transfer.name},
            {"authority": AUTHORITY, "person": record.person.hex()}]
        if self.random.random() < 0.02:
            scopes = [{"everything": True}, {"transfer": transfer.name}, {"authority": AUTHORITY}]
        return self.random.choice(scopes)

    def range_from(self, row):
        return {"first": row, "last": row + self.random.choice((0, 1, 5))} if row else {"last": 2}

    def order(self, signer, act, field, hold, body):
        """Signs and delivers, the same bytes again and again until there is an answer."""
        with signer.lock:
            order, prev = signer.sign(field, body, self.head)
            start = now()
            delivered = 0
            while True:
                delivered += 1
                try:
                    answer = hold_service_pb2_grpc.OrderServiceStub(self.channel()).SubmitOrder(
                        holds.SubmitOrderRequest(order_dsse=order), timeout=CALL_SECONDS)
                    break
                except grpc.RpcError as error:
                    assert error.code() in MAY_FAIL, error
                    self._port = None
                    if self.world.over.is_set():
                        return None
                    time.sleep(0.02)
            end = now()
            signer.prev = prev
        receipt = answer.receipt
        self.head = (receipt.ledger_size, receipt.ledger_root)
        leases = None
        if act == "place" and delivered == 1:
            leases = collections.Counter()
            for lease in answer.open_leases:
                number = self.world.numbers[lease.transfer]
                leases[number, lease.not_after.ToMilliseconds()] += lease.records
        self.note(h.SawReceipt, start=start, end=end, index=receipt.ledger_index, act=act, hold=hold,
                  leaf=receipt.leaf_hash, head=self.head, leases=leases)
        if act in ("place", "confirm", "cancel"):
            self.world.changed.add(1)
        return receipt


class Watcher(Person):
    """Lists the holds."""

    STATES = {holds.Hold.IN_FORCE: h.IN_FORCE, holds.Hold.LIFT_PROPOSED: h.PROPOSED,
              holds.Hold.LIFT_CONFIRMED: h.CONFIRMED}

    def act(self):
        try:
            start = now()
            listed = hold_service_pb2_grpc.HoldServiceStub(self.channel()).ListHolds(
                holds.ListHoldsRequest(), timeout=CALL_SECONDS)
            self.note(h.SawHolds, start=start, end=now(),
                      holds={hold.id: self.STATES[hold.state] for hold in listed.holds})
        except grpc.RpcError as error:
            assert error.code() in MAY_FAIL, error
            self._port = None
        self.pause(0.01)


class Count:
    def __init__(self):
        self.value = 0
        self._lock = threading.Lock()

    def add(self, more):
        with self._lock:
            self.value += more


class Transfer:
    def __init__(self, name, number, envelopes):
        self.name = name
        self.number = number
        self.envelopes = envelopes
        self.rows = sorted(envelopes)
        self.records = []  # (row, h.Record), once the ledger was read.

    def rows_of_chunk(self, chunk):
        return range(256 * chunk, 256 * chunk + 256)


class World(gateway.Gateway):
    def prepare(self):
        self.released, self.changed = Count(), Count()
        self.over = threading.Event()
        people = ("requester-1", "counsel-1", "counsel-2", "counsel-3", "custodian-1",
                  "custodian-2")
        self.seeds = {person: self.signing_seed(person) for person in people}
        self.signers = {person: orders.Signer(person, self.seeds[person], self.exchange_id)
                        for person in people}
        self.transfers = []
        for number in range(2):
            name, _ = self.submit()
            self.let_go(name)
            self.cli("custodian-1", "transfer", "approve", name, "--yes")
            self.serve(name)
            with self.channel("requester-1", self.port) as channel:
                self.transfers.append(Transfer(name, number, reader.collect(channel, name)))
        self.numbers = {transfer.name: transfer.number for transfer in self.transfers}
        # The command line approved in this name.
        with self.channel("custodian-1", self.port) as channel:
            self.signers["custodian-1"].prev = hold_service_pb2_grpc.OrderServiceStub(
                channel).GetOrderContext(holds.GetOrderContextRequest(person="custodian-1"),
                                         timeout=CALL_SECONDS).prev
        self.cli("auditor-1", "ledger", "export", "--out", "at-first")
        records = records_of(self.parsed_entries("at-first"))
        for (transfer, row), record in records.items():
            self.transfers[transfer].records.append((row, record))

    def channel(self, member, port):
        return grpc.secure_channel(
            f"127.0.0.1:{port}", self.credentials(member),
            options=[("grpc.use_local_subchannel_pool", 1),
                     ("grpc.ssl_target_name_override", "localhost")])

    def parsed_entries(self, folder):
        return [entry_pb2.Entry.FromString(entry) for entry in self.export_entries(folder)]


# ---- from the exported ledger to what history.py understands

def records_of(entries):
    created, records = [], {}
    for entry in entries:
        if entry.HasField("transfer_created"):
            created.append(entry.transfer_created)
        elif entry.HasField("subject_judged") and entry.subject_judged.verdict == 1:
            fact = entry.subject_judged
            terms = created[fact.transfer]
            records[fact.transfer, fact.row] = h.Record(terms.officers[fact.officer],
                                                        terms.authority, fact.pseudonym)
    return records


def rows_of(rows):
    found, at, take = [], 0, False
    for length in rows.runs:
        if take:
            found.extend(range(at, at + length))
        at, take = at + length, not take
    return frozenset(found)


def scope_of(scope, numbers):
    if scope.get("everything"):
        return h.Scope(everything=True)
    rows = None
    if "rows" in scope:
        rows = frozenset(row for span in scope["rows"]
                         for row in range(span.get("first", 0), span.get("last", 0) + 1))
    return h.Scope(transfer=numbers[scope["transfer"]] if "transfer" in scope else None, rows=rows,
                   officer=scope.get("officer"), authority=scope.get("authority"),
                   person=bytes.fromhex(scope["person"]) if "person" in scope else None)


def order_of(dsse, numbers):
    order = json.loads(base64.b64decode(json.loads(dsse)["payload"]))
    if "placeHold" in order:
        act = order["placeHold"]
        return h.Order("place", act["holdId"], act["kind"], scope_of(act["scope"], numbers),
                       act["matter"])
    for field, act in (("proposeLift", "propose"), ("confirmLift", "confirm"),
                       ("cancelLift", "cancel")):
        if field in order:
            return h.Order(act, order[field]["holdId"])
    return h.Order("other")


def facts_of(entries, numbers):
    leases = 0
    for entry in entries:
        kind = entry.WhichOneof("fact")
        fact = getattr(entry, kind)
        if kind == "time_advanced":
            yield h.Time(fact.late_ms, fact.early_ms, fact.trusted)
        elif kind == "lease_opened":
            yield h.Lease(leases, fact.transfer, fact.not_after_ms)
            leases += 1
        elif kind == "key_released":
            yield h.Key(fact.lease, fact.row)
        elif kind == "envelopes_collected":
            yield h.Moved(fact.transfer, range(256 * fact.chunk, 256 * fact.chunk + 256))
        elif kind == "envelope_deposited":
            yield h.Moved(fact.transfer, range(fact.row, fact.row + 1))
        elif kind == "order_accepted":
            yield order_of(fact.order_dsse, numbers)
        elif kind == "refused":
            yield h.Refusal(fact.hold_index, fact.transfer, rows_of(fact.rows))
        else:
            yield h.Other()


class LinearisableTest(unittest.TestCase):
    def test_all_that_anybody_saw_is_explained_by_the_ledger(self):
        print(f"seed {SEED}", flush=True)
        begun = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            world = World.create(folder, records=RECORDS, cooling=f"{COOLING_MS // 1000}s",
                                 edit=lambda text: text.replace(
                                     "lease_duration { seconds: 900 }",
                                     "lease_duration { seconds: 10 }"))
            self.addCleanup(world.kill)
            world.start()
            world.prepare()
            print(f"{time.monotonic() - begun:.1f} s to prepare", flush=True)
            people = [Requester(world, i, "requester-1") for i in range(REQUESTERS)]
            people += [Counsel(world, 10, "counsel-1", "custodian-1"),
                       Counsel(world, 11, "counsel-2", "custodian-2"), Watcher(world, 20, "counsel-2")]
            took = self.play(world, people)
            self.check(world, [seen for person in people for seen in person.seen], took)
            world.stop()

    def play(self, world, people):
        dice = random.Random(SEED)
        begun = time.monotonic()
        for person in people:
            person.start()
        for killed in range(KILLS + 1):
            # An equal share of the work lies between two kills.
            share = (killed + 1) / (KILLS + 1)
            while (world.released.value < share * RELEASES or world.changed.value < share * CHANGES):
                time.sleep(0.02)
                if any(person.failed for person in people):
                    break
            if killed < KILLS:
                time.sleep(dice.uniform(0, 0.05))
                world.kill()
                world.start()
        for person in people:
            person.stop()
        world.over.set()
        for person in people:
            self.assertIsNone(person.ended(), person.name)
        return time.monotonic() - begun

    def check(self, world, history, took):
        begun = time.monotonic()
        report = world.verify_ledger(seconds=EXPORT_SECONDS)
        print(f"exported and verified in {time.monotonic() - begun:.1f} s", flush=True)
        entries = world.parsed_entries("export")
        self.assertEqual(len(entries), report["entries"])
        facts = list(facts_of(entries, world.numbers))
        leaves = [hashlib.sha256(b"\0" + entry).digest() for entry in world.export_entries()]
        records = records_of(entries)
        kinds = collections.Counter(type(seen).__name__ for seen in history)
        print(f"{world.released.value} keys, {world.changed.value} changes of holds, {KILLS} kills in "
              f"{took:.1f} s; {len(facts)} entries; seen: {dict(kinds)}", flush=True)
        self.assertGreaterEqual(world.released.value, RELEASES)
        self.assertGreaterEqual(world.changed.value, CHANGES)
        begun = time.monotonic()
        found = h.violations(facts, leaves, records, COOLING_MS, history)
        self.assertEqual(found[:5], [], f"{len(found)} in all")
        print(f"explained in {time.monotonic() - begun:.1f} s", flush=True)
        planted = set()
        for name, rules, *changed in h.planted(facts, leaves, records, COOLING_MS, history,
                                               random.Random(SEED)):
            with self.subTest(planted=name):
                planted.add(name)
                lies = h.violations(changed[0], changed[1], records, COOLING_MS, changed[2])
                self.assertTrue({rule for rule, _ in lies} & rules, (name, lies[:3]))
        self.assertGreaterEqual(len(planted), 15, planted)
        print(f"and {len(planted)} lies found, after {time.monotonic() - begun:.1f} s", flush=True)


if __name__ == "__main__":
    sys.argv[4:] = []
    gateway.main()
