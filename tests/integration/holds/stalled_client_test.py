#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A client that stops reading: a hold is answered all the same, and nothing it covers passes after.

A proxy stands between the requester and the daemon. It ends TLS on both sides, so that it can tell the
daemon of a larger window than the client has; it counts each byte that the daemon sends, and it can stop
reading them. What is compared is what had reached the other end of the connection when the hold was answered
with all that ever came: what was still in the gateway's machine by then, the kernel's buffers included,
must not come.

Usage: stalled_client_test.py HOLDFAST HOLDFASTD STUBS
"""
import fcntl
import hashlib
import pathlib
import socket
import ssl
import struct
import sys
import tempfile
import termios
import threading
import time
import unittest

HERE = pathlib.Path(__file__).resolve()
sys.path[:0] = [str(HERE.parents[1] / "journey"), sys.argv[3], str(HERE.parents[1])]

import grpc  # noqa: E402
import gateway  # noqa: E402
import orders  # noqa: E402
import reader  # noqa: E402
from holdfast.ledger.v1 import entry_pb2  # noqa: E402
from holdfast.v1 import hold_service_pb2 as holds, hold_service_pb2_grpc  # noqa: E402
from holdfast.v1 import key_service_pb2 as keys, key_service_pb2_grpc  # noqa: E402
from holdfast.v1 import ledger_service_pb2 as ledger, ledger_service_pb2_grpc  # noqa: E402
from holdfast.v1 import transfer_service_pb2 as transfers, transfer_service_pb2_grpc  # noqa: E402
from nacl import bindings as sodium  # noqa: E402

RECORDS = 700
BATCHES = 140
# Of what ends a stream or a connection: a few frames without content, each in a TLS record.
FAREWELL_BYTES = 4096
DATA, SETTINGS, WINDOW_UPDATE = 0, 4, 8
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


class Frames:
    """Cuts a direction of a connection into frames."""

    def __init__(self, skip=0):
        self._data = b""
        self._skip = skip

    def feed(self, data):
        """Yields (type, stream, whole frame)."""
        self._data += data
        if self._skip and len(self._data) >= self._skip:
            yield None, None, self._data[:self._skip]
            self._data, self._skip = self._data[self._skip:], 0
        while not self._skip and len(self._data) >= 9:
            length = int.from_bytes(self._data[:3], "big")
            if len(self._data) < 9 + length:
                return
            frame, self._data = self._data[:9 + length], self._data[9 + length:]
            yield frame[3], int.from_bytes(frame[5:9], "big") & 0x7FFFFFFF, frame


class Proxy:
    """One connection. `open_windows`: the daemon is told that the client takes gigabytes at a time."""

    def __init__(self, world, member, open_windows):
        self.raw_bytes = 0  # That the daemon sent, and that have been read here.
        self.open_windows = open_windows
        self._reads = threading.Event()
        self._reads.set()
        pki = world.path("pki")
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.load_cert_chain(pki / "server.pem", pki / "server.key")
        server.set_alpn_protocols(["h2"])
        client = ssl.create_default_context(cafile=str(pki / "ca.pem"))
        client.load_cert_chain(pki / f"{member}.pem", pki / f"{member}.key")
        client.set_alpn_protocols(["h2"])
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._up = socket.socket()
        self._up.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self._up.connect(("127.0.0.1", world.port))
        self._ends = (world.port, self._up.getsockname()[1])
        # TLS over buffers of our own, so that each byte that the kernel hands over is counted.
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = client.wrap_bio(self._in, self._out, server_hostname="localhost")
        self._lock = threading.Lock()
        self._down = None
        while True:
            try:
                self._tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                self._send_up()
                self._in.write(self._up.recv(4096))
        self._send_up()
        self._server = server
        threading.Thread(target=self._serve, daemon=True).start()

    def _send_up(self):
        data = self._out.read()
        if data:
            self._up.sendall(data)

    def _serve(self):
        accepted, _ = self._listener.accept()
        self._down = self._server.wrap_socket(accepted, server_side=True)
        threading.Thread(target=self._to_client, daemon=True).start()
        frames = Frames(skip=len(PREFACE))
        try:
            while True:
                data = self._down.recv(65536)
                if not data:
                    return
                for kind, stream, frame in frames.feed(data):
                    self._write_up(self._widened(kind, stream, frame))
        except OSError:
            pass

    def _widened(self, kind, stream, frame):
        if not self.open_windows or kind != SETTINGS or frame[4] & 1:
            return frame
        content = frame[9:] + struct.pack(">HI", 4, 0x7FFFFFFF)
        update = struct.pack(">I", 4)[1:] + bytes((WINDOW_UPDATE, 0)) + bytes(4) + struct.pack(
            ">I", 0x3FFFFFFF)
        return (struct.pack(">I", len(content))[1:] + bytes((SETTINGS, 0)) + bytes(4) + content
                + update)

    def _write_up(self, data):
        with self._lock:
            self._tls.write(data)
            self._send_up()

    def _to_client(self):
        frames = Frames()
        try:
            while True:
                self._reads.wait()
                raw = self._up.recv(4096)
                if not raw:
                    return
                self.raw_bytes += len(raw)
                plain = b""
                with self._lock:
                    self._in.write(raw)
                    try:
                        while True:
                            plain += self._tls.read(65536)
                    except ssl.SSLWantReadError:
                        pass
                    self._send_up()
                for kind, stream, frame in frames.feed(plain):
                    # With open windows more is on the way than the client would take: it gets none.
                    if not self.open_windows or kind != DATA:
                        self._down.sendall(frame)
        except (OSError, ssl.SSLError):
            pass

    def pause(self):
        self._reads.clear()

    def arrived(self):
        """All bytes that have come from the daemon's machine so far, read here or not yet."""
        while True:
            read = self.raw_bytes
            waits = struct.unpack("i", fcntl.ioctl(self._up, termios.FIONREAD, bytes(4)))[0]
            if read == self.raw_bytes:
                return read + waits

    def resume(self):
        self._reads.set()

    def in_the_kernel(self):
        """Bytes that the daemon has given to its kernel and that have not been read here."""
        daemon, ours = self._ends
        total = 0
        # The daemon's end of a connection over IPv4 may be a socket of IPv6.
        lines = [line for table in ("/proc/net/tcp", "/proc/net/tcp6")
                 for line in pathlib.Path(table).read_text(encoding="ascii").splitlines()[1:]]
        for line in lines:
            _, local, remote, _, queues = line.split()[:5]
            ports = (int(local.split(":")[1], 16), int(remote.split(":")[1], 16))
            sent, received = (int(part, 16) for part in queues.split(":"))
            if ports == (daemon, ours):
                total += sent
            elif ports == (ours, daemon):
                total += received
        return total

    def close(self):
        for one in (self._up, self._listener, self._down):
            if one is not None:
                one.close()


class StalledClientTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.world = gateway.Gateway.create(folder.name, records=RECORDS, cooling="1s")
        cls.addClassCleanup(cls.world.kill)
        cls.world.start()
        cls.transfer, _ = cls.world.submit()
        cls.world.let_go(cls.transfer)
        cls.world.cli("custodian-1", "transfer", "approve", cls.transfer, "--yes")
        cls.world.serve(cls.transfer)
        with cls.channel("requester-1", cls.world.port) as channel:
            cls.envelopes = reader.collect(channel, cls.transfer)
        cls.rows = sorted(cls.envelopes)
        cls.exchange = bytes.fromhex(cls.world.exchange_id)
        cls.counsel = orders.Signer("counsel-1", cls.world.signing_seed("counsel-1"),
                                    cls.world.exchange_id)
        cls.counsel_2 = orders.Signer("counsel-2", cls.world.signing_seed("counsel-2"),
                                      cls.world.exchange_id)
        cls.head = (0, hashlib.sha256(b"").digest())
        cls.count = 0

    @classmethod
    def channel(cls, member, port):
        return grpc.secure_channel(
            f"127.0.0.1:{port}", cls.world.credentials(member),
            options=[("grpc.use_local_subchannel_pool", 1),
                     ("grpc.ssl_target_name_override", "localhost")])

    def submit(self, channel, signer, act, body):
        order, prev = signer.sign(act, body, self.head)
        answer = hold_service_pb2_grpc.OrderServiceStub(channel).SubmitOrder(
            holds.SubmitOrderRequest(order_dsse=order), timeout=gateway.SECONDS)
        signer.prev = prev
        return answer

    def place(self):
        """Freezes everything; returns the answer, and how many seconds it took."""
        type(self).count += 1
        with self.channel("counsel-1", self.world.port) as channel:
            grpc.channel_ready_future(channel).result(gateway.SECONDS)
            begun = time.monotonic()
            placed = self.submit(channel, self.counsel, "placeHold", orders.hold_body(
                f"hold-{self.count}", "1:26-cv-1", "FREEZE", {"everything": True}))
            return placed, time.monotonic() - begun

    def lift(self, placed):
        hold = {"holdId": f"hold-{self.count}", "placedIndex": str(placed.receipt.ledger_index)}
        with self.channel("counsel-1", self.world.port) as channel:
            proposed = self.submit(channel, self.counsel, "proposeLift", {
                **hold, "reason": "vacated"})
            self.submit(channel, self.counsel_2, "confirmLift", {
                **hold, "proposalIndex": str(proposed.receipt.ledger_index)})
            stub = hold_service_pb2_grpc.HoldServiceStub(channel)
            self.world.wait_until("the hold is lifted", lambda: not stub.ListHolds(
                holds.ListHoldsRequest(), timeout=gateway.SECONDS).holds)

    def release(self, channel):
        """Asks for everything, many times over; returns the call and the lease's secrets."""
        secret = sodium.randombytes(32)
        public = sodium.crypto_scalarmult_base(secret)
        opening, signature, digest = reader.sign_opening(
            self.world.signing_seed("requester-1"), public, sodium.randombytes(16), self.exchange,
            reader.transfer_id(self.transfer), int(time.time() * 1000), 0, bytes(32), b"requester-1")

        def requests():
            yield keys.ReleaseKeysRequest(opening=keys.LeaseOpening(
                transfer=self.transfer, recipient_key=public, opening=opening,
                signature=signature))
            head = digest
            for i in range(BATCHES):
                head = reader.chain(head, i, self.rows)
                yield keys.ReleaseKeysRequest(batch=keys.KeyBatch(rows=self.rows, chain=head))

        call = key_service_pb2_grpc.KeyServiceStub(channel).ReleaseKeys(
            requests(), timeout=4 * gateway.SECONDS)
        return call, secret, digest

    def collect(self, channel):
        return [transfer_service_pb2_grpc.TransferServiceStub(channel).CollectEnvelopes(
            transfers.CollectEnvelopesRequest(transfer=self.transfer), timeout=4 * gateway.SECONDS)
            for _ in range(32)]

    def wait_for_stall(self, measure, least):
        """Until what is measured has reached `least`, and then stayed the same for a while."""
        last, since, end = 0, time.monotonic(), time.monotonic() + gateway.SECONDS
        while last < least or time.monotonic() - since < 0.7:
            now = measure()
            if now != last:
                last, since = now, time.monotonic()
            self.assertLess(time.monotonic(), end)
            time.sleep(0.02)

    def expect_no_more(self, proxy, arrived):
        """`arrived` bytes had come when the hold was answered; more must not."""
        last, since = proxy.raw_bytes, time.monotonic()
        while time.monotonic() - since < 2:
            if proxy.raw_bytes != last:
                last, since = proxy.raw_bytes, time.monotonic()
            time.sleep(0.02)
        print(f"{arrived} bytes had come when the hold was answered, {last} came", flush=True)
        self.assertLessEqual(last, arrived + FAREWELL_BYTES)

    def releases_in_ledger(self):
        """Position of the newest release or collection."""
        newest, index = 0, 0
        with self.channel("auditor-1", self.world.port) as channel:
            for bundle in ledger_service_pb2_grpc.LedgerServiceStub(channel).ReadEntries(
                    ledger.ReadEntriesRequest(), timeout=3 * gateway.SECONDS):
                for entry in bundle.entries:
                    kind = entry_pb2.Entry.FromString(entry).WhichOneof("fact")
                    if kind in ("key_released", "envelopes_collected"):
                        newest = index
                    index += 1
        return newest

    def test_a_client_that_does_not_read_its_answers(self):
        for _ in range(3):  # On a machine with other work some seconds may be that work's.
            proxy = Proxy(self.world, "requester-1", open_windows=False)
            self.addCleanup(proxy.close)
            with self.channel("requester-1", proxy.port) as channel:
                call, secret, digest = self.release(channel)
                granted = next(call).lease
                lease = reader.Lease(granted.header, granted.sealed_lease_key, secret, digest)
                self.wait_for_stall(lambda p=proxy: p.raw_bytes, 10_000)
                placed, seconds = self.place()
                arrived = proxy.arrived()
                with self.assertRaises(grpc.RpcError) as refused:
                    for answer in call:
                        for i, row in enumerate(self.rows):
                            index = answer.batch.first_ledger_index + i
                            lease.unwrap(answer.batch.sealed_keys[48 * i:48 * i + 48], row, index)
                            self.assertLess(index, placed.receipt.ledger_index)
                self.assertIn(refused.exception.code(), (grpc.StatusCode.CANCELLED,
                                                         grpc.StatusCode.FAILED_PRECONDITION))
                self.expect_no_more(proxy, arrived)
                self.assertEqual([one.records for one in placed.open_leases][-1:], [len(self.rows)])
            self.assertLess(self.releases_in_ledger(), placed.receipt.ledger_index)
            self.lift(placed)
            if seconds < 3:
                return
        self.fail(f"a hold was answered after {seconds:.2f} s, three times")

    def stall_the_network(self, ask):
        """The kernel's buffers are full, so the daemon itself holds what it wanted to send."""
        for _ in range(3):  # On a machine with other work some seconds may be that work's.
            proxy = Proxy(self.world, "requester-1", open_windows=True)
            self.addCleanup(proxy.close)
            with self.channel("requester-1", proxy.port) as channel:
                grpc.channel_ready_future(channel).result(gateway.SECONDS)
                proxy.pause()
                calls = ask(channel)
                self.wait_for_stall(proxy.in_the_kernel, 4000)
                kept = proxy.in_the_kernel()
                placed, seconds = self.place()
                waited = proxy.in_the_kernel()
                arrived = proxy.arrived()
                proxy.resume()
                print(f"{kept} bytes were in the kernel before the hold, {waited} after", flush=True)
                self.expect_no_more(proxy, arrived)
                del calls
            self.lift(placed)
            self.assertLess(self.releases_in_ledger(), placed.receipt.ledger_index)
            if seconds < 3:
                return
        self.fail(f"a hold was answered after {seconds:.2f} s, three times")

    def test_a_network_that_takes_no_more_keys(self):
        self.stall_the_network(self.release)

    def test_a_network_that_takes_no_more_envelopes(self):
        self.stall_the_network(self.collect)


if __name__ == "__main__":
    gateway.main()
