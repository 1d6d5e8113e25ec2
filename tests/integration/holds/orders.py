# SPDX-License-Identifier: Apache-2.0
"""Signs orders as docs/ledger-format.md says, with nothing of ours.

A Signer is one person: its orders name each other, so they are made and delivered one at a time.
"""
import base64
import datetime
import hashlib
import json
import secrets
import threading

from nacl import bindings as sodium

PAYLOAD_TYPE = "application/vnd.holdfast.order.v1+json"


def timestamp(seconds_from_now):
    now = datetime.datetime.now(datetime.timezone.utc)
    then = now + datetime.timedelta(seconds=seconds_from_now)
    return then.replace(microsecond=0).isoformat().replace("+00:00", "Z")


def dsse(payload, seed, payload_type=PAYLOAD_TYPE):
    """The envelope of `payload`, signed with the key of `seed`."""
    public, secret = sodium.crypto_sign_seed_keypair(seed)
    encoded = (f"DSSEv1 {len(payload_type)} {payload_type} {len(payload)} ".encode() + payload)
    signature = sodium.crypto_sign(encoded, secret)[:64]
    return json.dumps({
        "payloadType": payload_type, "payload": base64.b64encode(payload).decode(),
        "signatures": [{"keyid": "ed25519:" + hashlib.sha256(public).hexdigest(),
                        "sig": base64.b64encode(signature).decode()}]}).encode()


class Signer:
    def __init__(self, person, seed, exchange_id):
        self.person = person
        self.seed = seed
        self.exchange_id = exchange_id
        self.prev = ""
        self.lock = threading.Lock()

    def sign(self, act, body, head, **changed):
        """Returns the signed order, and what `prev` will be once it is accepted.

        `head`: size and root of a ledger that was seen. `changed` replaces what an order has to be.
        """
        order = {"exchangeId": self.exchange_id, "agreementVersion": 1,
                 "id": secrets.token_hex(16), "person": self.person, "issuedAt": timestamp(-1),
                 "voidAfter": timestamp(3600),
                 "head": {"root": head[1].hex()}}
        # What is zero is not written.
        if head[0]:
            order["head"]["size"] = str(head[0])
        if self.prev:
            order["prev"] = self.prev
        order[act] = body
        order.update(changed)
        payload = json.dumps(order).encode()
        return dsse(payload, self.seed), hashlib.sha256(payload).hexdigest()


def hold_body(hold, matter, kind, scope):
    """`kind` as in proto: FREEZE, PRESERVE or FREEZE_AND_PRESERVE."""
    return {"holdId": hold, "matter": matter, "court": "D. Example", "orderReference": "ECF No. 1",
            "documentSha256": hashlib.sha256(hold.encode()).hexdigest(), "kind": kind,
            "scope": scope}
