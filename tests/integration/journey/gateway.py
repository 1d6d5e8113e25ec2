# SPDX-License-Identifier: Apache-2.0
"""A whole exchange in one folder, for tests that play it with the real programs.

  gateway.main() at the end of a test takes `HOLDFAST HOLDFASTD [STUBS]` from the command line.
  Gateway.create(folder) makes a sample, certificates, keys and a signed agreement; start(), stop()
  and kill() are for its daemon; cli() runs a command as somebody, and checks its exit status.
"""
import base64
import collections
import csv
import fcntl
import json
import os
import pathlib
import pty
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import termios
import threading
import time
import unittest

import snapshots

# Whatever takes longer is stuck, also under sanitizers on a machine with other work.
SECONDS = 60

# Exit statuses of holdfast that a test expects, and of holdfastd.
DONE, DEFECT, REFUSED, HELD, WAITS, PARTLY = 0, 1, 10, 11, 12, 13
USAGE, BAD_INPUT, UNREACHABLE, DISK, TRY_AGAIN, NOT_PERMITTED, CONFIGURATION = (
    64, 65, 69, 74, 75, 77, 78)

MEMBERS = {"requester-1": "requester", "source-1": "source", "counsel-1": "counsel",
           "counsel-2": "counsel", "custodian-1": "custodian", "custodian-2": "custodian",
           "auditor-1": "auditor"}
SIGNERS = ("principal-source", "principal-requester", "requester-1", "source-1", "counsel-1",
           "counsel-2", "counsel-3", "custodian-1", "custodian-2")

# Words that no program of ours may show to anybody.
LEAKS = ("Traceback", "AddressSanitizer", "runtime error:", "terminate called")


class Programs:
    """Where the programs under test are. Set by main()."""
    holdfast = holdfastd = stubs = None


class Terminal:
    """A program on a terminal of its own, as a person has it in front of them."""

    def __init__(self, command, folder, environment):
        self._screen, program = pty.openpty()
        self.process = subprocess.Popen(
            command, cwd=folder, stdin=program, stdout=program, stderr=program, close_fds=True,
            start_new_session=True, env=environment,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(program)
        self.shown = ""

    def answer(self, prompt, words):
        """Waits until the prompt is the last that is shown, and types."""
        while not self.shown.endswith(prompt):
            assert self._read(), (prompt, self.shown)
        os.write(self._screen, words.encode() + b"\n")

    def ended(self):
        """Returns the exit status. All that was shown is in `shown`."""
        while self._read():
            pass
        os.close(self._screen)
        return self.process.wait(SECONDS)

    def _read(self):
        ready, _, _ = select.select([self._screen], [], [], 2 * SECONDS)
        if not ready:
            self.process.kill()
            raise AssertionError(f"nothing more is shown: {self.shown}")
        try:
            more = os.read(self._screen, 1024).decode(errors="replace")
        except OSError:
            more = ""  # That is how the end of a terminal looks.
        self.shown += more.replace("\r\n", "\n")
        return more


class Result:
    """What a command printed, and how it ended."""

    def __init__(self, command, process):
        self.command = command
        self.status = process.returncode
        self.out = process.stdout
        self.err = process.stderr
        self.objects = []
        if "--json" in command:
            self.objects = [json.loads(line) for line in self.out.splitlines()]
        self.schemas = {snapshots.check(one) for one in self.objects}

    @property
    def object(self):
        """The last JSON object; an error is always the last."""
        return self.objects[-1]

    def __str__(self):
        return f"{' '.join(self.command)}\nexit {self.status}\n{self.out}\n{self.err}"


class Daemon:
    """A running holdfastd, and what it logs."""

    def __init__(self, config, arguments=(), preexec=None):
        self.process = subprocess.Popen(
            [Programs.holdfastd, "--config", str(config), *arguments], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, preexec_fn=preexec)
        self.lines = []
        self.events = []
        self._ended = False
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stdout:
            with self._changed:
                self.lines.append(line.rstrip("\n"))
                if line.startswith("{"):
                    self.events.append(json.loads(line))
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    @property
    def text(self):
        return "\n".join(self.lines)

    def wait_for(self, event, after=0):
        """The first such event at or behind position `after`; None if the daemon ended without."""
        def found():
            return next((e for e in self.events[after:] if e["event"] == event), None)
        with self._changed:
            if not self._changed.wait_for(lambda: found() or self._ended, SECONDS):
                raise AssertionError(f"no {event} in {SECONDS} s:\n{self.text}")
            return found()

    def end(self, number=None):
        """Sends a signal, unless none is given, and returns the exit status."""
        if number is not None and self.process.poll() is None:
            self.process.send_signal(number)
        try:
            status = self.process.wait(SECONDS)
        except subprocess.TimeoutExpired as error:
            self.process.kill()
            raise AssertionError(f"the daemon does not end:\n{self.text}") from error
        self._reader.join(SECONDS)
        self.process.stdout.close()
        return status


class Gateway:
    """One exchange: its files, its members, and its daemon while that runs."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder).resolve()
        self.daemon = None
        self.exchange_id = None
        self.name = "address-requests"
        # The port of each side's witness, and the witnesses that run.
        self.witness_ports = {}
        self.witnesses = {}
        # The names of all schemas that a command has printed.
        self.schemas = set()

    # How it comes to be.

    @classmethod
    def create(cls, folder, records=100, cooling="6s", window="1s", edit=None, places=True,
               name="address-requests", domain="holdfast.example", witnesses=False):
        """Makes everything that a first start needs. `edit` may change the agreement's text. With
        `witnesses` the agreement demands one of each side, and somebody has to run them."""
        self = cls(folder)
        self.name = name
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.cli(None, "sample", "--records", records, "--seed", 1, "--out", "sample")
        self.cli(None, "pki", "init", "--domain", domain, "--out", "pki")
        for member, role in MEMBERS.items():
            self.issue(member, role)
        for signer in SIGNERS:
            self.cli(None, "identity", "create", "--out", f"keys/{signer}", "--comment", signer,
                     "--no-passphrase")
        if witnesses:
            self.make_witnesses()
        shutil.copy(self.folder / "sample/places.csv", self.folder / "places.csv")
        self.cli(None, "agreement", "init", "--out", "agreement.txt", "--keys", "keys",
                 "--name", name, "--domain", domain,
                 *(("--places", "places.csv") if places else ()),
                 "--delegation", "sample/delegation.txt", "--safeguard", "sample/safeguard.txt",
                 "--cooling-period", cooling, "--destruction-window", window,
                 *(() if witnesses else ("--without-witnesses",)))
        if edit:
            text = self.read("agreement.txt")
            self.write("agreement.txt", edit(text))
        self.sign_agreement()
        for name in ("state", "keyslot"):
            (self.folder / name).mkdir(mode=0o700)
        self.write_config()
        return self

    def issue(self, member, role, *options):
        self.cli(None, "pki", "issue", "--ca", "pki", "--role", role, "--id", member, *options)

    def sign_agreement(self, text="agreement.txt", out="agreement.dsse"):
        for principal in ("source", "requester"):
            signed = self.cli(None, "agreement", "sign", text, "--key",
                              f"keys/principal-{principal}", "--out", out)
        self.exchange_id = signed.object["sha256"]

    def copy_to(self, folder):
        """The same exchange in another folder, as it is now. Neither daemon runs."""
        assert self.daemon is None
        shutil.copytree(self.folder, folder)
        other = Gateway(folder)
        other.exchange_id, other.name = self.exchange_id, self.name
        other.write_config()
        return other

    def config(self):
        """The configuration's text, for tests that change it."""
        return f"""listen {{
  address: "127.0.0.1:0"
  key_path: "{self.folder}/pki/server.key"
  certificate_path: "{self.folder}/pki/server.pem"
  client_ca_path: "{self.folder}/pki/ca.pem"
  port_file: "{self.folder}/port"
}}
{self.exchange_config()}log {{ format: JSON }}
"""

    def exchange_config(self):
        """What the configuration says about this exchange."""
        return f"""exchanges {{
  name: "{self.name}"
  agreement_path: "{self.folder}/agreement.dsse"
  exchange_id: "{self.exchange_id}"
  state_directory: "{self.folder}/state"
  keyslot_directory: "{self.folder}/keyslot"
  keyslot_allow_any_file_system: true
{self.witness_config()}}}
"""

    # Witnesses, one of each side.

    def make_witnesses(self):
        """Their keys, and ports that are free now."""
        held = {}
        for side in ("source", "requester"):
            self.cli(None, "identity", "create", "--out", f"keys/witness-{side}", "--no-passphrase")
            held[side] = socket.create_server(("127.0.0.1", 0))
        self.witness_ports = {side: one.getsockname()[1] for side, one in held.items()}
        for one in held.values():
            one.close()

    def witness_config(self):
        return "".join(f'  witnesses {{ name: "{side}.holdfast.example/witness" '
                       f'url: "http://127.0.0.1:{port}" }}\n'
                       for side, port in self.witness_ports.items())

    def start_witness(self, side):
        ledger = self.cli("auditor-1", "status").object["ledger_key"]
        self.witnesses[side] = subprocess.Popen(
            [Programs.holdfast, "ledger", "witness", "--name", f"{side}.holdfast.example/witness",
             "--key", f"keys/witness-{side}", "--ledger", ledger, "--state", f"witness-{side}",
             "--listen", f"127.0.0.1:{self.witness_ports[side]}"], cwd=self.folder,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def stop_witnesses(self, *sides):
        for side in sides or list(self.witnesses):
            witness = self.witnesses.pop(side)
            witness.kill()
            witness.wait(SECONDS)

    def write_config(self, text=None):
        self.write("holdfastd.conf", text or self.config())

    def write_profiles(self, port):
        (self.folder / "home/profiles").mkdir(parents=True, exist_ok=True)
        for member in MEMBERS:
            self.write_profile(member, port)

    def write_profile(self, member, port, **changed):
        values = {"server": f"127.0.0.1:{port}", "exchange_id": self.exchange_id,
                  "agreement": "../../agreement.dsse", "member": member,
                  "certificate": f"../../pki/{member}.pem", "key": f"../../pki/{member}.key",
                  "ca": "../../pki/ca.pem", "signing_key": f"../../keys/{member}"}
        if member not in SIGNERS:
            del values["signing_key"]
        name = changed.pop("name", member)
        values.update(changed)
        self.write(f"home/profiles/{name}", "".join(f"{k} = {v}\n" for k, v in values.items()))

    # Files.

    def path(self, name):
        return self.folder / name

    def read(self, name):
        return self.path(name).read_text(encoding="utf-8")

    def write(self, name, text):
        # A new file in its place: what a copy links to stays as it is.
        path = self.path(name)
        beside = path.with_name(path.name + ".new")
        beside.write_text(text, encoding="utf-8")
        os.replace(beside, path)

    def credentials(self, member):
        """Of a member, for gRPC; a test that asks for them has gRPC and the stubs on its path."""
        import grpc
        pki = self.path("pki")
        return grpc.ssl_channel_credentials(*((pki / name).read_bytes() for name in (
            "ca.pem", f"{member}.key", f"{member}.pem")))

    def signing_seed(self, member):
        """The seed of a signing key that was made without a passphrase."""
        for line in self.read(f"keys/{member}").splitlines():
            if line.startswith("seed "):
                return base64.b64decode(line[5:], validate=True)
        raise AssertionError("no seed")

    def export_entries(self, folder="export"):
        """The bytes of every entry of an export, in order."""
        entries = []
        bundles = self.path(folder) / "tile/entries"
        for path in sorted(path for path in bundles.rglob("*") if path.is_file()):
            data, at = path.read_bytes(), 0
            while at < len(data):
                (size,) = struct.unpack_from(">H", data, at)
                at += 2
                if size == 0xFFFF:
                    (size,) = struct.unpack_from(">I", data, at)
                    at += 4
                entries.append(data[at:at + size])
                at += size
        return entries

    # The daemon.

    def start(self, preexec=None):
        """Starts the daemon and waits until it serves."""
        assert self.daemon is None
        daemon = Daemon(self.path("holdfastd.conf"), preexec=preexec)
        serving = daemon.wait_for("serving")
        if serving is None:
            raise AssertionError(f"the daemon ended with {daemon.end()}:\n{daemon.text}")
        self.daemon = daemon
        self.write_profiles(serving["port"])
        self.port = serving["port"]
        return daemon

    def refuses_to_start(self, preexec=None):
        """Starts the daemon, which must end; returns exit status and what it said last.

        What it said is the event `start_failed`, or a text if it logs nothing yet.
        """
        assert self.daemon is None
        daemon = Daemon(self.path("holdfastd.conf"), preexec=preexec)
        if daemon.wait_for("serving"):
            daemon.end(signal.SIGKILL)
            raise AssertionError(f"the daemon serves:\n{daemon.text}")
        status = daemon.end()
        for leak in LEAKS:
            assert leak not in daemon.text, daemon.text
        failed = [e for e in daemon.events if e["event"] == "start_failed"]
        return status, failed[-1] if failed else daemon.text

    def stop(self):
        daemon, self.daemon = self.daemon, None
        if daemon:
            status = daemon.end(signal.SIGTERM)
            assert status == 0, f"the daemon ended with {status}:\n{daemon.text}"

    def kill(self):
        daemon, self.daemon = self.daemon, None
        if daemon:
            daemon.end(signal.SIGKILL)

    # Commands.

    def cli(self, who, *arguments, want=DONE, json_form=True, environment=None, stdin=None,
            seconds=2 * SECONDS):
        """Runs holdfast as `who`. `want` is its exit status, or several, or None for any."""
        command = [Programs.holdfast]
        if json_form:
            command += ["--json", "--quiet"]
        if who:
            command += ["--profile", who]
        command += [str(argument) for argument in arguments]
        process = subprocess.run(
            command, cwd=self.folder, input=stdin or "", capture_output=True, text=True,
            timeout=seconds, check=False, env={**os.environ, **(environment or {}),
                                 "HOLDFAST_HOME": str(self.folder / "home")})
        result = Result(command, process)
        self.schemas |= result.schemas
        for leak in LEAKS:
            assert leak not in result.out + result.err, result
        if want is not None:
            wanted = want if isinstance(want, tuple) else (want,)
            assert result.status in wanted, f"not {wanted}: {result}"
        return result

    def at_terminal(self, who, *arguments):
        """Runs holdfast as `who` on a terminal: what it shows is for people, and it asks them."""
        return Terminal([Programs.holdfast, "--profile", who, *arguments], self.folder,
                        {**os.environ, "TZ": "America/New_York",
                         "HOLDFAST_HOME": str(self.folder / "home")})

    # Steps that many tests take.

    def submit(self, sample="sample"):
        """Opens a transfer and submits its list; returns its name and what was refused."""
        created = self.cli("requester-1", "transfer", "create", f"{sample}/requests.csv",
                           "--terms", f"{sample}/terms.txt",
                           "--attestation", f"{sample}/attestation.txt")
        name = created.object["name"]
        submitted = self.cli("requester-1", "transfer", "submit", name, f"{sample}/requests.csv",
                             "--refused", f"{sample}/refused.csv")
        return name, submitted.object

    def let_go(self, transfer):
        """Lets a transfer go on that a brake stopped: a small sample has large shares."""
        stops = self.cli("custodian-1", "transfer", "show", transfer).object["stops"]
        if stops:
            refused = self.cli("custodian-1", "transfer", "approve", transfer, "--yes", want=WAITS)
            assert "TRANSFER_BRAKED" in str(refused.objects), refused
            self.cli("custodian-1", "transfer", "let-go-on", transfer, "--reason", "a small sample",
                     "--yes")

    def serve(self, transfer, sample="sample"):
        """Looks up, deposits, has what is doubtful refused, and closes."""
        serve = ("source", "serve", transfer, "--people", f"{sample}/people.csv")
        served = self.cli("source-1", *serve, want=(DONE, WAITS))
        if served.status == WAITS:
            self.cli("custodian-1", "review", "refuse", transfer, "--all", "--reason",
                     "no time to look", "--yes")
            self.cli("source-1", *serve)
        return served

    def deliver(self, transfer, sample="sample"):
        """Approves, looks up and deposits, and collects into SAMPLE/envelopes."""
        self.let_go(transfer)
        self.cli("custodian-1", "transfer", "approve", transfer, "--yes")
        self.serve(transfer, sample)
        return self.cli("requester-1", "envelope", "collect", transfer, "--out",
                        f"{sample}/envelopes").object

    def open(self, sample="sample", out="records.csv", rows=(), want=DONE, timeout=None):
        options = [option for one in rows for option in ("--rows", one)]
        options += ["--timeout", timeout] if timeout else []
        return self.cli("requester-1", "envelope", "open", f"{sample}/envelopes", "--list",
                        f"{sample}/requests.csv", "--out", f"{sample}/{out}", *options, want=want)

    def place_hold(self, hold, *scope, want=DONE):
        if not self.path("court-order.txt").exists():
            self.write("court-order.txt", "It is ordered that the records not be used.\n")
        return self.cli("counsel-1", "hold", "place", "--id", hold, "--matter", f"1:26-cv-{hold}",
                        "--court", "D. Example", "--order-reference", "ECF No. 12", "--document",
                        "court-order.txt", "--yes", *scope, want=want)

    def wait_until(self, what, holds, seconds=SECONDS):
        """Asks again and again until `holds()` is true."""
        end = time.monotonic() + seconds
        while not holds():
            if time.monotonic() > end:
                raise AssertionError(f"after {seconds} s not yet: {what}")
            time.sleep(0.1)

    def verify_ledger(self, folder="export", seconds=2 * SECONDS):
        """Exports the ledger as the auditor, and returns what the verifier says about it."""
        self.cli("auditor-1", "ledger", "export", "--out", folder, seconds=seconds)
        return self.cli(None, "ledger", "verify", folder, "--exchange-id", self.exchange_id,
                        seconds=seconds).object


def read_csv_by_row(path):
    with open(path, newline="", encoding="utf-8") as file:
        return {int(row["row"]): row for row in csv.DictReader(file)}


def count(values):
    return dict(collections.Counter(values))


def main():
    Programs.holdfast, Programs.holdfastd = map(os.path.abspath, sys.argv[1:3])
    rest = sys.argv[3:]
    if rest:
        Programs.stubs = os.path.abspath(rest.pop(0))
    unittest.main(module="__main__", argv=sys.argv[:1] + rest, verbosity=2)
