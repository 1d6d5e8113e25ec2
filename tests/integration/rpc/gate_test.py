#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The request gate, seen by gRPC for Python: another implementation of the client, the same wire.

Usage: gate_test.py DOOR_SERVER STUBS
"""
import subprocess
import sys
import tempfile
import unittest

DOOR_SERVER, STUBS = sys.argv[1:3]
sys.path.insert(0, STUBS)

import grpc  # noqa: E402

# The health service's package has the same first name as gRPC's own module.
grpc.__path__.append(f"{STUBS}/grpc")

from google.rpc import error_details_pb2, status_pb2  # noqa: E402
from grpc.health.v1 import health_pb2, health_pb2_grpc  # noqa: E402
import toy_pb2  # noqa: E402
import toy_pb2_grpc  # noqa: E402

SECONDS = 20


def read(path):
    with open(path, "rb") as file:
        return file.read()


def details_of(error):
    """Returns the messages in grpc-status-details-bin by their type's name."""
    for key, value in error.trailing_metadata():
        if key == "grpc-status-details-bin":
            status = status_pb2.Status.FromString(value)
            assert status.code == error.code().value[0]
            return {any_.TypeName(): any_ for any_ in status.details}
    return {}


def info_of(error):
    info = error_details_pb2.ErrorInfo()
    assert details_of(error)["google.rpc.ErrorInfo"].Unpack(info)
    assert info.domain == "holdfast.dev"
    return info


class GateTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.server = subprocess.Popen(
            [DOOR_SERVER, cls.folder.name], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL)
        cls.port = int(cls.server.stdout.readline())

    @classmethod
    def tearDownClass(cls):
        cls.server.stdin.close()
        cls.server.stdout.close()
        assert cls.server.wait(SECONDS) == 0
        cls.folder.cleanup()

    def connect(self, name="alice"):
        ca = read(f"{self.folder.name}/ca.pem")
        if name is None:
            credentials = grpc.ssl_channel_credentials(ca)
        else:
            credentials = grpc.ssl_channel_credentials(
                ca, read(f"{self.folder.name}/{name}.key.pem"),
                read(f"{self.folder.name}/{name}.cert.pem"))
        channel = grpc.secure_channel(
            f"ipv4:127.0.0.1:{self.port}", credentials,
            options=[("grpc.use_local_subchannel_pool", 1)])
        self.addCleanup(channel.close)
        return channel

    def refused(self, call, *args, **kwargs):
        with self.assertRaises(grpc.RpcError) as caught:
            call(*args, **kwargs)
        return caught.exception

    def test_health_is_served(self):
        stub = health_pb2_grpc.HealthStub(self.connect())
        for service in ("", "holdfast.test.ToyService"):
            response = stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=SECONDS)
            self.assertEqual(response.status, health_pb2.HealthCheckResponse.SERVING)
        watch = stub.Watch(health_pb2.HealthCheckRequest(), timeout=SECONDS)
        self.assertEqual(next(watch).status, health_pb2.HealthCheckResponse.SERVING)
        watch.cancel()

    def test_every_shape_of_call_works(self):
        stub = toy_pb2_grpc.ToyServiceStub(self.connect())
        self.assertEqual(stub.Echo(toy_pb2.ToyRequest(text="hello"), timeout=SECONDS).text, "hello")
        numbers = [m.number for m in stub.Count(toy_pb2.ToyRequest(count=100), timeout=SECONDS)]
        self.assertEqual(numbers, list(range(100)))
        requests = (toy_pb2.ToyRequest(text=str(i)) for i in range(1000))
        answers = [m.text for m in stub.Chat(requests, timeout=SECONDS)]
        self.assertEqual(answers, [str(i) for i in range(1000)])

    def test_an_error_says_why_to_programs(self):
        stub = toy_pb2_grpc.ToyServiceStub(self.connect())
        error = self.refused(stub.Echo, toy_pb2.ToyRequest(text="held"), timeout=SECONDS)
        self.assertEqual(error.code(), grpc.StatusCode.FAILED_PRECONDITION)
        info = info_of(error)
        self.assertEqual(info.reason, "HELD")
        self.assertEqual(dict(info.metadata), {"matter": "m-1"})
        self.assertNotIn("google.rpc.RetryInfo", details_of(error))

    def test_limits_are_refused_in_our_words(self):
        stub = toy_pb2_grpc.ToyServiceStub(self.connect())
        error = self.refused(stub.Echo, toy_pb2.ToyRequest(padding=bytes(2000)), timeout=SECONDS)
        self.assertEqual(info_of(error).reason, "REQUEST_TOO_LARGE")
        self.assertEqual(info_of(error).metadata["max_bytes"], "1024")
        error = self.refused(stub.Echo, toy_pb2.ToyRequest())
        self.assertEqual(info_of(error).reason, "DEADLINE_TOO_LONG")

    def test_strangers_are_refused(self):
        for name, reason in (("stranger", "PERMISSION_DENIED"), ("two_roles", "IDENTITY_UNKNOWN")):
            channel = self.connect(name)
            error = self.refused(toy_pb2_grpc.ToyServiceStub(channel).Echo, toy_pb2.ToyRequest(),
                                 timeout=SECONDS)
            self.assertEqual(info_of(error).reason, reason)
            error = self.refused(health_pb2_grpc.HealthStub(channel).Check,
                                 health_pb2.HealthCheckRequest(), timeout=SECONDS)
            self.assertEqual(info_of(error).reason, reason)
        error = self.refused(toy_pb2_grpc.ToyServiceStub(self.connect(None)).Echo,
                             toy_pb2.ToyRequest(), timeout=SECONDS)
        self.assertEqual(error.code(), grpc.StatusCode.UNAVAILABLE)

    def test_there_is_no_reflection_and_no_other_way_in(self):
        channel = self.connect()
        for method in ("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
                       "/holdfast.test.BareService/Bare"):
            call = channel.unary_unary(method)
            error = self.refused(call, b"", timeout=SECONDS)
            self.assertEqual(error.code(), grpc.StatusCode.UNIMPLEMENTED)
            self.assertEqual(info_of(error).reason, "METHOD_UNKNOWN")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
