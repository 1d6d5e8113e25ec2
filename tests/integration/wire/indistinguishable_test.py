#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Found, not found, ambiguous and mismatched look alike to the requester, until a key is released.

Two transfers of the same people go through together; only what the source finds differs. Everything
that the requester can see of them is compared: what has to be equal is, and what is random or takes
time is compared by statistics, which are tried on a planted difference first.

Usage: indistinguishable_test.py HOLDFAST HOLDFASTD STUBS
"""
import math
import os
import random
import sys
import time
import unittest
import zlib

import grpc
import wire_gateway as wire

import reader  # noqa: E402
from holdfast.ledger.v1 import entry_pb2  # noqa: E402
from holdfast.record.v1 import outcome_pb2  # noqa: E402

ROWS = 300
# Standard deviations: chance alone goes beyond them once in a million comparisons.
CHANCE = 5
PAIRS = 150
transfers = wire.transfer_service_pb2


def found(row):
    return [wire.candidate(wire.somebody(row), wages="42377", employer="Quarry Road Garage")]


# What the source may find for one row, and nobody but it may know.
FINDINGS = (
    found,
    lambda row: [],
    lambda row: found(row) + found(row),
    lambda row: [wire.candidate(wire.somebody(row, line1="9 Elsewhere Ave", city="Dunmarsh",
                                              state="VA", postal_code="22897"), wages="1")],
    lambda row: [wire.candidate(wire.somebody(row, tax_number="999-88-7766"), wages="1")],
    lambda row: [wire.candidate(wire.somebody(row + 1), wages="1")] * 64,
)


def rank_score(one, other):
    """By how many standard deviations the ranks of two samples differ (Mann and Whitney, with ties)."""
    both = sorted([(value, 0) for value in one] + [(value, 1) for value in other])
    ranks, ties, at = 0.0, 0, 0
    while at < len(both):
        end = at
        while end < len(both) and both[end][0] == both[at][0]:
            end += 1
        ranks += sum(1 for _, which in both[at:end] if which == 0) * (at + 1 + end) / 2
        ties += (end - at) ** 3 - (end - at)
        at = end
    n, m, total = len(one), len(other), len(both)
    variance = n * m / 12 * (total + 1 - ties / (total * (total - 1)))
    return 0.0 if variance == 0 else (ranks - n * (total + 1) / 2) / math.sqrt(variance)


def features(envelope, place):
    """What an envelope's bytes could tell, each as a number."""
    header, sealed = envelope[:reader.HEADER.size], envelope[reader.HEADER.size:]
    ones = bin(int.from_bytes(sealed, "big")).count("1")
    mean = sum(sealed) / len(sealed)
    return {
        "size": len(envelope),
        "place": place,
        "header": zlib.crc32(header),
        "first bytes": int.from_bytes(sealed[:4], "big"),
        "last bytes": int.from_bytes(sealed[-4:], "big"),
        "bits set": ones,
        "mean": mean,
        "mean of the first quarter": sum(sealed[:len(sealed) // 4]),
        "variance": sum((byte - mean) ** 2 for byte in sealed),
        "neighbours alike": sum(a == b for a, b in zip(sealed, sealed[1:])),
        "different bytes": len(set(sealed)),
        "compressed": len(zlib.compress(sealed, 9)),
        "salt": int.from_bytes(header[-4:], "big"),
    }


class IndistinguishableTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.gateway = gateway = wire.Gateway()
        cls.addClassCleanup(gateway.close)
        cls.stub = gateway.transfers("requester-1")
        subjects = [wire.subject(wire.somebody(row), officer=row % 4, case=f"26-{row:08}",
                                 reference=f"row-{row}") for row in range(ROWS)]
        officers = [f"officer-{i}" for i in range(4)]
        cls.mixed, cls.all_found = (gateway.create(officers=officers).name for _ in range(2))
        cls.pair = (cls.mixed, cls.all_found)
        cls.verdicts = [gateway.submit(name, subjects) for name in cls.pair]
        for name in cls.pair:
            gateway.approve(name)
        cls.watches = [cls.stub.WatchTransfer(transfers.GetTransferRequest(name=name),
                                              timeout=4 * wire.SECONDS) for name in cls.pair]
        cls.seen = [[next(watch)] for watch in cls.watches]
        # While the source works, the requester asks again and again.
        cls.during = [[cls.look(name)] for name in cls.pair]
        for i, name in enumerate(cls.pair):
            find = cls.find if name == cls.mixed else lambda subject: found(subject.row)
            answers = gateway.deposit(name, find)
            cls.during[i].append(cls.look(name))
            # Doubtful rows wait for a custodian, long after the others have their envelopes.
            waiting = sum(answer.waiting for answer in answers)
            assert (waiting > ROWS // 4) == (name == cls.mixed), waiting
            answers = gateway.settle(name, find, answers)
            cls.during[i].append(cls.look(name))
            released = b"".join(answer.verdicts for answer in answers).count(1)
            assert (released == ROWS) == (name == cls.all_found), released
            gateway.finish(name, answers)
            cls.during[i].append(cls.look(name))
        for watch, seen in zip(cls.watches, cls.seen):
            while seen[-1].state != transfers.Transfer.CLOSED:
                seen.append(next(watch))
            watch.cancel()
        cls.chunks = [list(cls.stub.CollectEnvelopes(
            transfers.CollectEnvelopesRequest(transfer=name), timeout=wire.SECONDS))
            for name in cls.pair]

    @classmethod
    def find(cls, subject):
        return FINDINGS[subject.row % len(FINDINGS)](subject.row)

    @classmethod
    def look(cls, name):
        """Returns the transfer, and the answer to a requester who asks too early or in time."""
        got = cls.stub.GetTransfer(transfers.GetTransferRequest(name=name), timeout=wire.SECONDS)
        try:
            answers = list(cls.stub.CollectEnvelopes(
                transfers.CollectEnvelopesRequest(transfer=name), timeout=wire.SECONDS))
            return cls.plain(got), [answer.ByteSize() for answer in answers]
        except grpc.RpcError as error:
            return cls.plain(got), (error.code(), error.details(), wire.info_of(error).reason)

    @staticmethod
    def plain(transfer):
        """Leaves out what is random, or says when; keeps how long it is."""
        out = transfers.Transfer()
        out.CopyFrom(transfer)
        for field in ("name", "binding_nonce", "dossier_digest"):
            setattr(out, field, type(getattr(out, field))())
        lifetime = (out.not_after.ToMilliseconds() - out.not_before.ToMilliseconds())
        out.ClearField("not_before")
        out.ClearField("not_after")
        return out.SerializeToString(), len(transfer.binding_nonce), len(transfer.name), lifetime

    def test_every_subject_was_accepted(self):
        self.assertEqual(self.verdicts, [b"\x01" * ROWS] * 2)

    def test_the_transfer_looks_the_same_at_every_step(self):
        self.assertEqual(self.during[0], self.during[1])
        listed = [self.plain(transfer) for transfer in self.stub.ListTransfers(
            transfers.ListTransfersRequest(), timeout=wire.SECONDS).transfers]
        self.assertEqual(len(listed), 2)
        self.assertEqual(listed[0], listed[1])

    def test_whoever_watches_sees_the_same_states_in_the_same_order(self):
        seen = [[self.plain(transfer) for transfer in each] for each in self.seen]
        self.assertEqual(seen[0], seen[1])

    def test_the_ledger_has_one_entry_for_each_subject(self):
        # As an auditor reads it: to the requester the entries are hashes, salted.
        auditor = wire.ledger_service_pb2_grpc.LedgerServiceStub(self.gateway.channel("auditor-1"))
        counts = [{}, {}]
        for bundle in auditor.ReadEntries(wire.ledger_service_pb2.ReadEntriesRequest(),
                                          timeout=wire.SECONDS):
            for raw in bundle.entries:
                entry = entry_pb2.Entry.FromString(raw)
                kind = entry.WhichOneof("fact")
                if kind in ("subject_judged", "envelope_deposited"):
                    self.assertEqual(len(entry.salt), 16)
                    rows = counts[getattr(entry, kind).transfer].setdefault(kind, [])
                    rows.append(getattr(entry, kind).row)
        for count in counts:
            self.assertEqual(set(count), {"subject_judged", "envelope_deposited"})
            for rows in count.values():
                self.assertEqual(sorted(rows), list(range(ROWS)))

    def test_envelopes_have_the_same_number_and_size(self):
        shapes = [[(chunk.chunk, list(chunk.rows), chunk.envelope_bytes, len(chunk.envelopes),
                    chunk.last) for chunk in chunks] for chunks in self.chunks]
        self.assertEqual(shapes[0], shapes[1])
        self.assertEqual(sum(len(chunk.rows) for chunk in self.chunks[0]), ROWS)
        for chunks in self.chunks:
            indexes = [chunk.ledger_index for chunk in chunks]
            self.assertEqual(indexes, sorted(set(indexes)))

    def test_headers_differ_in_nothing_that_was_found(self):
        for name, chunks in zip(self.pair, self.chunks):
            got = self.stub.GetTransfer(transfers.GetTransferRequest(name=name),
                                        timeout=wire.SECONDS)
            fixed, segments, leaves, salts = set(), set(), [], set()
            for chunk in chunks:
                for i, row in enumerate(chunk.rows):
                    envelope = chunk.envelopes[i * chunk.envelope_bytes:][:chunk.envelope_bytes]
                    (magic, version, suite, exchange, transfer, segment, leaf, found_row, not_before,
                     not_after, agreement, binding, salt) = reader.HEADER.unpack_from(envelope)
                    self.assertEqual(found_row, row)
                    self.assertEqual(binding, reader.binding(
                        got.binding_nonce, b"requester-1", f"officer-{row % 4}".encode(),
                        f"26-{row:08}".encode(), got.terms.purpose.encode(),
                        got.terms.authority.encode(), got.terms.attestation_digest))
                    fixed.add((magic, version, suite, exchange, transfer, not_before, not_after,
                               agreement))
                    segments.add(segment)
                    leaves.append(leaf)
                    salts.add(salt)
            ((_, _, _, exchange, transfer, not_before, not_after, agreement),) = fixed
            self.assertEqual((exchange, transfer), (self.gateway.exchange,
                                                    reader.transfer_id(name)))
            self.assertEqual((not_before, not_after), (got.not_before.ToMilliseconds(),
                                                       got.not_after.ToMilliseconds()))
            self.assertEqual(agreement, got.agreement_digest)
            self.assertEqual(len(segments), 1)
            # In order of row, chunk by chunk: an envelope of a doubtful row is sealed under the leaf
            # that was kept for it, and does not tell that it came later.
            self.assertEqual(sorted(leaves), list(range(ROWS)))
            for chunk in chunks:
                these, leaves = leaves[:len(chunk.rows)], leaves[len(chunk.rows):]
                self.assertEqual(these, list(range(these[0], these[0] + len(these))))
            self.assertEqual(len(salts), ROWS)

    def envelopes(self, number):
        """By row, of one of the two."""
        return {row: chunk.envelopes[i * chunk.envelope_bytes:][:chunk.envelope_bytes]
                for chunk in self.chunks[number] for i, row in enumerate(chunk.rows)}

    def worst_score(self, one, other):
        """Over all features; and the feature."""
        return max((abs(rank_score([each[name] for each in one], [each[name] for each in other])), name)
                   for name in one[0])

    def test_statistics_of_envelopes_do_not_tell_what_was_found(self):
        places = {row: place for place, row in enumerate(sorted(self.envelopes(0)))}
        mixed, all_found = ([features(envelope, places[row] // len(FINDINGS))
                             for row, envelope in sorted(self.envelopes(number).items())]
                            for number in range(2))
        kinds = [mixed[kind::len(FINDINGS)] for kind in range(len(FINDINGS))]
        # A difference of a few per cent would be seen.
        tampered = [dict(each, **{"bits set": each["bits set"] * 1.03}) for each in kinds[0]]
        self.assertGreater(self.worst_score(tampered, kinds[1])[0], CHANCE)
        # Each kind of finding against each other, and against the transfer where everybody was found.
        for kind, one in enumerate(kinds):
            for other in kinds[kind + 1:] + [all_found[kind::len(FINDINGS)]]:
                score, feature = self.worst_score(one, other)
                self.assertLess(score, CHANCE, (kind, feature))

    def seconds(self, what):
        before = time.perf_counter()
        what()
        return time.perf_counter() - before

    def slower(self, first, second):
        """How often `first` took longer, less how often `second` did, in standard deviations. Which is
        asked first is drawn each time, so that whatever else the machine does falls on either alike."""
        drawn, balance = random.Random(os.urandom(8)), 0
        for _ in range(PAIRS):
            turn = [(0, first), (1, second)]
            drawn.shuffle(turn)
            took = {which: self.seconds(what) for which, what in turn}
            balance += 1 if took[0] > took[1] else -1
        return balance / math.sqrt(PAIRS)

    def test_statistics_of_time_do_not_tell_what_was_found(self):
        def collect(name):
            return lambda: list(self.stub.CollectEnvelopes(
                transfers.CollectEnvelopesRequest(transfer=name), timeout=wire.SECONDS))

        def get(name):
            return lambda: self.stub.GetTransfer(transfers.GetTransferRequest(name=name),
                                                 timeout=wire.SECONDS)

        # A call that does the same three times would be seen.
        self.assertGreater(self.slower(lambda: [collect(self.mixed)() for _ in range(3)],
                                       collect(self.mixed)), CHANCE)
        for way in (collect, get):
            score = self.slower(way(self.mixed), way(self.all_found))
            self.assertLess(abs(score), CHANCE, way.__name__)

    def test_keys_look_the_same_and_then_they_tell(self):
        answers = []
        for name in self.pair:
            secret = os.urandom(32)
            public = reader.sodium.crypto_scalarmult_base(secret)
            opening, signature, digest = reader.sign_opening(
                self.gateway.seed("requester-1"), public, os.urandom(16), self.gateway.exchange,
                reader.transfer_id(name), int(time.time() * 1000), 0, bytes(32), b"requester-1")
            rows = list(range(ROWS))
            requests = [wire.key_service_pb2.ReleaseKeysRequest(
                opening=wire.key_service_pb2.LeaseOpening(
                    transfer=name, recipient_key=public, opening=opening, signature=signature)),
                wire.key_service_pb2.ReleaseKeysRequest(batch=wire.key_service_pb2.KeyBatch(
                    rows=rows, chain=reader.chain(digest, 0, rows)))]
            answers.append(list(self.gateway.keys("requester-1").ReleaseKeys(
                iter(requests), timeout=wire.SECONDS)))
        shapes = [[(len(each[0].lease.header), len(each[0].lease.sealed_lease_key)),
                   (len(each[1].batch.sealed_keys), list(each[1].batch.refused_rows))]
                  for each in answers]
        self.assertEqual(shapes[0], shapes[1])
        self.assertEqual(shapes[0][1], (ROWS * 48, []))

        # Opened, everything but the one certain find says the same: nothing is released.
        bindings = dict.fromkeys(range(ROWS))
        for name in self.pair:
            for row, payload in reader.read_transfer(
                    self.gateway.channel("requester-1"), self.gateway.exchange, name, "requester-1",
                    self.gateway.seed("requester-1"), bindings):
                expected = outcome_pb2.Outcome(client_reference=f"row-{row}",
                                               result=outcome_pb2.Outcome.NOTHING_RELEASED)
                outcome = outcome_pb2.Outcome.FromString(payload)
                if name == self.all_found or FINDINGS[row % len(FINDINGS)] is found:
                    self.assertEqual(outcome.result, outcome_pb2.Outcome.RELEASED)
                    self.assertEqual(outcome.client_reference, expected.client_reference)
                else:
                    self.assertEqual(payload, expected.SerializeToString(), row)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
