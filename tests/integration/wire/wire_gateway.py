# SPDX-License-Identifier: Apache-2.0
"""A gateway of a test's own, and everybody who may call it, seen by gRPC for Python.

The first arguments of every test here: HOLDFAST HOLDFASTD STUBS.
"""
import base64
import csv
import hashlib
import os
import pathlib
import random
import struct
import subprocess
import sys
import tempfile
import time

HOLDFAST, HOLDFASTD, STUBS = sys.argv[1:4]
sys.path[:0] = [STUBS, str(pathlib.Path(__file__).resolve().parent.parent)]

import grpc  # noqa: E402

# The health service's package has the same first name as gRPC's own module.
grpc.__path__.append(f"{STUBS}/grpc")

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory  # noqa: E402
from google.rpc import error_details_pb2, status_pb2  # noqa: E402
from grpc.health.v1 import health_pb2, health_pb2_grpc  # noqa: E402
from holdfast.options.v1 import options_pb2  # noqa: E402
from holdfast.v1 import account_service_pb2_grpc  # noqa: E402,F401
from holdfast.v1 import disposal_service_pb2_grpc, drill_service_pb2_grpc  # noqa: E402,F401
from holdfast.v1 import hold_service_pb2_grpc  # noqa: E402
from holdfast.v1 import key_service_pb2, key_service_pb2_grpc  # noqa: E402
from holdfast.v1 import ledger_service_pb2, ledger_service_pb2_grpc  # noqa: E402
from holdfast.v1 import person_service_pb2_grpc  # noqa: E402,F401
from holdfast.v1 import review_service_pb2_grpc  # noqa: E402
from holdfast.v1 import transfer_service_pb2, transfer_service_pb2_grpc  # noqa: E402
from nacl import bindings as sodium  # noqa: E402

SECONDS = 60
MEMBERS = ("requester/requester-1", "requester/requester-2", "source/source-1",
           "counsel/counsel-1", "counsel/counsel-2", "custodian/custodian-1",
           "custodian/custodian-2", "auditor/auditor-1", "operator/operator-1")
SIGNERS = ("requester-1", "requester-2", "source-1", "counsel-1", "counsel-2", "counsel-3",
           "custodian-1", "custodian-2", "principal-source", "principal-requester")


def read(path):
    with open(path, "rb") as file:
        return file.read()


def run(*command, cwd=None, env=None, want=0):
    result = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False,
                            timeout=2 * SECONDS)
    if result.returncode != want:
        raise AssertionError(f"{command}: exit status {result.returncode}\n{result.stderr}")
    return result.stdout


class Method:
    """One method of the protoset."""

    def __init__(self, service, method):
        self.name = f"{service.name}/{method.name}"
        self.path = f"/{service.full_name}/{method.name}"
        self.input = message_factory.MessageFactory().GetPrototype(method.input_type)
        options = method.GetOptions()
        self.permission = options.Extensions[options_pb2.permission]
        self.max_bytes = options.Extensions[options_pb2.max_request_bytes]
        proto = descriptor_pb2.MethodDescriptorProto()
        method.CopyToProto(proto)
        self.client_streaming, self.server_streaming = proto.client_streaming, proto.server_streaming

    def __repr__(self):
        return self.name


def methods(protoset):
    """Returns every method of every service in a descriptor set."""
    files = descriptor_pb2.FileDescriptorSet.FromString(read(protoset)).file
    pool = descriptor_pool.Default()
    found = [Method(pool.FindServiceByName(f"{file.package}.{service.name}"),
                    pool.FindMethodByName(f"{file.package}.{service.name}.{method.name}"))
             for file in files for service in file.service for method in service.method]
    assert len(found) > 20
    return found


def call(channel, path, *payloads, timeout=SECONDS, metadata=None):
    """Sends raw messages, whatever the method's shape; returns a call that yields raw answers."""
    return channel.stream_stream(path)(iter(payloads), timeout=timeout, metadata=metadata)


def first_error(answers):
    """Returns the error with which a call ends, or None as soon as it is clear that it serves."""
    try:
        for _ in answers:
            answers.cancel()
            return None
        return None
    except grpc.RpcError as error:
        return error


def info_of(error):
    """Returns the ErrorInfo that every error of the gateway's carries."""
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            status = status_pb2.Status.FromString(value)
            assert status.code == error.code().value[0], error
            assert status.message == error.details(), error
            for detail in status.details:
                info = error_details_pb2.ErrorInfo()
                if detail.Unpack(info):
                    assert info.domain == "holdfast.dev", info
                    assert info.reason, info
                    return info
    raise AssertionError(f"no ErrorInfo: {error.code()} {error.details()!r}")


def merkle_root(hashes):
    """RFC 6962 over leaves that are hashed here."""
    def root(leaves):
        if len(leaves) == 1:
            return leaves[0]
        split = 1 << (len(leaves) - 1).bit_length() - 1
        return hashlib.sha256(b"\x01" + root(leaves[:split]) + root(leaves[split:])).digest()
    return root([hashlib.sha256(b"\x00" + each).digest() for each in hashes])


class Gateway:
    """Certificates, keys, an agreement, and a daemon. `edit` may change the agreement's text."""

    def __init__(self, limits="", people=40, terms="", open_records=10000, edit=None):
        self._folder = tempfile.TemporaryDirectory(prefix="holdfast-wire-")
        self.folder = pathlib.Path(self._folder.name)
        self.daemon = None
        self._channels = []
        self.environment = dict(os.environ, HOLDFAST_HOME=str(self.folder / "home"),
                                TMPDIR=str(self.folder / "tmp"))
        # The daemon's memory is measured: freed memory is not to be kept for long.
        self.environment["ASAN_OPTIONS"] = (
            self.environment.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=16")
        (self.folder / "tmp").mkdir()
        self.cli("sample", "--records", str(people), "--seed", "7", "--out", "sample")
        self.cli("pki", "init", "--domain", "holdfast.example", "--out", "pki")
        for member in MEMBERS + ("requester/stranger",):
            role, member = member.split("/")
            self.cli("pki", "issue", "--ca", "pki", "--role", role, "--id", member)
        for signer in SIGNERS:
            self.cli("identity", "create", "--out", f"keys/{signer}", "--comment", signer,
                     "--no-passphrase", "--quiet")
        self._sign_agreement(terms, open_records, edit)
        self._configure(limits)
        self.start()

    def cli(self, *arguments, want=0):
        return run(HOLDFAST, *arguments, cwd=self.folder, env=self.environment, want=want)

    def _sign_agreement(self, terms, open_records, edit):
        self.cli("agreement", "init", "--without-witnesses", "--out", "agreement.txt", "--keys",
                 "keys", "--places", "sample/places.csv", "--delegation",
                 "sample/delegation.txt", "--safeguard",
                 "sample/safeguard.txt", "--cooling-period", "5s", "--destruction-window", "2s")
        text = (self.folder / "agreement.txt").read_text(encoding="utf-8")
        assert text.count("terms {") == 1, text
        text = text.replace("terms {", f"terms {{ {terms}")
        assert text.count("open_records: 10000 ") == 1, text
        text = text.replace("open_records: 10000 ", f"open_records: {open_records} ")
        key = (self.folder / "keys/requester-2.pub").read_text(encoding="utf-8").split()[1]
        text += (f'members {{ id: "requester-2" display_name: "Another" role: ROLE_REQUESTER '
                 f'side: REQUESTER keys {{ public_key: "{key}" }} }}\n')
        text = edit(text) if edit else text
        (self.folder / "agreement.txt").write_text(text, encoding="utf-8")
        for side in ("source", "requester"):
            self.cli("agreement", "sign", "agreement.txt", "--key", f"keys/principal-{side}",
                     "--out", "agreement.dsse")
        self.agreement = text.encode()
        self.exchange = hashlib.sha256(self.agreement).digest()

    def _configure(self, limits):
        for name in ("state", "keyslot"):
            (self.folder / name).mkdir(mode=0o700)
        (self.folder / "holdfastd.conf").write_text(f"""
listen {{
  address: "127.0.0.1:0"
  key_path: "{self.folder}/pki/server.key"
  certificate_path: "{self.folder}/pki/server.pem"
  client_ca_path: "{self.folder}/pki/ca.pem"
  port_file: "{self.folder}/port"
}}
exchanges {{
  name: "address-requests"
  agreement_path: "{self.folder}/agreement.dsse"
  exchange_id: "{self.exchange.hex()}"
  state_directory: "{self.folder}/state"
  keyslot_directory: "{self.folder}/keyslot"
  keyslot_allow_any_file_system: true
}}
{limits}
""", encoding="utf-8")

    def start(self):
        port_file = self.folder / "port"
        port_file.unlink(missing_ok=True)
        with open(self.folder / "daemon.log", "ab") as log:
            self.daemon = subprocess.Popen([HOLDFASTD, "--config", f"{self.folder}/holdfastd.conf"],
                                           stdout=log, stderr=log, env=self.environment)
        deadline = time.monotonic() + SECONDS
        while not port_file.exists():
            assert self.daemon.poll() is None, self.log()
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.02)
        self.port = int(port_file.read_text(encoding="utf-8"))
        (self.folder / "home/profiles").mkdir(parents=True, exist_ok=True)
        for member in MEMBERS:
            member = member.split("/")[1]
            text = (f"server = 127.0.0.1:{self.port}\nexchange_id = {self.exchange.hex()}\n"
                    f"agreement = ../../agreement.dsse\nmember = {member}\n"
                    f"certificate = ../../pki/{member}.pem\nkey = ../../pki/{member}.key\n"
                    f"ca = ../../pki/ca.pem\n")
            if member in SIGNERS:
                text += f"signing_key = ../../keys/{member}\n"
            (self.folder / "home/profiles" / member).write_text(text, encoding="utf-8")

    def log(self):
        return (self.folder / "daemon.log").read_text(encoding="utf-8", errors="replace")[-4000:]

    def errors(self):
        """Returns the lines of the log that are worse than a refusal."""
        with open(self.folder / "daemon.log", encoding="utf-8", errors="replace") as log:
            return [line for line in log if '"level":"error"' in line or not line.startswith("{")]

    def kill(self):
        """Ends the daemon as a loss of power would, but for the disk."""
        for channel in self._channels:
            channel.close()
        self._channels.clear()
        self.daemon.kill()
        self.daemon.wait(SECONDS)

    def stop(self):
        """Ends the daemon as an operator would; it has to end well."""
        for channel in self._channels:
            channel.close()
        self._channels.clear()
        self.daemon.terminate()
        assert self.daemon.wait(SECONDS) == 0, self.log()

    def close(self):
        try:
            if self.daemon.poll() is None:
                self.stop()
            assert self.daemon.returncode == 0, self.log()
        finally:
            self._folder.cleanup()

    def channel(self, name, folder="pki"):
        """Connects with the certificate `folder`/`name`.pem, or with none."""
        ca = read(self.folder / "pki/ca.pem")
        if name is None:
            credentials = grpc.ssl_channel_credentials(ca)
        else:
            credentials = grpc.ssl_channel_credentials(
                ca, read(self.folder / folder / f"{name}.key"),
                read(self.folder / folder / f"{name}.pem"))
        channel = grpc.secure_channel(
            f"127.0.0.1:{self.port}", credentials,
            options=[("grpc.use_local_subchannel_pool", 1),
                     ("grpc.ssl_target_name_override", "localhost"),
                     ("grpc.max_receive_message_length", 64 << 20)])
        self._channels.append(channel)
        return channel

    def transfers(self, name):
        return transfer_service_pb2_grpc.TransferServiceStub(self.channel(name))

    def keys(self, name):
        return key_service_pb2_grpc.KeyServiceStub(self.channel(name))

    def seed(self, signer):
        """Returns the seed of a signing key that was made without a passphrase."""
        for line in (self.folder / "keys" / signer).read_text(encoding="utf-8").splitlines():
            if line.startswith("seed "):
                return base64.b64decode(line[5:], validate=True)
        raise AssertionError("no seed")

    def sign(self, signer, message):
        _, secret = sodium.crypto_sign_seed_keypair(self.seed(signer))
        return sodium.crypto_sign(message, secret)[:64]

    def is_serving(self):
        stub = health_pb2_grpc.HealthStub(self.channel("operator-1"))
        answer = stub.Check(health_pb2.HealthCheckRequest(), timeout=SECONDS)
        return (self.daemon.poll() is None
                and answer.status == health_pb2.HealthCheckResponse.SERVING)

    def resident_bytes(self):
        for line in read(f"/proc/{self.daemon.pid}/status").splitlines():
            if line.startswith(b"VmRSS:"):
                return int(line.split()[1]) << 10
        raise AssertionError("no VmRSS")

    # ---- the way of a record

    def create(self, member="requester-1", officers=("officer-1",), **terms):
        defaults = {"authority": "26-usc-6103-i-2",
                    "purpose": "Preparation of a criminal proceeding under another statute",
                    "requesting_official": "deputy-director-1",
                    "attestation_digest": bytes(range(32))}
        request = transfer_service_pb2.CreateTransferRequest(
            request_id=random.randbytes(16),
            terms=transfer_service_pb2.TransferTerms(
                officers=officers, **dict(defaults, **terms)))
        request.terms.periods.add(first_year=2022, last_year=2023)
        return self.transfers(member).CreateTransfer(request, timeout=SECONDS)

    def submit(self, transfer, subjects, member="requester-1"):
        """Submits and finishes; returns the verdicts by row."""
        stub = self.transfers(member)
        messages = [transfer_service_pb2.SubmitSubjectsRequest(
            transfer=transfer, chunk=i // 256, subjects=subjects[i:i + 256])
            for i in range(0, len(subjects), 256)]
        verdicts = b"".join(answer.verdicts for answer in
                            stub.SubmitSubjects(iter(messages), timeout=SECONDS))
        stub.FinishSubmission(transfer_service_pb2.FinishSubmissionRequest(
            transfer=transfer, rows=len(subjects)), timeout=SECONDS)
        return verdicts

    def approve(self, transfer):
        request = transfer_service_pb2.GetTransferRequest(name=transfer)
        if self.transfers("custodian-1").GetTransfer(request, timeout=SECONDS).stops:
            # A few subjects, of whom one is refused on purpose, are a large share.
            self.cli("--profile", "custodian-1", "transfer", "let-go-on", transfer, "--reason",
                     "a test's", "--yes", "--quiet")
        self.cli("--profile", "custodian-1", "transfer", "approve", transfer, "--yes", "--quiet")

    def fetch(self, transfer):
        request = transfer_service_pb2.FetchSubjectsRequest(transfer=transfer)
        return list(self.transfers("source-1").FetchSubjects(request, timeout=SECONDS))

    def deposit(self, transfer, find):
        """Deposits find(accepted subject), a list of candidates; returns the answers."""
        messages = [transfer_service_pb2.DepositRecordsRequest(
            transfer=transfer, chunk=chunk.chunk,
            findings=[transfer_service_pb2.Findings(row=subject.row, candidates=find(subject))
                      for subject in chunk.subjects])
            for chunk in self.fetch(transfer) if chunk.subjects]
        return list(self.transfers("source-1").DepositRecords(iter(messages), timeout=SECONDS))

    def refuse_cases(self, transfer):
        """Has a custodian refuse every case of the transfer that waits."""
        self.cli("--profile", "custodian-1", "review", "refuse", transfer, "--all", "--reason",
                 "not the same person", "--yes", "--quiet")

    def settle(self, transfer, find, answers):
        """Has what is doubtful refused, and returns the answers as they then are."""
        if not sum(answer.waiting for answer in answers):
            return answers
        self.refuse_cases(transfer)
        return self.deposit(transfer, find)

    def close_request(self, transfer, answers):
        digests = b"".join(answer.envelope_digests for answer in answers)
        root = merkle_root([digests[i:i + 32] for i in range(0, len(digests), 32)])
        count = len(digests) // 32
        statement = (b"holdfast/1/close\0" + self.exchange
                     + bytes.fromhex(transfer.split("/")[1]) + struct.pack(">I", count) + root)
        return transfer_service_pb2.CloseTransferRequest(
            transfer=transfer, envelopes=count, envelopes_root=root,
            signature=self.sign("source-1", statement))

    def finish(self, transfer, answers):
        self.transfers("source-1").CloseTransfer(self.close_request(transfer, answers),
                                                 timeout=SECONDS)

    def released(self, subjects, find, member="requester-1", **terms):
        """Returns the name of a closed transfer."""
        transfer = self.create(member, **terms).name
        self.submit(transfer, subjects, member)
        self.approve(transfer)
        self.finish(transfer, self.settle(transfer, find, self.deposit(transfer, find)))
        return transfer

    def sample(self, name):
        with open(self.folder / "sample" / name, newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))


def person(row, **changed):
    """Makes a Person of a row of a table, or of another mapping."""
    row = dict(row, **changed)
    address = {name: row.get(name, "") for name in ("line1", "line2", "city", "state",
                                                    "postal_code")}
    return transfer_service_pb2.Person(
        name=row["name"], tax_number=row.get("tax_number", ""),
        birth_date=row.get("birth_date", ""),
        address=transfer_service_pb2.Address(**address))


def candidate(row, **fields):
    return transfer_service_pb2.Candidate(
        person=person(row),
        fields=[transfer_service_pb2.RecordField(name=k, value=v) for k, v in fields.items()])


def somebody(number, **changed):
    """A made-up person whom the request gate accepts."""
    letters = "".join(chr(ord("a") + number // 26 ** i % 26) for i in range(4))
    row = {"name": f"Jor{letters} Quillb{letters}", "line1": f"{100 + number} Sorrel Ln",
           "city": "Ashen Cove", "state": "NC", "postal_code": "28897",
           "tax_number": f"{111 + number // 9000:03}-47-{1000 + number % 9000}",
           "birth_date": "1982-02-09"}
    return dict(row, **changed)


def subject(row, officer=0, case="26-00000001", reference="row-1"):
    return transfer_service_pb2.Subject(person=person(row), officer=officer, case_number=case,
                                        client_reference=reference)
