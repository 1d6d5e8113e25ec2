#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""More than the gateway can take: it says so, keeps little, lets holds pass, and recovers by itself.

Slow readers and idle streams are in hostile_test.py; ten thousand idle streams in gateway_bench.

Usage: overload_test.py HOLDFAST HOLDFASTD STUBS
"""
import hashlib
import os
import pathlib
import random
import socket
import ssl
import struct
import sys
import threading
import time
import unittest

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "holds"))

import grpc
import wire_gateway as wire

import orders  # noqa: E402
import reader  # noqa: E402
from google.rpc import error_details_pb2, status_pb2  # noqa: E402
from holdfast.v1 import hold_service_pb2 as holds  # noqa: E402

RECORDS = 200  # As many as an officer may have open; their envelopes are one large message.
SEALED_KEY = 48
ASKED = 16  # Of these at a time: a record can be open under 255 leases, and a flood leaves many.
STREAMS = 16  # Of 32 messages each, where the writer's queue takes QUEUE commands.
QUEUE = 16
OPEN_RECORDS = 10_000_000  # Each stream of the flood leaves a lease: no brake is to end it.
IN_FLIGHT = 16 << 20
GROWTH = 160 << 20  # Sanitizers keep aside what was freed.
HOLD_SECONDS = 3
UNREAD = 80  # Streams that each have such a message in flight: more than IN_FLIGHT.
SLOW_WRITERS = 48
END_STREAM = 1  # A flag of HTTP/2's DATA.
DECLARED = 1 << 20  # The length of a message that a slow writer announces,
SENT = 48 << 10     # and what it sends of it.

keys = wire.key_service_pb2


def retry_delay(error):
    """Returns the seconds that an error asks to wait, or None."""
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            for detail in status_pb2.Status.FromString(value).details:
                retry = error_details_pb2.RetryInfo()
                if detail.Unpack(retry):
                    return retry.retry_delay.ToTimedelta().total_seconds()
    return None


class Flood:
    """Requesters who ask for keys without waiting for the answers, again and again."""

    def __init__(self, gateway, transfer):
        self.gateway = gateway
        self.transfer = transfer
        self.lock = threading.Lock()
        self.answered = []  # Ledger indices of released keys.
        self.errors = []
        self.over = threading.Event()
        self.threads = [threading.Thread(target=self._run) for _ in range(STREAMS)]
        for thread in self.threads:
            thread.start()

    def stop(self):
        self.over.set()
        for thread in self.threads:
            thread.join()

    def count(self, reason):
        with self.lock:
            return sum(wire.info_of(error).reason == reason for error in self.errors)

    def _run(self):
        stub = self.gateway.keys("requester-1")
        while not self.over.is_set():
            try:
                for answer in stub.ReleaseKeys(asking(self.gateway, self.transfer),
                                               timeout=wire.SECONDS):
                    if answer.batch.sealed_keys:
                        with self.lock:
                            keys_given = len(answer.batch.sealed_keys) // SEALED_KEY
                            self.answered.append(answer.batch.first_ledger_index + keys_given - 1)
            except grpc.RpcError as error:
                with self.lock:
                    self.errors.append(error)


def open_lease(gateway, transfer):
    public = reader.sodium.crypto_scalarmult_base(os.urandom(32))
    opening, signature, digest = reader.sign_opening(
        gateway.seed("requester-1"), public, os.urandom(16), gateway.exchange,
        reader.transfer_id(transfer), int(time.time() * 1000), 0, bytes(32), b"requester-1")
    return keys.LeaseOpening(transfer=transfer, recipient_key=public, opening=opening,
                             signature=signature), digest


def asking(gateway, transfer):
    """The messages of a stream that asks for keys as often as the gateway reads ahead."""
    opening, chain = open_lease(gateway, transfer)
    yield keys.ReleaseKeysRequest(opening=opening)
    rows = random.sample(range(RECORDS), ASKED)
    for number in range(32):
        chain = reader.chain(chain, number, rows)
        yield keys.ReleaseKeysRequest(batch=keys.KeyBatch(rows=rows, chain=chain))


def everything_held(gateway):
    """A signed order that freezes everything."""
    counsel = orders.Signer("counsel-1", gateway.seed("counsel-1"), gateway.exchange.hex())
    order, _ = counsel.sign("placeHold", orders.hold_body(
        "hold-1", "1:26-cv-00001", "FREEZE", {"everything": True}),
        (0, hashlib.sha256(b"").digest()))
    return holds.SubmitOrderRequest(order_dsse=order)


def slow_write(gateway, member):
    """A stream on a connection of its own, with the beginning of a message on it."""
    return raw_stream(gateway, member, "SubmitSubjects",
                      b"\0" + struct.pack(">I", DECLARED) + bytes(SENT))


def unread(gateway, member, transfer):
    """A collection on a connection of its own, of which nobody reads and makes no room for more."""
    request = wire.transfer_service_pb2.CollectEnvelopesRequest(
        transfer=transfer).SerializeToString()
    return raw_stream(gateway, member, "CollectEnvelopes",
                      b"\0" + struct.pack(">I", len(request)) + request, END_STREAM)


def raw_stream(gateway, member, method, message, last_flags=0):
    """Frames of HTTP/2 on a connection of its own; no window is ever made larger."""
    context = ssl.create_default_context(cafile=str(gateway.folder / "pki/ca.pem"))
    context.load_cert_chain(gateway.folder / f"pki/{member}.pem",
                            gateway.folder / f"pki/{member}.key")
    context.set_alpn_protocols(["h2"])
    connection = context.wrap_socket(
        socket.create_connection(("127.0.0.1", gateway.port), timeout=wire.SECONDS),
        server_hostname="localhost")

    def frame(kind, flags, stream, content):
        return (struct.pack(">I", len(content))[1:] + bytes((kind, flags))
                + struct.pack(">I", stream) + content)

    def field(name, value):  # A literal that is not indexed.
        return b"\0" + bytes((len(name),)) + name.encode() + bytes((len(value),)) + value.encode()

    headers = b"".join(field(*each) for each in (
        (":method", "POST"), (":scheme", "https"), (":authority", "localhost"),
        (":path", f"/holdfast.v1.TransferService/{method}"),
        ("content-type", "application/grpc"), ("te", "trailers")))
    connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0, b"")
                       + frame(1, 4, 1, headers)
                       + b"".join(frame(0, last_flags if at + 16384 >= len(message) else 0, 1,
                                        message[at:at + 16384])
                                  for at in range(0, len(message), 16384)))
    return connection


class OverloadTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.gateway = gateway = wire.Gateway(open_records=OPEN_RECORDS, limits=f"""limits {{
  queue_commands: {QUEUE} calls_per_peer: 64 bytes_in_flight: {IN_FLIGHT} }}""")
        cls.addClassCleanup(gateway.close)
        people = [wire.somebody(i) for i in range(RECORDS)]
        cls.transfer = gateway.released([wire.subject(person) for person in people],
                                        lambda found: [wire.candidate(people[found.row])])
        cls.resident = gateway.resident_bytes()

    def tearDown(self):
        self.assertTrue(self.gateway.is_serving())
        self.assertLess(self.gateway.resident_bytes(), self.resident + GROWTH)
        self.assertEqual(self.gateway.errors(), [])

    def wait_for(self, true):
        deadline = time.monotonic() + wire.SECONDS
        while not true():
            self.assertLess(time.monotonic(), deadline)
            self.assertLess(self.gateway.resident_bytes(), self.resident + GROWTH)
            time.sleep(0.02)

    def release_one(self):
        """Releases a key at once, as if nothing had been."""
        opening, digest = open_lease(self.gateway, self.transfer)
        answers = list(self.gateway.keys("requester-1").ReleaseKeys(iter((
            keys.ReleaseKeysRequest(opening=opening),
            keys.ReleaseKeysRequest(batch=keys.KeyBatch(
                rows=[0], chain=reader.chain(digest, 0, [0]))))), timeout=wire.SECONDS))
        self.assertEqual(len(answers[1].batch.sealed_keys), SEALED_KEY)

    def test_1_more_than_it_can_take_is_shed_and_then_it_serves_again(self):
        flood = Flood(self.gateway, self.transfer)
        try:
            self.wait_for(lambda: flood.count("OVERLOADED") >= 30 and len(flood.answered) >= 30)
        finally:
            flood.stop()
        for error in flood.errors:
            self.assertEqual(wire.info_of(error).reason, "OVERLOADED", error)
            self.assertEqual(error.code(), grpc.StatusCode.RESOURCE_EXHAUSTED)
            self.assertGreater(retry_delay(error), 0)
        self.release_one()

    def test_2_slow_writers_keep_nobody_out(self):
        writers = [slow_write(self.gateway, "requester-1") for _ in range(SLOW_WRITERS)]
        try:
            for _ in range(5):
                self.release_one()
            # What they announced is not set aside for them, and what they sent is little.
            self.assertLess(self.gateway.resident_bytes(), self.resident + GROWTH)
        finally:
            for writer in writers:
                writer.close()
        self.release_one()

    def test_3_a_hold_passes_everybody_who_waits(self):
        order = everything_held(self.gateway)
        service = wire.hold_service_pb2_grpc.OrderServiceStub(self.gateway.channel("counsel-1"))
        flood = Flood(self.gateway, self.transfer)
        try:
            self.wait_for(lambda: flood.count("OVERLOADED") >= 30 and len(flood.answered) >= 30)
            start = time.monotonic()
            answer = service.SubmitOrder(order, timeout=wire.SECONDS)
            seconds = time.monotonic() - start
            with flood.lock:
                refused = len(flood.errors)
            self.wait_for(lambda: len(flood.errors) >= refused + 30)
        finally:
            flood.stop()
        self.assertTrue(answer.anchored)
        self.assertLess(seconds, HOLD_SECONDS)
        self.assertLess(max(flood.answered), answer.receipt.ledger_index)
        reasons = {wire.info_of(error).reason for error in flood.errors}
        self.assertLessEqual(reasons, {"OVERLOADED", "HELD"})
        self.assertIn("HELD", reasons)


class FullMemoryTest(unittest.TestCase):
    """All that the daemon may have in flight is taken, by answers that nobody reads."""

    def test_a_hold_is_placed_with_memory_at_its_bound(self):
        gateway = wire.Gateway(
            limits=f"limits {{ bytes_in_flight: {IN_FLIGHT} calls_per_peer: {2 * UNREAD} }}")
        self.addCleanup(gateway.close)
        people = [wire.somebody(i) for i in range(RECORDS)]
        transfer = gateway.released([wire.subject(person) for person in people],
                                    lambda found: [wire.candidate(people[found.row])])
        ordinary = gateway.keys("requester-1")
        for _ in range(UNREAD):
            self.addCleanup(unread(gateway, "requester-1", transfer).close)

        def refused():
            """Why a key is not released now; None if it is."""
            opening, digest = open_lease(gateway, transfer)
            try:
                list(ordinary.ReleaseKeys(iter((
                    keys.ReleaseKeysRequest(opening=opening),
                    keys.ReleaseKeysRequest(batch=keys.KeyBatch(
                        rows=[0], chain=reader.chain(digest, 0, [0]))))), timeout=wire.SECONDS))
                return None
            except grpc.RpcError as error:
                return wire.info_of(error).reason

        deadline = time.monotonic() + wire.SECONDS
        while [refused() for _ in range(5)] != 5 * ["OVERLOADED"]:
            self.assertLess(time.monotonic(), deadline)
        service = wire.hold_service_pb2_grpc.OrderServiceStub(gateway.channel("counsel-1"))
        order = everything_held(gateway)
        self.assertEqual(refused(), "OVERLOADED")
        start = time.monotonic()
        answer = service.SubmitOrder(order, timeout=wire.SECONDS)
        self.assertLess(time.monotonic() - start, HOLD_SECONDS)
        self.assertTrue(answer.anchored)
        # What nobody read was cut off before the answer, and gives its room back.
        while refused() != "HELD":
            self.assertLess(time.monotonic(), deadline)
        self.assertTrue(gateway.is_serving())
        self.assertEqual(gateway.errors(), [])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
