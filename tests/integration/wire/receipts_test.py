#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Every answer names its entry of the ledger: a key that left, a lease, envelopes, a hold, a revocation,
and each refusal. On request whoever got it proves that the entry is there, against a signed checkpoint,
with no code of ours.

Usage: receipts_test.py HOLDFAST HOLDFASTD STUBS
"""
import base64
import hashlib
import json
import time
import unittest

import grpc
import wire_gateway as wire
from nacl import bindings as sodium

import reader  # noqa: E402
from holdfast.ledger.v1 import entry_pb2  # noqa: E402
from holdfast.v1 import (key_service_pb2 as keys, ledger_service_pb2 as ledger,  # noqa: E402
                         ledger_service_pb2_grpc, transfer_service_pb2 as transfers)

ROWS = 8


def root_of(index, size, leaf, path):
    """The root to which an inclusion proof leads (RFC 6962, 2.1.1; RFC 9162, 2.1.3.2)."""
    at, last, found = index, size - 1, leaf
    for other in path:
        if at == last or at & 1:
            found = hashlib.sha256(b"\x01" + other + found).digest()
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            found = hashlib.sha256(b"\x01" + found + other).digest()
        at, last = at >> 1, last >> 1
    assert last == 0, "the proof is too short"
    return found


def extends(old_size, old_root, new_size, new_root, path):
    """Whether a consistency proof says so (RFC 9162, 2.1.4.2)."""
    path = list(path)
    if old_size == new_size:
        return not path and old_root == new_root
    if old_size & (old_size - 1) == 0:
        path.insert(0, old_root)
    at, last = old_size - 1, new_size - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    first = second = path.pop(0)
    for other in path:
        if last == 0:
            return False
        if at & 1 or at == last:
            first = hashlib.sha256(b"\x01" + other + first).digest()
            second = hashlib.sha256(b"\x01" + other + second).digest()
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            second = hashlib.sha256(b"\x01" + second + other).digest()
        at, last = at >> 1, last >> 1
    return last == 0 and (first, second) == (old_root, new_root)


class ReceiptsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.gateway = wire.Gateway()
        cls.addClassCleanup(cls.gateway.close)
        subjects = [wire.subject(wire.somebody(row)) for row in range(ROWS)]
        cls.transfer = cls.gateway.released(
            subjects, lambda accepted: [wire.candidate(
                wire.somebody(accepted.row), wages="42377", employer="Quarry Road Garage")])
        cls.ledgers = {member: ledger_service_pb2_grpc.LedgerServiceStub(cls.gateway.channel(member))
                       for member in ("requester-1", "source-1", "counsel-1", "custodian-1",
                                      "auditor-1")}

    def prove(self, member, index):
        """Proves entry `index` to `member` and returns its leaf hash."""
        stub = self.ledgers[member]
        proof = stub.GetInclusionProof(ledger.GetInclusionProofRequest(ledger_index=index),
                                       timeout=wire.SECONDS)
        key = stub.GetExchange(ledger.GetExchangeRequest(), timeout=wire.SECONDS).checkpoint_key
        text, signatures = proof.checkpoint.split("\n\n")
        origin, size, root = text.split("\n")[:3]
        self.assertEqual(origin, f"holdfast.dev/exchange/{self.gateway.exchange.hex()}")
        dash, name, signature = signatures.strip().split(" ")
        self.assertEqual((dash, name), ("\u2014", origin))
        signature = base64.b64decode(signature)
        self.assertEqual(signature[:4],
                         hashlib.sha256(name.encode() + b"\n\x01" + key).digest()[:4])
        signed = text.encode() + b"\n"
        self.assertEqual(sodium.crypto_sign_open(signature[4:] + signed, key), signed)
        self.assertEqual(proof.tree_size, int(size))
        self.assertLess(index, proof.tree_size)
        self.assertEqual(root_of(index, proof.tree_size, proof.leaf_hash, proof.path),
                         base64.b64decode(root))
        self.at_any_size(stub, index, proof.leaf_hash, int(size), base64.b64decode(root))
        return proof.leaf_hash

    def at_any_size(self, stub, index, leaf, size, root):
        """The entry is in every ledger that had it, and each of these is a beginning of this one."""
        for had in {index + 1, index + 2, (index + size) // 2 + 1, size - 1} - {size, size + 1}:
            if had <= index:
                continue
            proof = stub.GetInclusionProof(ledger.GetInclusionProofRequest(
                ledger_index=index, tree_size=had), timeout=wire.SECONDS)
            self.assertEqual((proof.tree_size, proof.leaf_hash), (had, leaf))
            old_root = root_of(index, had, leaf, proof.path)
            newest = stub.GetCheckpoint(ledger.GetCheckpointRequest(known_size=had),
                                        timeout=wire.SECONDS)
            new_size, new_root = newest.note.split("\n")[1:3]
            self.assertTrue(extends(had, old_root, int(new_size), base64.b64decode(new_root),
                                    newest.consistency), (had, new_size))
            self.assertFalse(extends(had, bytes(32), int(new_size), base64.b64decode(new_root),
                                     newest.consistency))

    def order(self, member, *arguments, want=0):
        out = self.gateway.cli("--profile", member, "--json", "--quiet", *arguments, "--yes",
                               want=want)
        return json.loads(out.strip().splitlines()[-1])

    def release(self, rows):
        """Asks for keys; returns the lease's and the batch's answers, or raises."""
        secret = sodium.randombytes(32)
        public = sodium.crypto_scalarmult_base(secret)
        opening, signature, digest = reader.sign_opening(
            self.gateway.seed("requester-1"), public, sodium.randombytes(16), self.gateway.exchange,
            reader.transfer_id(self.transfer), int(time.time() * 1000), 0, bytes(32), b"requester-1")
        requests = [keys.ReleaseKeysRequest(opening=keys.LeaseOpening(
            transfer=self.transfer, recipient_key=public, opening=opening, signature=signature)),
            keys.ReleaseKeysRequest(batch=keys.KeyBatch(
                rows=rows, chain=reader.chain(digest, 0, rows)))]
        answers = self.gateway.keys("requester-1").ReleaseKeys(iter(requests),
                                                               timeout=wire.SECONDS)
        return next(answers).lease, next(answers).batch

    def index_of(self, error):
        return int(wire.info_of(error).metadata["ledger_index"])

    def test_each_answer_has_its_entry_and_each_entry_its_proof(self):
        entries = {}
        chunk = next(iter(self.gateway.transfers("requester-1").CollectEnvelopes(
            transfers.CollectEnvelopesRequest(transfer=self.transfer), timeout=wire.SECONDS)))
        entries["envelopes"] = "requester-1", chunk.ledger_index
        lease, batch = self.release([0, 1, 2])
        entries["lease"] = "requester-1", lease.ledger_index
        for i in range(3):
            entries[f"key {i}"] = "requester-1", batch.first_ledger_index + i

        with self.assertRaises(grpc.RpcError) as caught:
            self.gateway.transfers("requester-1").FinishSubmission(
                transfers.FinishSubmissionRequest(transfer=self.transfer, rows=ROWS + 1),
                timeout=wire.SECONDS)
        entries["refused end"] = "requester-1", self.index_of(caught.exception)

        revoked = self.order("custodian-1", "disposal", "revoke", "--transfer", self.transfer,
                             "--rows", "7-7", "--reason", "a test's")
        entries["revocation"] = "custodian-1", revoked["ledger_index"]
        _, batch = self.release([3, 7])
        self.assertEqual(list(batch.refused_rows), [7])
        entries["key beside a refusal"] = "requester-1", batch.first_ledger_index
        entries["refused row"] = "requester-1", batch.refusal_ledger_index

        refused = self.order("custodian-1", "disposal", "approve",
                             str(revoked["ledger_index"]), want=10)
        self.assertEqual(refused["metadata"]["refusal"], "DISPOSAL_SAME_PERSON")
        entries["refused order"] = "custodian-1", int(refused["metadata"]["ledger_index"])

        (self.gateway.folder / "order.txt").write_text("It is ordered.\n", encoding="utf-8")
        placed = self.order("counsel-1", "hold", "place", "--id", "hold-1", "--matter",
                            "1:26-cv-00001", "--court", "D. Example", "--order-reference",
                            "ECF No. 12", "--document", "order.txt", "--everything")
        entries["hold"] = "counsel-1", placed["ledger_index"]
        with self.assertRaises(grpc.RpcError) as caught:
            self.release([0])
        info = wire.info_of(caught.exception)
        self.assertEqual((info.reason, info.metadata["matter"]), ("HELD", "1:26-cv-00001"))
        entries["refused lease"] = "requester-1", self.index_of(caught.exception)

        indices = [index for _, index in entries.values()]
        self.assertEqual(len(indices), len(set(indices)), entries)
        leaves = {what: self.prove(member, index) for what, (member, index) in entries.items()}
        self.assertEqual(leaves["hold"].hex(), placed["leaf_hash"])
        self.assertEqual(leaves["revocation"].hex(), revoked["leaf_hash"])
        # The same entry has the same leaf for everybody, also the source and the auditor.
        for member in ("source-1", "auditor-1"):
            for what, (_, index) in entries.items():
                self.assertEqual(self.prove(member, index), leaves[what], what)

    def read(self, member, first):
        """The facts of the entries from `first` on, by name, and the message of the last one."""
        found = []
        for bundle in self.ledgers[member].ReadEntries(ledger.ReadEntriesRequest(first=first),
                                                       timeout=wire.SECONDS):
            self.assertEqual(bundle.first, first + len(found))
            found += [entry_pb2.Entry.FromString(entry) for entry in bundle.entries]
        return found

    def test_a_reading_is_an_entry_and_causes_no_other_one(self):
        for member in ("requester-1", "source-1", "counsel-1", "custodian-1"):
            with self.assertRaises(grpc.RpcError) as caught:
                self.read(member, 0)
            self.assertEqual(wire.info_of(caught.exception).reason, "PERMISSION_DENIED")
        whole = self.read("auditor-1", 0)
        facts = [entry.WhichOneof("fact") for entry in whole]
        self.assertEqual(facts[-1], "ledger_read", "it is among those that are sent")
        self.assertEqual(whole[-1].ledger_read.member, "auditor-1")
        self.assertEqual(whole[-1].ledger_read.first, 0)
        self.assertEqual(facts.count("ledger_read"), 1)
        # Who follows the ledger makes it grow by nothing but time.
        size = len(whole)
        for first in (size - 1, size, size, size):
            new = [entry.WhichOneof("fact") for entry in self.read("auditor-1", first)]
            self.assertLessEqual(set(new[size - first:]), {"time_advanced"})
        # Whoever reads what was done is on the record again.
        again = [entry.WhichOneof("fact") for entry in self.read("auditor-1", 0)]
        self.assertEqual(again.count("ledger_read"), 2)
        with self.assertRaises(grpc.RpcError) as caught:
            self.read("auditor-1", 1 << 40)
        self.assertEqual(wire.info_of(caught.exception).reason, "LEDGER_INCONSISTENT")


if __name__ == "__main__":
    unittest.main(argv=["receipts_test"], verbosity=2)
