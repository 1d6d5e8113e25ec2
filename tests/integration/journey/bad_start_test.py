#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What an operator can get wrong, and what a machine can do to a daemon: each is named, none loses.

Usage: bad_start_test.py HOLDFAST HOLDFASTD
"""
import base64
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import unittest

import gateway
from gateway import CONFIGURATION, DEFECT, DONE, HELD, TRY_AGAIN, UNREACHABLE

RECORDS = 40


def openssl(folder, *arguments):
    subprocess.run(("openssl",) + arguments, cwd=folder, check=True, capture_output=True,
                   timeout=gateway.SECONDS)


class Base:
    """An exchange in which a transfer was closed and collected. Its daemon does not run."""
    folder = world = transfer = None


def setUpModule():
    folder = tempfile.TemporaryDirectory()
    unittest.addModuleCleanup(folder.cleanup)
    Base.folder = pathlib.Path(folder.name)
    Base.world = gateway.Gateway.create(Base.folder / "base", records=RECORDS)
    unittest.addModuleCleanup(Base.world.kill)
    Base.world.start()
    Base.transfer, _ = Base.world.submit()
    Base.world.deliver(Base.transfer)
    Base.world.stop()


class WithGateway(unittest.TestCase):
    """Each test has a copy of the base of its own."""

    def setUp(self):
        self.world = Base.world.copy_to(pathlib.Path(tempfile.mkdtemp(dir=Base.folder)) / "world")
        self.addCleanup(self.world.kill)

    def expect_refusal(self, reason, *words):
        status, failed = self.world.refuses_to_start()
        self.assertEqual(status, CONFIGURATION, failed)
        self.assertIsInstance(failed, dict, failed)
        reasons = reason if isinstance(reason, tuple) else (reason,)
        self.assertIn(failed["reason"], reasons, failed)
        for word in words:
            self.assertIn(word, failed["text"])

    def config_with(self, old, new):
        text = self.world.config()
        self.assertIn(old, text)
        self.world.write_config(text.replace(old, new))


class ConfigurationTest(WithGateway):
    def test_a_port_in_use_is_named(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            address = f"127.0.0.1:{taken.getsockname()[1]}"
            self.config_with("127.0.0.1:0", address)
            self.expect_refusal("CONFIG_INVALID", address)

    def test_a_second_daemon_leaves_the_first_alone(self):
        self.world.start()
        second = gateway.Daemon(self.world.path("holdfastd.conf"))
        failed = second.wait_for("start_failed")
        self.assertEqual(second.end(), CONFIGURATION)
        self.assertEqual(failed["reason"], "ALREADY_RUNNING")
        self.assertIn(str(self.world.path("state")), failed["text"])
        self.assertTrue(self.world.cli("custodian-1", "status").object["serving"])

    def test_a_state_folder_that_cannot_be_written_is_named(self):
        # Root cannot make a folder there either.
        for folder in ("/sys/holdfast-state", f"{self.world.folder}/agreement.txt/state"):
            with self.subTest(folder=folder):
                self.world.write_config(self.world.config().replace(
                    f"{self.world.folder}/state", folder))
                self.expect_refusal(("STORE_FAILED", "NOT_FOUND", "PERMISSION_DENIED"), folder)

    def test_an_unknown_field_is_named_with_its_line(self):
        self.world.write_config(self.world.config() + 'colour: "red"\n')
        line = len(self.world.config().splitlines()) + 1
        for arguments in ((), ("--check-config",)):
            daemon = gateway.Daemon(self.world.path("holdfastd.conf"), arguments)
            self.assertEqual(daemon.end(), CONFIGURATION)
            self.assertIn(f"{self.world.path('holdfastd.conf')}:{line}:", daemon.text)
            self.assertIn("colour", daemon.text)

    def test_a_good_configuration_is_called_good_and_nothing_is_made(self):
        shutil.rmtree(self.world.path("state"))
        daemon = gateway.Daemon(self.world.path("holdfastd.conf"), ("--check-config",))
        self.assertEqual(daemon.end(), DONE)
        self.assertIn("good", daemon.text)
        self.assertFalse(self.world.path("state").exists())

    def test_a_tls_pair_that_does_not_match_is_named(self):
        shutil.copy(self.world.path("pki/source-1.key"), self.world.path("pki/server.key"))
        self.expect_refusal("CONFIG_INVALID", str(self.world.path("pki/server")))
        self.world.path("pki/server.key").unlink()
        self.expect_refusal("CONFIG_INVALID", str(self.world.path("pki/server.key")))


class AgreementTest(WithGateway):
    def test_a_missing_agreement_is_named(self):
        self.world.path("agreement.dsse").unlink()
        status, failed = self.world.refuses_to_start()
        self.assertEqual(status, CONFIGURATION)
        self.assertIn(str(self.world.path("agreement.dsse")), failed["text"])

    def test_an_edit_of_one_byte_is_refused(self):
        envelope = json.loads(self.world.read("agreement.dsse"))
        text = base64.b64decode(envelope["payload"])
        for old, new in ((b"transfer_approvals: 1", b"transfer_approvals: 0"),
                         (b"cooling_period { seconds: 6", b"cooling_period { seconds: 1"),
                         (b"# An agreement", b"# an agreement")):
            with self.subTest(new=new):
                self.assertIn(old, text)
                self.write_agreement(envelope, text.replace(old, new))
                self.expect_refusal(("SIGNATURE_INVALID", "AGREEMENT_INVALID"))
        self.world.write("agreement.dsse", self.world.read("agreement.dsse")[:-40])
        self.expect_refusal(("SIGNATURE_INVALID", "AGREEMENT_INVALID", "REQUEST_MALFORMED"))

    def write_agreement(self, envelope, text):
        changed = dict(envelope, payload=base64.b64encode(text).decode())
        self.world.write("agreement.dsse", json.dumps(changed, indent=2) + "\n")

    def test_a_key_that_root_enrols_is_refused(self):
        world = self.world
        world.cli(None, "identity", "create", "--out", "keys/root", "--comment", "root",
                  "--no-passphrase")
        key = world.read("keys/root.pub").split()[1]
        own = world.read("keys/counsel-1.pub").split()[1]
        text = world.read("agreement.txt")
        self.assertIn(own, text)
        # Root has both principals' signatures of another text, and no more.
        envelope = json.loads(world.read("agreement.dsse"))
        enrolled = text.replace(own, key)
        self.write_agreement(envelope, enrolled.encode())
        self.expect_refusal("SIGNATURE_INVALID")
        # Or signs as both sides: with keys that are not the ones whose signature makes the id.
        for principal in ("source", "requester"):
            old = world.read(f"keys/principal-{principal}.pub").split()[1]
            world.cli(None, "identity", "create", "--out", f"keys/false-{principal}", "--comment",
                      "false", "--no-passphrase")
            enrolled = enrolled.replace(
                old, world.read(f"keys/false-{principal}.pub").split()[1])
        world.write("enrolled.txt", enrolled)
        world.path("agreement.dsse").unlink()
        for principal in ("source", "requester"):
            signed = world.cli(None, "agreement", "sign", "enrolled.txt", "--key",
                               f"keys/false-{principal}", "--out", "agreement.dsse")
        self.expect_refusal("AGREEMENT_MISMATCH")
        # Also where the configuration says that it is the one: the ledger knows better.
        self.config_with(world.exchange_id, signed.object["sha256"])
        self.expect_refusal("AGREEMENT_MISMATCH")

    def test_a_wrong_exchange_id_is_refused(self):
        self.config_with(self.world.exchange_id, "0" * 63 + "1")
        self.expect_refusal("AGREEMENT_MISMATCH")

    def test_an_unknown_field_is_named_with_its_line(self):
        text = self.world.read("agreement.txt")
        self.world.write("odd.txt", text + "colour: 1\n")
        line = len(text.splitlines()) + 1
        found = self.world.cli(None, "agreement", "check", "odd.txt", want=DEFECT).object
        self.assertFalse(found["valid"])
        self.assertTrue(any(defect.startswith(f"{line}:") and "colour" in defect
                            for defect in found["defects"]), found)
        shown = self.world.cli(None, "agreement", "check", "odd.txt", want=DEFECT, json_form=False)
        self.assertIn(f"odd.txt:{line}:", shown.out)

    def test_another_place_table_is_named(self):
        self.world.write("places.csv", self.world.read("places.csv") + "99999,Nowhere,AK\n")
        self.expect_refusal("AGREEMENT_MISMATCH", "place table")
        self.world.path("places.csv").unlink()
        status, failed = self.world.refuses_to_start()
        self.assertEqual(status, CONFIGURATION)
        self.assertIn("places.csv", failed["text"])


class StateTest(WithGateway):
    def test_a_lost_keyslot_and_a_lost_database_are_told_apart_and_healed(self):
        world = self.world
        world.path("keyslot").rename(world.path("keyslot-away"))
        self.expect_refusal("EPOCH_UNKNOWN", "none")
        shutil.rmtree(world.path("keyslot"), ignore_errors=True)
        world.path("keyslot-away").rename(world.path("keyslot"))
        world.path("state").rename(world.path("state-away"))
        world.path("state").mkdir(mode=0o700)
        self.expect_refusal("EPOCH_UNKNOWN", "the database is empty but the keyslot holds epoch")
        shutil.rmtree(world.path("state"))
        world.path("state-away").rename(world.path("state"))
        # Nothing was erased by either.
        world.start()
        self.assertGreater(world.open().object["released"], 0)

    def test_a_hold_in_the_orders_folder_is_in_force_before_anybody_is_served(self):
        world = self.world
        world.start()
        world.write("court-order.txt", "It is ordered.\n")
        world.cli("counsel-1", "hold", "place", "--id", "hold-9", "--matter", "1:26-cv-00009",
                  "--court", "D. Example", "--order-reference", "ECF No. 9", "--document",
                  "court-order.txt", "--everything", "--draft", "draft.json")
        world.cli("counsel-1", "order", "sign", "draft.json", "--out", "signed.json", "--yes")
        # The port stays the same, so that the requester meets the daemon the moment it serves.
        self.config_with("127.0.0.1:0", f"127.0.0.1:{world.port}")
        world.stop()
        shutil.copy(world.path("signed.json"), world.path("state/orders/1-hold.json"))
        world.write("state/orders/2-odd.json", "{}\n")
        unreachable = world.open(out="early.csv", want=UNREACHABLE, timeout="1s").object
        self.assertEqual(unreachable["reason"], "UNAVAILABLE")
        self.assertTrue(unreachable["retryable"])
        answers = []

        def ask():
            while not answers or answers[-1].status in (UNREACHABLE, TRY_AGAIN):
                answers.append(world.open(out="early.csv", want=None))
        requester = threading.Thread(target=ask, daemon=True)
        requester.start()
        daemon = world.start()
        requester.join(2 * gateway.SECONDS)
        self.assertEqual(answers[-1].status, HELD, answers[-1])
        self.assertEqual(answers[-1].object["metadata"]["matter"], "1:26-cv-00009")
        decided = [(e["event"], e["file"]) for e in daemon.events
                   if e["event"] in ("order_accepted", "order_refused")]
        self.assertEqual(decided, [("order_accepted", "1-hold.json"),
                                   ("order_refused", "2-odd.json")])
        self.assertTrue(world.path("state/orders/accepted/1-hold.json").exists())
        self.assertTrue(world.path("state/orders/refused/2-odd.json").exists())
        self.assertNotIn("key_released", world.verify_ledger()["facts"])


class FullDiskTest(WithGateway):
    """The state folder on a small file system of its own, filled to the last byte."""

    def mount(self, *arguments):
        disk = self.world.path("disk")
        disk.mkdir(exist_ok=True)
        mounted = subprocess.run(["mount", *arguments, disk], check=False, capture_output=True)
        if mounted.returncode != 0:
            self.skipTest("no small disk can be mounted here")
        self.addCleanup(subprocess.run, ["umount", "-l", disk], check=False)
        shutil.move(self.world.path("state"), disk / "state")
        self.config_with(f"{self.world.folder}/state\"", f"{disk}/state\"\n  reserve_bytes: 4194304")
        self.disk = disk

    def fill(self):
        with open(self.disk / "filler", "ab", buffering=0) as filler:
            for size in (1 << 20, 4096, 1):
                try:
                    while True:
                        filler.write(bytes(size))
                except OSError:
                    pass

    def reserve_is_there(self):
        reserve = self.disk / "state/reserve"
        return reserve.exists() and reserve.stat().st_size == 4194304

    def make_room(self):
        (self.disk / "filler").unlink()
        self.world.wait_until("the reserve is set aside again", self.reserve_is_there)

    def create(self, want):
        return self.world.cli("requester-1", "--timeout", "5s", "transfer", "create",
                              "sample/requests.csv", "--terms", "sample/terms.txt",
                              "--attestation", "sample/attestation.txt", want=want)

    def play(self):
        world = self.world
        world.start()
        daemon = world.daemon
        self.assertTrue(self.reserve_is_there())

        # A hold is the first to meet the full disk.
        self.fill()
        world.place_hold("hold-1", "--everything", "--timeout", "20s")
        stopped = daemon.wait_for("exchange_stopped")
        self.assertEqual(stopped["reason"], "STORE_FULL")
        self.assertIsNotNone(daemon.wait_for("disk_full"))
        full = world.open(out="full.csv", want=TRY_AGAIN).object
        self.assertEqual(full["reason"], "STORE_FULL")
        self.make_room()
        world.open(out="held.csv", want=HELD)

        # Something else is: it is not acknowledged, and the hold behind it is placed all the same.
        self.fill()
        seen = len(daemon.events)
        # Until it needs another page of the log it is served; and asking again may find room in the
        # log that the opening made anew.
        for _ in range(100):
            self.create((DONE, TRY_AGAIN, UNREACHABLE))
            if any(event["event"] == "exchange_stopped" for event in daemon.events[seen:]):
                break
        self.assertEqual(daemon.wait_for("exchange_stopped", seen)["reason"], "STORE_FULL")
        self.assertIsNotNone(daemon.wait_for("disk_full", seen))
        world.place_hold("hold-2", "--everything", "--timeout", "20s")
        before = len(world.cli("requester-1", "transfer", "list").objects)
        self.make_room()
        self.create(DONE)

        # Nothing is lost, and nothing is there that was not acknowledged.
        self.assertEqual(len(world.cli("requester-1", "transfer", "list").objects), before + 1)
        world.stop()
        world.start()
        holds = [hold["id"] for hold in world.cli("counsel-1", "hold", "list").objects]
        self.assertEqual(sorted(holds), ["hold-1", "hold-2"])
        self.assertEqual(world.cli("custodian-1", "status").object["freezes"], 2)
        world.verify_ledger()
        world.stop()

    def test_a_hold_is_placed_on_a_full_tmpfs_and_it_heals(self):
        self.mount("-t", "tmpfs", "-o", "size=24m", "tmpfs")
        self.play()

    def test_a_hold_is_placed_on_a_full_ext4_and_it_heals(self):
        image = self.world.path("disk.img")
        with open(image, "wb") as file:
            file.truncate(32 << 20)
        # Blocks of 4 KiB, as every larger file system has: docs/storage.md.
        made = subprocess.run(["/sbin/mkfs.ext4", "-q", "-m", "0", "-b", "4096", image],
                              check=False, capture_output=True)
        if made.returncode != 0:
            self.skipTest("no file system can be made here")
        self.mount("-o", "loop", str(image))
        self.play()


class CertificatesTest(WithGateway):
    def test_expired_and_foreign_certificates_of_clients_are_turned_away(self):
        world = self.world
        world.start()
        odd = world.path("odd")
        odd.mkdir()
        world.cli(None, "pki", "init", "--domain", "holdfast.example", "--out", "foreign")
        world.cli(None, "pki", "issue", "--ca", "foreign", "--role", "requester", "--id",
                  "requester-1")
        openssl(odd, "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                "-nodes", "-subj", "/CN=odd", "-keyout", "expired.key", "-out", "request.pem")
        (odd / "extensions").write_text(
            "subjectAltName=URI:spiffe://holdfast.example/requester/requester-1\n"
            "extendedKeyUsage=clientAuth\n", encoding="utf-8")
        openssl(odd, "x509", "-req", "-in", "request.pem", "-CA", "../pki/ca.pem", "-CAkey",
                "../pki/ca.key", "-CAcreateserial", "-days", "-1", "-extfile", "extensions",
                "-out", "expired.pem")
        for name, certificate, key in (
                ("expired", "../../odd/expired.pem", "../../odd/expired.key"),
                ("foreign", "../../foreign/requester-1.pem", "../../foreign/requester-1.key")):
            world.write_profile("requester-1", world.port, name=name, certificate=certificate,
                                key=key)
            refused = world.cli(name, "--timeout", "1s", "transfer", "list",
                                want=UNREACHABLE).object
            self.assertEqual(refused["reason"], "UNAVAILABLE", refused)
            self.assertIn("certificate", refused["help"])
        # A client does not talk to a stranger's gateway either.
        world.write_profile("requester-1", world.port, name="wary", ca="../../foreign/ca.pem")
        world.cli("wary", "--timeout", "1s", "transfer", "list", want=UNREACHABLE)
        self.assertEqual(len(world.cli("requester-1", "transfer", "list").objects), 1)

    def test_new_certificates_are_taken_without_dropping_a_call(self):
        world = self.world
        world.start()
        created = world.cli("requester-1", "transfer", "create", "sample/requests.csv", "--terms",
                            "sample/terms.txt", "--attestation", "sample/attestation.txt")
        name = created.object["name"]
        waiting = self.wait_for_approval(name)
        world.cli(None, "pki", "init", "--domain", "holdfast.example", "--out", "second")
        # A pair that does not match is noticed, and what is connected stays.
        shutil.copy(world.path("second/server.pem"), world.path("pki/server.pem"))
        seen = len(world.daemon.events)
        world.daemon.process.send_signal(signal.SIGHUP)
        invalid = world.daemon.wait_for("tls_credentials_invalid", seen)
        self.assertIn("server", invalid["text"])
        shutil.copy(world.path("second/server.key"), world.path("pki/server.key"))
        seen = len(world.daemon.events)
        world.daemon.process.send_signal(signal.SIGHUP)
        self.assertIsNotNone(world.daemon.wait_for("reloaded", seen))
        for member in ("requester-1", "custodian-1"):
            world.write_profile(member, world.port, name=f"{member}-2", ca="../../second/ca.pem")
        world.wait_until("the new certificate is shown", lambda: world.cli(
            "requester-1-2", "--timeout", "5s", "transfer", "list", want=None).status == DONE)
        self.assertIsNone(waiting.poll(), "the call that was open was dropped")
        # The old connection still delivers what happens now.
        world.cli("requester-1-2", "transfer", "submit", name, "sample/requests.csv")
        world.cli("custodian-1-2", "transfer", "deny", name, "--reason", "a test", "--yes")
        out, _ = waiting.communicate(timeout=gateway.SECONDS)
        self.assertEqual(json.loads(out.splitlines()[-1])["state"], "DENIED")
        world.stop()

    def wait_for_approval(self, name):
        """A command with a stream open, until the transfer is decided upon."""
        world = self.world
        waiting = subprocess.Popen(
            [gateway.Programs.holdfast, "--json", "--verbose", "--profile", "requester-1", "transfer",
             "wait", name], cwd=world.folder, text=True, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, env={**os.environ, "HOLDFAST_HOME": str(world.path("home"))})
        self.addCleanup(waiting.communicate)
        self.addCleanup(waiting.kill)
        # It says what state it was told first: the stream is open.
        self.assertIn("SUBMITTING", waiting.stderr.readline())
        return waiting

    def test_a_termination_ends_open_streams_and_what_was_taken_is_there(self):
        world = self.world
        world.start()
        created = world.cli("requester-1", "transfer", "create", "sample/requests.csv", "--terms",
                            "sample/terms.txt", "--attestation", "sample/attestation.txt")
        name = created.object["name"]
        waiting = self.wait_for_approval(name)
        world.cli("requester-1", "transfer", "submit", name, "sample/requests.csv")
        daemon = world.daemon
        world.stop()
        self.assertIsNotNone(daemon.wait_for("stopped"))
        waiting.kill()
        world.start()
        shown = world.cli("requester-1", "transfer", "show", name).object
        self.assertEqual((shown["state"], shown["subjects"]), ("AWAITING_APPROVAL", RECORDS))
        world.stop()


if __name__ == "__main__":
    gateway.main()
