#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Reads tests/vectors with reader.py and a key tree in a few lines: a second implementation."""
import base64
import json
import pathlib
import struct
import unittest

import nacl.bindings as sodium
import nacl.pwhash

import reader

VECTORS = pathlib.Path(__file__).resolve().parent.parent / "vectors"


def load(name):
    return json.loads((VECTORS / name).read_text(encoding="utf-8"))


def unhex(vector, *fields):
    return [bytes.fromhex(vector[field]) for field in fields]


def chacha20_block(key):
    """One block under `key`, with nonce 0 and counter 0 (RFC 8439, section 2.3)."""
    start = list(struct.unpack("<4I", b"expand 32-byte k") + struct.unpack("<8I", key)) + [0] * 4
    x = list(start)

    def quarter(a, b, c, d):
        for add_to, add, turn, by in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            x[add_to] = (x[add_to] + x[add]) & 0xFFFFFFFF
            x[turn] ^= x[add_to]
            x[turn] = (x[turn] << by | x[turn] >> (32 - by)) & 0xFFFFFFFF

    for _ in range(10):
        for i in range(4):
            quarter(i, 4 + i, 8 + i, 12 + i)
        for i in range(4):
            quarter(i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4)
    return struct.pack("<16I", *((a + b) & 0xFFFFFFFF for a, b in zip(x, start)))


def derive(seed, place, leaf_place):
    """Returns the seed at `leaf_place`, from the one of `place` above it or at it."""
    for shift in range(leaf_place.bit_length() - place.bit_length() - 1, -1, -1):
        right = leaf_place >> shift & 1
        seed = chacha20_block(seed)[32 * right:32 * right + 32]
    return seed


def parse_image(image):
    version, depth, count = struct.unpack_from(">BBI", image)
    assert version == 1
    places = struct.unpack_from(f">{count}I", image, 6)
    seeds = image[6 + 4 * count:]
    assert len(seeds) == 32 * count
    return depth, {place: seeds[32 * i:32 * i + 32] for i, place in enumerate(places)}


class ReaderTest(unittest.TestCase):
    def test_opens_or_refuses_every_envelope(self):
        for vector in load("envelope_v1.json")["envelopes"]:
            with self.subTest(vector["name"]):
                arguments = unhex(vector, "envelope", "record_key", "exchange", "transfer")
                arguments += [vector["row"]] + unhex(vector, "binding", "agreement")
                if vector["payload"] is None:
                    with self.assertRaises(reader.Rejected):
                        reader.open_envelope(*arguments)
                else:
                    self.assertEqual(reader.open_envelope(*arguments).hex(), vector["payload"])

    def test_computes_the_binding(self):
        vector = load("envelope_v1.json")["binding"]
        nonce, attestation = unhex(vector, "nonce", "attestation")
        parts = [vector[name].encode() for name in
                 ("recipient", "officer", "case", "purpose", "authority")]
        self.assertEqual(reader.binding(nonce, *parts, attestation).hex(), vector["result"])

    def test_derives_the_record_key(self):
        vector = load("envelope_v1.json")["record_key"]
        seed, segment = unhex(vector, "leaf_seed", "segment")
        self.assertEqual(reader.record_key(seed, segment, vector["leaf"]).hex(), vector["result"])

    def test_opens_every_subject(self):
        for vector in load("envelope_v1.json")["subjects"]:
            seed, exchange, transfer, segment, sealed = unhex(
                vector, "leaf_seed", "exchange", "transfer", "segment", "sealed")
            position = struct.pack(">II", vector["leaf"], vector["row"])
            self.assertEqual(sealed[:30], b"HFS1\x01\x01" + segment + position)
            key = reader.blake2b(32, b"holdfast/1/subject", segment, position[:4], key=seed)
            padded = reader.open_aead(sealed[54:], exchange + transfer + sealed[:54], sealed[30:54],
                                      key)
            self.assertEqual(reader.unpad(padded).hex(), vector["payload"])


class KeyTreeTest(unittest.TestCase):
    def test_derives_every_leaf_that_is_left(self):
        for vector in load("key_tree_v1.json")["trees"]:
            depth, nodes = parse_image(bytes.fromhex(vector["image"]))
            self.assertEqual(depth, vector["depth"])
            self.assertEqual(list(nodes), vector["positions"])
            for leaf in vector["leaves"]:
                place = (1 << depth) + leaf["leaf"]
                above = [place >> up for up in range(depth + 1) if place >> up in nodes]
                if leaf["leaf"] in vector["destroyed"]:
                    self.assertEqual(above, [])
                    self.assertIsNone(leaf["seed"])
                    continue
                (node,) = above
                self.assertEqual(derive(nodes[node], node, place).hex(), leaf["seed"])
                root = bytes.fromhex(vector["root"])
                self.assertEqual(derive(root, 1, place).hex(), leaf["seed"])

    def test_opens_the_segment_page(self):
        vector = load("pages_v1.json")["segment_page"]
        exchange, segment, key, page = unhex(vector, "exchange", "segment", "page_key", "page")
        self.assertEqual(self.open_segment(exchange, segment, vector["kind"], key, page),
                         vector["image"])

    def test_opens_the_top_page_and_what_it_names(self):
        vector = load("pages_v1.json")["top_page"]
        exchange, root_key, root, page = unhex(vector, "exchange", "root_key", "ledger_root", "page")
        header = struct.pack(">4sBBQQ32s", b"HFT1", 1, 1, vector["epoch"], vector["ledger_size"], root)
        self.assertEqual(page[:54], header)
        image = reader.open_aead(page[78:], b"holdfast/1/top-page" + exchange + page[:78],
                                 page[54:78], root_key)
        version, segments = struct.unpack_from(">BH", image)
        self.assertEqual((version, segments), (1, len(vector["segments"])))
        keys = {}
        for i in range(segments):
            segment, kind, key = struct.unpack_from(">16sB32s", image, 3 + 49 * i)
            keys[segment.hex(), kind] = key
        for each in vector["segments"]:
            segment, sealed = unhex(each, "segment", "page")
            key = keys[each["segment"], each["kind"]]
            self.assertEqual(self.open_segment(exchange, segment, each["kind"], key, sealed),
                             each["image"])
        self.assertEqual(image[3 + 49 * segments:],
                         b"\x01\x09pseudonym\x00\x20" + bytes.fromhex(vector["secrets"]["pseudonym"]))

    def test_computes_the_pseudonym(self):
        vector = load("pages_v1.json")["pseudonym"]
        key, identity = unhex(vector, "key", "identity")
        self.assertEqual(reader.blake2b(16, b"holdfast/1/pseudonym", identity, key=key).hex(),
                         vector["result"])

    @staticmethod
    def open_segment(exchange, segment, kind, key, page):
        assert page[:6] == b"HFP1\x01\x01"
        associated = b"holdfast/1/segment-page" + exchange + segment + bytes([kind]) + page[:30]
        return reader.open_aead(page[30:], associated, page[6:30], key).hex()


class LeaseTest(unittest.TestCase):
    def setUp(self):
        self.vector = load("lease_v1.json")
        opening = self.vector["opening"]
        self.secret, self.digest = unhex(opening, "recipient_secret", "digest")
        self.header, self.sealed = unhex(self.vector["grant"], "header", "sealed_lease_key")

    def test_signs_the_opening(self):
        opening = self.vector["opening"]
        seed, key, nonce, exchange, transfer, root = unhex(
            opening, "signing_seed", "recipient_key", "nonce", "exchange", "transfer", "ledger_root")
        self.assertEqual(sodium.crypto_scalarmult_base(self.secret), key)
        made = reader.sign_opening(seed, key, nonce, exchange, transfer, opening["opened_at"],
                                   opening["ledger_size"], root, opening["member"].encode())
        self.assertEqual([part.hex() for part in made],
                         [opening["bytes"], opening["signature"], opening["digest"]])

    def test_unwraps_every_key(self):
        lease = reader.Lease(self.header, self.sealed, self.secret, self.digest)
        for key in self.vector["keys"]:
            (sealed,) = unhex(key, "sealed")
            found = lease.unwrap(sealed, key["row"], key["ledger_index"])
            self.assertEqual(found.hex(), key["record_key"])
            with self.assertRaises(reader.Rejected):
                lease.unwrap(sealed, key["row"], key["ledger_index"] + 1)
            with self.assertRaises(reader.Rejected):
                lease.unwrap(sealed, key["row"] ^ 1, key["ledger_index"])

    def test_refuses_a_grant_with_any_byte_changed(self):
        for i in range(len(self.header)):
            changed = bytearray(self.header)
            changed[i] ^= 1
            with self.assertRaises(reader.Rejected):
                reader.Lease(bytes(changed), self.sealed, self.secret, self.digest)
        for i in range(len(self.sealed)):
            changed = bytearray(self.sealed)
            changed[i] ^= 1
            with self.assertRaises(reader.Rejected):
                reader.Lease(self.header, bytes(changed), self.secret, self.digest)

    def test_chains_the_batches(self):
        head = self.digest
        for i, batch in enumerate(self.vector["batches"]):
            head = reader.chain(head, i, batch["rows"])
            self.assertEqual(head.hex(), batch["chain"])


class KeyFileTest(unittest.TestCase):
    def test_key_files_open_with_what_the_document_says(self):
        file = load("key_file_v1.json")
        for kind in ("protected", "unprotected"):
            text = file[kind]
            title, *lines, end, rest = text.split("\n")
            self.assertEqual((title, end, rest), ("holdfast signing key 1", "end", ""))
            values = dict(line.split(" ", 1) for line in lines)
            seed = base64.b64decode(values["seed"], validate=True)
            if values["protection"] != "none":
                head = text[:text.index("seed ")].encode()
                key = nacl.pwhash.argon2id.kdf(
                    32, file["passphrase"].encode(), base64.b64decode(values["salt"]),
                    int(values["passes"]), int(values["memory"]))
                seed = sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(
                    seed, head, base64.b64decode(values["nonce"]), key)
            public, secret = sodium.crypto_sign_seed_keypair(seed)
            self.assertEqual(public.hex(), file["public_key"])
            self.assertEqual(base64.b64decode(values["public"]), public)
            signed = sodium.crypto_sign(file["message"].encode(), secret)
            self.assertEqual(signed[:64].hex(), file["signature"])


if __name__ == "__main__":
    unittest.main()
