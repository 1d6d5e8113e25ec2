#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A daemon whose root key lies in a token and in a TPM, both made of software: held, killed, moved.

Usage: keyslots_test.py HOLDFAST HOLDFASTD HELPER
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

import gateway
from gateway import CONFIGURATION, DONE, UNREACHABLE, WAITS

HELPER = os.path.abspath(sys.argv.pop(3))
MODULE = "/usr/lib/softhsm/libsofthsm2.so"
RECORDS = 30
DIRECTORY = '  keyslot_directory: "{}"\n'


class Devices:
    """A SoftHSM token and a swtpm, in folders below `folder`."""

    def __init__(self, folder):
        self.folder = folder
        for name in ("tokens", "tpm"):
            (folder / name).mkdir()
        conf = folder / "softhsm2.conf"
        conf.write_text(f"directories.tokendir = {folder}/tokens\nlog.level = ERROR\n",
                        encoding="utf-8")
        os.environ["SOFTHSM2_CONF"] = str(conf)
        subprocess.run(["softhsm2-util", "--init-token", "--free", "--label", "journey", "--pin",
                        "1234", "--so-pin", "so-1234"], check=True, stdout=subprocess.DEVNULL)
        (folder / "pin").write_text("1234\n", encoding="utf-8")
        (folder / "pin").chmod(0o400)
        self.tpm = None
        self.start_tpm()

    def start_tpm(self):
        # It goes into the background once its socket listens.
        subprocess.run(["swtpm", "socket", "--tpm2", "--daemon", "--flags",
                        "not-need-init,startup-clear", "--tpmstate", f"dir={self.folder}/tpm",
                        "--server", f"type=unixio,path={self.folder}/socket", "--ctrl",
                        f"type=unixio,path={self.folder}/socket.ctrl", "--pid",
                        f"file={self.folder}/pid"], check=True)
        self.tpm = int((self.folder / "pid").read_text(encoding="utf-8"))

    def stop_tpm(self):
        if self.tpm:
            os.kill(self.tpm, 15)
        self.tpm = None

    def token(self):
        return (f'pkcs11 {{ directory: "{self.folder}/slot-token" module_path: "{MODULE}" '
                f'token_label: "journey" pin_path: "{self.folder}/pin" '
                'timeout_milliseconds: 60000 epoch_budget: 6 }')

    def chip(self):
        return (f'tpm2 {{ directory: "{self.folder}/slot-tpm" tcti: "swtpm:path={self.folder}/socket"'
                ' nv_index: 0x01800100 timeout_milliseconds: 60000 }')


class KeyslotsTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.devices = Devices(self.folder)
        self.addCleanup(self.devices.stop_tpm)
        self.world = gateway.Gateway.create(self.folder / "world", records=RECORDS)
        self.addCleanup(self.world.kill)

    def configure(self, lines):
        text = self.world.config()
        directory = DIRECTORY.format(self.world.path("keyslot"))
        self.assertIn(directory, text)
        self.world.write_config(f'keyslot_helper_path: "{HELPER}"\n' +
                                text.replace(directory, "".join(f"  {line}\n" for line in lines)))

    def status(self, want=DONE):
        return self.world.cli("auditor-1", "keyslot", "status", want=want)

    def preserve(self, hold):
        return self.world.place_hold(hold, "--everything", "--kind", "preserve")

    def as_a_person_sees_it(self, who, *arguments):
        return self.world.cli(who, *arguments, json_form=False).err

    def shown_to_a_person(self):
        return self.world.cli("auditor-1", "keyslot", "status", json_form=False).out

    def restart_and_refuse(self, words):
        daemon = gateway.Daemon(self.world.path("holdfastd.conf"))
        self.assertEqual(daemon.end(), CONFIGURATION)
        self.assertIn(words, daemon.text)

    def test_a_mirror_of_token_and_tpm_holds_is_killed_and_moves(self):
        world, devices = self.world, self.devices
        mirror = [f"keyslots {{ {devices.token()} }}", f"keyslots {{ {devices.chip()} }}"]
        self.configure(mirror)
        world.start()
        shown = self.status()
        self.assertEqual(shown.object["keyslot"], "mirror(pkcs11,tpm2)")
        self.assertEqual(shown.object["erasure_class"], "medium")
        self.assertEqual([part["kind"] for part in shown.object["parts"]], ["pkcs11", "tpm2"])
        self.assertIn("SoftHSM project, SoftHSM v2, serial number", shown.object["parts"][0]["device"])
        for command in (("keyslot", "status"), ("status",)):
            self.assertNotIn("one keyslot only", self.as_a_person_sees_it("auditor-1", *command))

        transfer, _ = world.submit()
        world.deliver(transfer)
        self.preserve("hold-one")
        shown = self.status().object
        self.assertEqual((shown["epoch"], shown["epochs_written"], shown["epoch_budget"]),
                         (2, 2, 6))
        self.assertNotIn("HALF OF THEM", self.shown_to_a_person())
        world.kill()
        world.start()
        self.preserve("hold-two")
        self.assertEqual(self.status().object["epoch"], 3)
        # The token bears least, and the maker says how much.
        self.assertIn("of some 6 that its memory bears", self.shown_to_a_person())
        self.assertIn("HALF OF THEM ARE USED UP", self.shown_to_a_person())
        self.assertEqual(world.daemon.wait_for("keyslot_wears")["budget"], 6)
        world.open()

        # A member that is gone: a hold is placed all the same, and nothing leaves.
        devices.stop_tpm()
        held = self.preserve("hold-three")
        self.assertFalse(held.object["anchored"])
        self.assertFalse(world.cli("auditor-1", "status", want=UNREACHABLE).object["serving"])
        devices.start_tpm()
        world.wait_until("the hold's epoch is made",
                         lambda: world.cli("auditor-1", "status",
                                           want=(DONE, UNREACHABLE)).object["serving"])
        world.stop()

        # No member can be left out, and none can be missing at a start.
        self.configure(mirror[:1])
        self.restart_and_refuse("names other keyslots (pkcs11)")
        self.configure(mirror)
        devices.stop_tpm()
        self.restart_and_refuse("member 2 of the mirror: the TPM is not there")
        devices.start_tpm()

        # To a file, and from there the mirror is history.
        file = f'keyslots {{ file {{ directory: "{world.path("keyslot")}" }} }}'
        self.configure([file] + [line.replace("keyslots", "migrate_from") for line in mirror])
        world.start()
        world.wait_until("the key has moved", lambda: self.status(want=(DONE, WAITS)).status == DONE)
        self.assertEqual(self.status().object["keyslot"], "moving(mirror(pkcs11,tpm2),file)")
        world.stop()
        self.configure([file])
        world.start()
        self.assertEqual(self.status().object["keyslot"], "file")
        for command in (("keyslot", "status"), ("status",)):
            self.assertIn("one keyslot only", self.as_a_person_sees_it("auditor-1", *command))
        self.assertIn("one keyslot only", self.as_a_person_sees_it(
            "counsel-1", "hold", "place", "--id", "hold-four", "--matter", "1:26-cv-4", "--court",
            "D. Example", "--order-reference", "ECF No. 12", "--document", "court-order.txt",
            "--everything", "--kind", "preserve", "--yes"))
        world.open(out="again.csv")
        world.verify_ledger()
        kinds = {entry.get("keyslot_kind") for entry in self.erased()}
        self.assertEqual(kinds, {"mirror(pkcs11,tpm2)", "moving(mirror(pkcs11,tpm2),file)", "file"})
        world.stop()

    def test_a_file_moves_to_a_token(self):
        self.moves_from_a_file(self.devices.token(), "pkcs11")

    def test_a_file_moves_to_a_tpm(self):
        self.moves_from_a_file(self.devices.chip(), "tpm2")

    def moves_from_a_file(self, slot, kind):
        world = self.world
        file = f'file {{ directory: "{world.path("keyslot")}" }}'
        self.configure([f"keyslots {{ {file} }}"])
        world.start()
        transfer, _ = world.submit()
        world.deliver(transfer)
        self.preserve("hold-one")
        self.assertEqual(self.areas_in_use(), 1)
        unmoved = world.cli("auditor-1", "keyslot", "migrate", want=CONFIGURATION).object
        self.assertIn("names no migrate_from", unmoved["message"])
        world.stop()

        self.configure([f"keyslots {{ {slot} }}", f"migrate_from {{ {file} }}"])
        world.start()
        moved = world.cli("auditor-1", "keyslot", "migrate").object
        self.assertEqual((moved["keyslot"], moved["moving"], moved["epoch"]),
                         (f"moving(file,{kind})", False, 3))
        self.assertEqual(self.areas_in_use(), 0)
        # It is over, whatever happens now; and the old slot is history.
        world.kill()
        self.configure([f"keyslots {{ {slot} }}"])
        world.start()
        shown = self.status().object
        self.assertEqual((shown["keyslot"], shown["epochs_written"]), (kind, 0))
        self.preserve("hold-two")
        world.open()
        world.stop()
        self.configure([f"keyslots {{ {file} }}"])
        self.restart_and_refuse("names other keyslots")

    def areas_in_use(self):
        """How many areas of the file keyslot claim an epoch."""
        return sum(area.read_bytes()[:4] == b"HFK1"
                   for area in self.world.path("keyslot").glob("area-*"))

    def erased(self):
        """What the export's events say of epochs that were erased."""
        for line in (self.world.path("export") / "events.jsonl").read_text(
                encoding="utf-8").splitlines():
            event = json.loads(line)
            found = event.get("epoch_erased") or event.get("entry", {}).get("epoch_erased")
            if found:
                yield found


if __name__ == "__main__":
    gateway.main()
