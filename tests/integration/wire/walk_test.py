#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Walks through every door: each method of the protoset, called by everybody.

Who may call what is restated here, by method: a second opinion on policy/permissions.cc and on the
permissions in proto/. A method without a row fails the test, and so does a row without a method.

Usage: walk_test.py HOLDFAST HOLDFASTD STUBS PROTOSET
"""
import sys
import unittest

import grpc
import wire_gateway as wire

PROTOSET = sys.argv[4]
ROLES = {"requester": "requester-1", "source": "source-1", "counsel": "counsel-1",
         "custodian": "custodian-1", "auditor": "auditor-1", "operator": "operator-1"}
PERSONS = "requester source counsel custodian"
ALL_BUT_OPERATOR = PERSONS + " auditor"
EVERYBODY = ALL_BUT_OPERATOR + " operator"
TABLE = {
    "Health/Check": EVERYBODY,
    "Health/Watch": EVERYBODY,
    "TransferService/CreateTransfer": "requester",
    "TransferService/SubmitSubjects": "requester",
    "TransferService/FinishSubmission": "requester",
    "TransferService/GetTransfer": PERSONS,
    "TransferService/ListTransfers": PERSONS,
    "TransferService/WatchTransfer": PERSONS,
    "TransferService/FetchSubjects": "source",
    "TransferService/DepositRecords": "source",
    "TransferService/CloseTransfer": "source",
    "TransferService/CollectEnvelopes": "requester",
    "KeyService/ReleaseKeys": "requester",
    "OrderService/SubmitOrder": PERSONS,
    "OrderService/GetOrderContext": PERSONS,
    "DrillService/RehearseOrder": PERSONS,
    "HoldService/PreviewHold": "counsel",
    "HoldService/GetHold": "counsel",
    "HoldService/ListHolds": "requester counsel custodian",
    "HoldService/WatchNotices": "requester counsel custodian",
    "DisposalService/PreviewDisposal": "counsel custodian",
    "DisposalService/ListConflicts": "counsel custodian",
    "DisposalService/ListDisposals": "counsel custodian",
    "ReviewService/ListReviewCases": "custodian",
    "ReviewService/ShowReviewCase": "custodian",
    "ReviewService/RerunVerdict": "custodian",
    "AccountService/ReadAccount": "custodian",
    "PersonService/IdentifyPerson": "counsel custodian",
    "LedgerService/GetExchange": EVERYBODY,
    "LedgerService/GetCheckpoint": ALL_BUT_OPERATOR,
    "LedgerService/GetInclusionProof": ALL_BUT_OPERATOR,
    "LedgerService/ReadEntries": "auditor",
}
# Certificates of this authority, and what is wrong with the names in them.
UNKNOWN = {
    "two_roles": ("spiffe://holdfast.example/requester/requester-1",
                  "spiffe://holdfast.example/custodian/custodian-1"),
    "twice_the_same": ("spiffe://holdfast.example/requester/requester-1",
                       "spiffe://holdfast.example/requester/requester-1"),
    "no_spiffe": ("https://holdfast.example/requester/requester-1",),
}
STRANGERS = {
    "other_role": ("spiffe://holdfast.example/custodian/requester-1",),
    "other_domain": ("spiffe://holdfast.test/requester/requester-1",),
    "longer_path": ("spiffe://holdfast.example/requester/requester-1/x",),
}


def make_certificate(gateway, ca, name, uris, days="1"):
    """Makes a client's certificate that `holdfast pki` would not."""
    names = ",".join(f"URI:{uri}" for uri in uris)
    folder = gateway.folder / "odd"
    folder.mkdir(exist_ok=True)
    wire.run("openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-subj", "/CN=odd", "-keyout", f"{name}.key", "-out", "request.pem",
             cwd=folder)
    (folder / "extensions").write_text(
        f"subjectAltName={names}\nextendedKeyUsage=clientAuth\nbasicConstraints=CA:false\n",
        encoding="utf-8")
    wire.run("openssl", "x509", "-req", "-in", "request.pem", "-CA", f"{gateway.folder}/{ca}/ca.pem",
             "-CAkey", f"{gateway.folder}/{ca}/ca.key", "-CAcreateserial", "-days", days,
             "-extfile", "extensions", "-out", f"{name}.pem", cwd=folder)


class WalkTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.gateway = wire.Gateway()
        cls.addClassCleanup(cls.gateway.close)
        cls.methods = wire.methods(PROTOSET)
        cls.transfer = cls.gateway.create().name

    def answer(self, channel, method, payload=b"", metadata=None):
        return wire.first_error(
            wire.call(channel, method.path, payload, timeout=30, metadata=metadata))

    def assert_refused(self, error, code, reason):
        self.assertIsNotNone(error)
        self.assertEqual(error.code(), code, error)
        self.assertEqual(wire.info_of(error).reason, reason)

    def test_every_method_has_a_row_and_every_row_a_method(self):
        self.assertEqual({method.name for method in self.methods}, set(TABLE))
        for method in self.methods:
            self.assertTrue(method.permission, method)
            self.assertGreater(method.max_bytes, 0, method)

    def test_each_role_may_call_what_the_table_says_and_nothing_else(self):
        for role, member in ROLES.items():
            channel = self.gateway.channel(member)
            for method in self.methods:
                with self.subTest(role=role, method=method.name):
                    error = self.answer(channel, method)
                    if role not in TABLE[method.name].split():
                        self.assert_refused(error, grpc.StatusCode.PERMISSION_DENIED,
                                            "PERMISSION_DENIED")
                    elif error is not None:
                        self.assertNotIn(wire.info_of(error).reason, (
                            "PERMISSION_DENIED", "IDENTITY_UNKNOWN", "METHOD_UNKNOWN", "INTERNAL"))

    def test_who_may_not_ask_does_not_learn_what_exists(self):
        name = wire.transfer_service_pb2.GetTransferRequest
        payloads = (b"", name(name=self.transfer).SerializeToString(),
                    name(name="transfers/" + "0" * 32).SerializeToString(), b"\xff\xff\xff",
                    bytes(1 << 20))
        for role, member in ROLES.items():
            channel = self.gateway.channel(member)
            for method in self.methods:
                if role in TABLE[method.name].split():
                    continue
                seen = set()
                for payload in payloads:
                    error = self.answer(channel, method, payload)
                    details = dict(error.trailing_metadata())["grpc-status-details-bin"]
                    seen.add((error.code(), error.details(), details))
                error = self.answer(channel, method, metadata=(("holdfast-exchange", "no-such"),))
                seen.add((error.code(), error.details(),
                          dict(error.trailing_metadata())["grpc-status-details-bin"]))
                self.assertEqual(len(seen), 1, (role, method.name, seen))
                self.assertEqual(seen.pop()[0], grpc.StatusCode.PERMISSION_DENIED)

    def test_another_requesters_transfer_looks_like_none(self):
        channel = self.gateway.channel("requester-2")
        for method in self.methods:
            fields = method.input.DESCRIPTOR.fields_by_name
            field = "transfer" if "transfer" in fields else "name"
            if "requester" not in TABLE[method.name].split() or field not in fields:
                continue
            seen = set()
            for transfer in (self.transfer, "transfers/" + "0" * 32):
                message = method.input(**{field: transfer})
                if "subjects" in fields:
                    message.subjects.add()
                error = self.answer(channel, method, message.SerializeToString())
                self.assert_refused(error, grpc.StatusCode.NOT_FOUND, "TRANSFER_NOT_FOUND")
                seen.add((error.details(),
                          dict(error.trailing_metadata())["grpc-status-details-bin"]))
            self.assertEqual(len(seen), 1, method.name)

    def test_strangers_may_call_nothing(self):
        for name, uris in STRANGERS.items():
            make_certificate(self.gateway, "pki", name, uris)
        for folder, name in [("pki", "stranger")] + [("odd", name) for name in STRANGERS]:
            channel = self.gateway.channel(name, folder)
            for method in self.methods:
                with self.subTest(name=name, method=method.name):
                    self.assert_refused(self.answer(channel, method),
                                        grpc.StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED")

    def test_a_certificate_that_names_nobody_or_two_is_nobody(self):
        for name, uris in UNKNOWN.items():
            make_certificate(self.gateway, "pki", name, uris)
            channel = self.gateway.channel(name, "odd")
            for method in self.methods:
                with self.subTest(name=name, method=method.name):
                    self.assert_refused(self.answer(channel, method),
                                        grpc.StatusCode.UNAUTHENTICATED, "IDENTITY_UNKNOWN")

    def test_without_a_certificate_of_ours_there_is_no_connection(self):
        self.gateway.cli("pki", "init", "--domain", "holdfast.example", "--out", "foreign")
        own = ("spiffe://holdfast.example/requester/requester-1",)
        make_certificate(self.gateway, "foreign", "foreign", own)
        make_certificate(self.gateway, "pki", "expired", own, days="-1")
        for folder, name in (("pki", None), ("odd", "foreign"), ("odd", "expired")):
            channel = self.gateway.channel(name, folder)
            for method in self.methods:
                with self.subTest(name=name, method=method.name):
                    self.assertEqual(self.answer(channel, method).code(),
                                     grpc.StatusCode.UNAVAILABLE)

    def test_there_is_no_reflection_and_no_other_way_in(self):
        paths = ["/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
                 "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
                 "/grpc.channelz.v1.Channelz/GetTopChannels",
                 "/holdfast.v1.TransferService/", "/holdfast.v1.TransferService/getTransfer",
                 "/holdfast.v1.transferservice/GetTransfer", "/holdfast.v1.AdminService/Stop",
                 "//holdfast.v1.TransferService/GetTransfer", "/x", "/"]
        for member in ROLES.values():
            channel = self.gateway.channel(member)
            for path in paths:
                with self.subTest(member=member, path=path):
                    error = wire.first_error(wire.call(channel, path, b"", timeout=30))
                    self.assert_refused(error, grpc.StatusCode.UNIMPLEMENTED, "METHOD_UNKNOWN")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
