#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Opens envelopes and leases with nothing of ours but docs/envelope-format.md.

A requester may read its records with this instead of our library; read_transfer() fetches them from a
gateway, with what protoc makes of proto/. Everything that does not open is a Rejected; it does not
say why.
"""
import hashlib
import hmac
import struct
import time

import nacl.bindings as sodium
import nacl.exceptions

HEADER = struct.Struct(">4sBB32s16s16sIIqq32s32s32s")
OPENING = struct.Struct(">4sBB32s16s32s16sqQ32sB")
LEASE_HEADER = struct.Struct(">4sBB32s16s32sIQq")


class Rejected(Exception):
    """Did not open. Deliberately does not say why."""


def blake2b(size, *parts, key=b""):
    return hashlib.blake2b(b"".join(parts), digest_size=size, key=key).digest()


def open_aead(sealed, associated, nonce, key):
    try:
        return sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(sealed, associated, nonce, key)
    except (nacl.exceptions.CryptoError, ValueError) as error:
        raise Rejected from error


def record_key(leaf_seed, segment, leaf):
    return blake2b(32, b"holdfast/1/record", segment, struct.pack(">I", leaf), key=leaf_seed)


def binding(nonce, *parts):
    """Parts: recipient, officer, case, purpose, authority, attestation digest; all bytes."""
    return blake2b(32, nonce, *(struct.pack(">I", len(part)) + part for part in parts))


def unpad(padded):
    (length,) = struct.unpack_from(">I", padded)
    if length > len(padded) - 4 or any(padded[4 + length:]):
        raise Rejected
    return padded[4:4 + length]


def open_envelope(envelope, key, exchange, transfer, row, bound_to=None, agreement=None):
    """Returns the payload of an envelope that was sealed under `key`, and is the one expected."""
    if len(envelope) < HEADER.size + 32 + 4 + 16:
        raise Rejected
    head, commitment, sealed = (envelope[:HEADER.size], envelope[HEADER.size:HEADER.size + 32],
                                envelope[HEADER.size + 32:])
    (magic, version, suite, found_exchange, found_transfer, _segment, _leaf, found_row, _not_before,
     _not_after, found_agreement, found_binding, _salt) = HEADER.unpack(head)
    if (magic, version, suite) != (b"HFE1", 1, 1):
        raise Rejected
    if (found_exchange, found_transfer, found_row) != (exchange, transfer, row):
        raise Rejected
    if bound_to not in (None, found_binding) or agreement not in (None, found_agreement):
        raise Rejected
    # Before anything is decrypted: the seal alone would open under more than one key.
    if not hmac.compare_digest(commitment, blake2b(32, b"holdfast/1/commit", head, key=key)):
        raise Rejected
    seal = blake2b(64, b"holdfast/1/seal", head, key=key)
    return unpad(open_aead(sealed, head + commitment, seal[32:56], seal[:32]))


def sign_opening(signing_seed, recipient_key, nonce, exchange, transfer, opened_at_ms, ledger_size,
                 ledger_root, member):
    """Returns the bytes of a lease's opening, their signature, and the digest that names both."""
    opening = OPENING.pack(b"HFO1", 1, 1, exchange, transfer, recipient_key, nonce, opened_at_ms,
                           ledger_size, ledger_root, len(member)) + member
    _, secret = sodium.crypto_sign_seed_keypair(signing_seed)
    signature = sodium.crypto_sign(b"holdfast/1/lease-opening" + opening, secret)[:64]
    return opening, signature, blake2b(32, b"holdfast/1/lease-signed-opening", signature, opening)


def chain(head, batches_before, rows):
    """Returns the hash that chains a batch of rows to the ones before it, and to the opening."""
    return blake2b(32, b"holdfast/1/lease-batch", head,
                   struct.pack(f">Q{len(rows)}I", batches_before, *rows))


class Lease:
    """What a gateway granted to the opening with that digest."""

    def __init__(self, header, sealed_lease_key, recipient_secret, opening_digest):
        if len(header) != LEASE_HEADER.size:
            raise Rejected
        (magic, version, suite, self.exchange, self.transfer, opening, self.number,
         self.ledger_index, self.not_after_ms) = LEASE_HEADER.unpack(header)
        if (magic, version, suite, opening) != (b"HFL1", 1, 1, opening_digest):
            raise Rejected
        self._digest = blake2b(32, b"holdfast/1/lease-header", header)
        public = sodium.crypto_scalarmult_base(recipient_secret)
        try:
            boxed = sodium.crypto_box_seal_open(sealed_lease_key, public, recipient_secret)
        except (nacl.exceptions.CryptoError, nacl.exceptions.TypeError, ValueError) as error:
            raise Rejected from error
        if len(boxed) != 64 or not hmac.compare_digest(boxed[32:], self._digest):
            raise Rejected
        self._key = boxed[:32]

    def unwrap(self, sealed, row, ledger_index):
        """Returns the record key that the ledger's entry `ledger_index` released for `row`."""
        nonce = struct.pack(">QI12x", ledger_index, row)
        associated = b"holdfast/1/lease-record" + self._digest + struct.pack(">IQ", row, ledger_index)
        return open_aead(sealed, associated, nonce, self._key)


def collect(channel, transfer):
    """Returns the envelopes of a closed transfer by row."""
    from holdfast.v1 import transfer_service_pb2 as transfers, transfer_service_pb2_grpc as stubs
    envelopes = {}
    for chunk in stubs.TransferServiceStub(channel).CollectEnvelopes(
            transfers.CollectEnvelopesRequest(transfer=transfer), timeout=600):
        for i, row in enumerate(chunk.rows):
            start = i * chunk.envelope_bytes
            envelopes[row] = chunk.envelopes[start:start + chunk.envelope_bytes]
    return envelopes


def release(channel, exchange, transfer, member, signing_seed, rows, batch=1024):
    """Yields each row, and its record key or None where the gateway refused it."""
    from holdfast.v1 import key_service_pb2 as keys, key_service_pb2_grpc as stubs
    secret = sodium.randombytes(32)
    public = sodium.crypto_scalarmult_base(secret)
    opening, signature, digest = sign_opening(
        signing_seed, public, sodium.randombytes(16), exchange, transfer_id(transfer),
        int(time.time() * 1000), 0, bytes(32), member.encode())
    requests = [keys.ReleaseKeysRequest(opening=keys.LeaseOpening(
        transfer=transfer, recipient_key=public, opening=opening, signature=signature))]
    batches, head = [rows[i:i + batch] for i in range(0, len(rows), batch)], digest
    for i, asked in enumerate(batches):
        head = chain(head, i, asked)
        requests.append(keys.ReleaseKeysRequest(batch=keys.KeyBatch(rows=asked, chain=head)))

    answers = stubs.KeyServiceStub(channel).ReleaseKeys(iter(requests), timeout=600)
    granted = next(answers).lease
    lease = Lease(granted.header, granted.sealed_lease_key, secret, digest)
    for asked, answer in zip(batches, answers):
        sealed, index = answer.batch.sealed_keys, answer.batch.first_ledger_index
        for row in asked:
            if row in answer.batch.refused_rows:
                yield row, None
                continue
            yield row, lease.unwrap(sealed[:48], row, index)
            sealed, index = sealed[48:], index + 1


def read_transfer(channel, exchange, transfer, member, signing_seed, bindings, batch=1024):
    """Yields row and payload of every record of a closed transfer. `bindings`: by row."""
    envelopes = collect(channel, transfer)
    for row, key in release(channel, exchange, transfer, member, signing_seed, list(envelopes),
                            batch):
        if key is not None:
            yield row, open_envelope(envelopes[row], key, exchange, transfer_id(transfer), row,
                                     bindings[row])


def transfer_id(transfer):
    return bytes.fromhex(transfer.removeprefix("transfers/"))
