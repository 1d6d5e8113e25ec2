#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What an operator's machine sees: the service manager, the process, health, what is installed.

Usage: operations_test.py HOLDFAST HOLDFASTD BUILD
"""
import os
import pathlib
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import unittest

import grpc

import gateway
from gateway import BAD_INPUT, DEFECT, DONE, USAGE

BUILD = pathlib.Path(sys.argv.pop(3)).resolve()
RECORDS = 40
SERVING = b"\x08\x01"  # grpc.health.v1.HealthCheckResponse with status SERVING.


class Base:
    """An exchange whose transfer was closed and collected, and its export. Its daemon does not run."""
    world = transfer = None


def setUpModule():
    folder = tempfile.TemporaryDirectory()
    unittest.addModuleCleanup(folder.cleanup)
    world = Base.world = gateway.Gateway.create(pathlib.Path(folder.name) / "world",
                                                records=RECORDS)
    unittest.addModuleCleanup(world.kill)
    world.start()
    Base.transfer, _ = world.submit()
    world.deliver(Base.transfer)
    world.cli("auditor-1", "ledger", "export", "--out", "export")
    world.stop()


class ServiceManager:
    """The socket on which a service says how it is."""

    def __init__(self, folder):
        self.path = str(folder / "notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.socket.settimeout(gateway.SECONDS)

    def wait_for(self, word):
        """Returns what was said until `word`, which is the last of it."""
        said = []
        while word not in said:
            said += self.socket.recv(4096).decode().splitlines()
        return said

    def close(self):
        self.socket.close()
        os.unlink(self.path)


class DaemonTest(unittest.TestCase):
    def setUp(self):
        self.world = Base.world
        self.addCleanup(self.world.kill)

    def status_of_process(self):
        text = pathlib.Path(f"/proc/{self.world.daemon.process.pid}/status").read_text("ascii")
        return dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)

    def test_the_service_manager_hears_that_it_is_ready_alive_reloading_and_stopping(self):
        manager = ServiceManager(self.world.folder)
        self.addCleanup(manager.close)
        self.world.start(preexec=lambda: os.environ.update(
            NOTIFY_SOCKET=manager.path, WATCHDOG_USEC="900000"))
        manager.wait_for("READY=1")
        manager.wait_for("WATCHDOG=1")
        # Again and again, or the service manager would end it.
        manager.wait_for("WATCHDOG=1")
        self.world.daemon.process.send_signal(signal.SIGHUP)
        said = manager.wait_for("RELOADING=1")
        self.assertNotIn("STOPPING=1", said)
        self.assertTrue(any(line.startswith("MONOTONIC_USEC=")
                            for line in said + manager.wait_for("READY=1")))
        self.world.stop()
        manager.wait_for("STOPPING=1")

    def test_memory_is_locked_where_that_is_permitted(self):
        unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        small = (1 << 16, 1 << 16)
        # Not every root may lift the limit: ask a process that is thrown away.
        may_lift = subprocess.run(
            [sys.executable, "-c", "import resource as r; r.setrlimit(r.RLIMIT_MEMLOCK, (-1, -1))"],
            check=False, capture_output=True, timeout=gateway.SECONDS).returncode == 0
        for limit in (small, unlimited) if may_lift else (small,):
            with self.subTest(limit=limit):
                daemon = self.world.start(
                    preexec=lambda to=limit: resource.setrlimit(resource.RLIMIT_MEMLOCK, to))
                said = daemon.wait_for("memory_locked")
                self.assertEqual(said["locked"], limit == unlimited)
                if limit == unlimited:
                    self.assertGreater(int(self.status_of_process()["VmLck"].split()[0]), 0)
                self.world.stop()

    def is_healthy(self):
        options = (("grpc.ssl_target_name_override", "localhost"),)
        with grpc.secure_channel(f"127.0.0.1:{self.world.port}",
                                 self.world.credentials("auditor-1"), options) as channel:
            check = channel.unary_unary("/grpc.health.v1.Health/Check", lambda _: b"", bytes)
            return check(None, timeout=gateway.SECONDS) == SERVING

    def test_an_exchange_that_is_held_serves(self):
        self.world.start()
        self.assertTrue(self.is_healthy())
        self.world.place_hold("hold-all", "--everything")
        self.assertTrue(self.is_healthy())
        status = self.world.cli("custodian-1", "status").object
        self.assertEqual((status["serving"], status["freezes"], status["preserves"]), (True, 1, 1))
        self.world.stop()
        self.world.start()
        self.assertTrue(self.is_healthy())
        self.world.stop()

    def test_the_bounds_that_it_tells_are_those_of_its_agreement(self):
        self.world.start()
        limits = self.world.cli("requester-1", "status").object["limits"]
        self.world.stop()
        self.assertEqual(limits, {
            "rows_per_chunk": 256, "messages_in_flight": 32, "candidates": 64,
            "transfer_subjects": 2000000, "open_records": 10000, "open_leases": 4096,
            "lease_seconds": 900})
        text = self.world.read("agreement.txt")
        for line in ("transfer_subjects: 2000000", "open_records: 10000", "open_leases: 4096",
                     "lease_duration { seconds: 900 }"):
            self.assertIn(line, text)

    def test_the_libraries_tracers_show_nothing_of_anybody(self):
        """Whoever sets $GRPC_TRACE sees what gRPC does, and not what it sends."""
        self.world.start()
        traced = self.world.cli(
            "requester-1", "transfer", "create", "sample/requests.csv", "--terms",
            "sample/terms.txt", "--attestation", "sample/attestation.txt")
        traced = self.world.cli(
            "requester-1", "transfer", "submit", traced.object["name"], "sample/requests.csv",
            environment={"GRPC_TRACE": "all", "GRPC_VERBOSITY": "DEBUG"})
        self.world.stop()
        people = gateway.read_csv_by_row(self.world.path("sample/requests.csv")).values()
        shown = traced.out + traced.err
        for person in people:
            for value in (person["name"], person["line1"]):
                if len(value) > 6:
                    self.assertNotIn(value, shown)
                    self.assertNotIn(value.encode().hex(), shown)
                    self.assertNotIn(" ".join(f"{byte:02x}" for byte in value.encode()), shown)


class InstalledTest(unittest.TestCase):
    def test_an_installation_has_programs_pages_units_and_examples(self):
        with tempfile.TemporaryDirectory() as root:
            subprocess.run(["cmake", "--install", str(BUILD)], check=True, capture_output=True,
                           timeout=gateway.SECONDS, env={**os.environ, "DESTDIR": root})
            prefix = next(line.split("=")[1] for line in
                          (BUILD / "CMakeCache.txt").read_text("utf-8").splitlines()
                          if line.startswith("CMAKE_INSTALL_PREFIX:"))
            top = pathlib.Path(root + prefix)
            found = {str(path.relative_to(top)) for path in top.rglob("*") if path.is_file()}
            for name in ("bin/holdfast", "bin/holdfast-verify", "sbin/holdfastd",
                         "share/man/man1/holdfast.1", "share/man/man1/holdfast-verify.1",
                         "share/man/man8/holdfastd.8", "share/holdfast/holdfast.protoset",
                         "share/bash-completion/completions/holdfast",
                         "lib/systemd/system/holdfastd.service",
                         "lib/sysusers.d/holdfast.conf", "lib/tmpfiles.d/holdfast.conf"):
                self.assertIn(name, found)
            self.assertTrue(any(name.endswith("examples/holdfastd.conf") for name in found), found)
            unit = (top / "lib/systemd/system/holdfastd.service").read_text("utf-8")
            self.assertIn(f"{prefix}/sbin/holdfastd", unit)
            self.assertIn("--check-config", unit)
            self.assertIsNone(re.search(r"@[A-Z_]+@", unit))  # What the build fills in.
            # What was installed runs.
            for program in ("bin/holdfast", "bin/holdfast-verify", "sbin/holdfastd"):
                ran = subprocess.run([top / program, "--version"], check=True, text=True,
                                     capture_output=True, timeout=gateway.SECONDS)
                self.assertIn("0.", ran.stdout)

    def complete(self, *words):
        """What bash offers for the last of the words."""
        script = (f'PATH="{pathlib.Path(gateway.Programs.holdfast).parent}:$PATH"; '
                  f'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _holdfast; '
                  'printf "%s\\n" "${COMPREPLY[@]}"')
        completion = pathlib.Path(__file__).resolve().parents[3] / "cli/completion.bash"
        ran = subprocess.run(["bash", "-c", script, "bash", str(completion), "holdfast", *words],
                             check=True, text=True, capture_output=True, timeout=gateway.SECONDS)
        return ran.stdout.split()

    def test_bash_completes_commands_and_options(self):
        self.assertIn("transfer", self.complete("tra"))
        self.assertEqual(sorted(self.complete("hold", "pl")), ["place"])
        self.assertIn("--everything", self.complete("hold", "place", "--ev"))
        self.assertNotIn("transfer", self.complete("hold", ""))


class VerifierTest(unittest.TestCase):
    """holdfast-verify, which is the verifier and nothing else."""

    def verify(self, *arguments, want):
        ran = subprocess.run([str(pathlib.Path(gateway.Programs.holdfast).parent / "holdfast-verify"),
                              *map(str, arguments)], cwd=Base.world.folder, check=False, text=True,
                             capture_output=True, timeout=gateway.SECONDS)
        self.assertEqual(ran.returncode, want, ran)
        return ran.stdout

    def test_it_says_what_holdfast_says(self):
        world = Base.world
        of_holdfast = world.cli(None, "ledger", "verify", "export", "--exchange-id",
                                world.exchange_id, json_form=False)
        said = self.verify("export", "--exchange-id", world.exchange_id, "--quiet", want=DONE)
        self.assertEqual(said, of_holdfast.out)

    def test_each_way_to_be_wrong_has_its_exit_status(self):
        world = Base.world
        mine = ("--exchange-id", world.exchange_id)
        self.verify("export", "--exchange-id", "00" * 32, want=DEFECT)
        self.verify("no-such-export", *mine, want=BAD_INPUT)
        self.verify("export", "--exchange-id", "five", want=BAD_INPUT)
        self.verify("export", want=USAGE)
        shutil.copytree(world.path("export"), world.path("altered"))
        self.addCleanup(shutil.rmtree, world.path("altered"))
        bundle = next(path for path in world.path("altered/tile/entries").rglob("*")
                      if path.is_file())
        altered = bytearray(bundle.read_bytes())
        altered[len(altered) // 2] ^= 1
        bundle.write_bytes(altered)
        self.assertIn('"LEDGER_INCONSISTENT"', self.verify("altered", *mine, "--json", want=DEFECT))

    def test_it_links_neither_grpc_nor_sqlite(self):
        program = pathlib.Path(gateway.Programs.holdfast).parent / "holdfast-verify"
        linked = subprocess.run(["ldd", str(program)], check=True, text=True, capture_output=True,
                                timeout=gateway.SECONDS).stdout
        self.assertIn("libprotobuf", linked)
        for library in ("grpc", "sqlite"):
            self.assertNotIn(library, linked)

    def test_the_sums_in_an_export_are_those_of_its_files(self):
        subprocess.run(["sha256sum", "--quiet", "--strict", "-c", "SHA256SUMS"], check=True,
                       cwd=Base.world.path("export"), timeout=gateway.SECONDS)


if __name__ == "__main__":
    gateway.main()
