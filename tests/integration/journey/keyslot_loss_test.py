#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""One keyslot of a mirror is lost for good: two people strike it off, and the exchange goes on.

Usage: keyslot_loss_test.py HOLDFAST HOLDFASTD
"""
import pathlib
import shutil
import tempfile
import unittest

import gateway
from gateway import DONE, PARTLY

RECORDS = 30
DIRECTORY = '  keyslot_directory: "{}"\n'


class KeyslotLossTest(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.world = gateway.Gateway.create(pathlib.Path(folder.name) / "world", records=RECORDS)
        self.addCleanup(self.world.kill)
        self.text = self.world.config()

    def configure(self, *names):
        directory = DIRECTORY.format(self.world.path("keyslot"))
        self.assertIn(directory, self.text)
        slots = "".join(f'  keyslots {{ file {{ directory: "{self.world.path(name)}" }} }}\n'
                        for name in names)
        self.world.write_config(self.text.replace(directory, slots))

    def order(self, *options, first="custodian-1", second="counsel-1", want=DONE):
        world = self.world
        for name in ("lost-1.json", "lost.json"):
            world.path(name).unlink(missing_ok=True)
        world.cli(first, "keyslot", "order", "--keyslots", "mirror(file,file)", "--reason",
                  "the board was replaced", *options, "--out", "lost-1.json")
        return world.cli(second, "keyslot", "order", "--countersign", "lost-1.json", "--out",
                         "lost.json", want=want)

    def strike_off(self, order="lost.json", want=DONE):
        return self.world.cli(None, "keyslot", "strike-off", order, "--state", "state",
                              "--agreement", "agreement.dsse", want=want)

    def revoke(self, transfer, rows):
        world = self.world
        scope = ("--transfer", transfer, "--rows", rows)
        world.cli("custodian-1", "disposal", "revoke", *scope, "--reason", "asked in error", "--yes")
        index = max(one["revocation_index"]
                    for one in world.cli("custodian-2", "disposal", "list").objects)
        world.cli("custodian-2", "disposal", "approve", index, "--yes")
        world.wait_until("the keys are destroyed", lambda: any(
            one["revocation_index"] == index and one["state"] == "DESTROYED"
            for one in world.cli("custodian-1", "disposal", "list").objects))
        return index

    def certificate(self, index, name):
        world = self.world
        shutil.rmtree(world.path("export"), ignore_errors=True)
        world.verify_ledger()
        world.cli("counsel-1", "disposal", "certificate", "create", index, "export", "--out", name)
        shown = world.cli(None, "disposal", "certificate", "verify", name, "--exchange-id",
                          world.exchange_id, "--export", "export")
        return shown.object, world.cli(None, "disposal", "certificate", "show", name,
                                       "--exchange-id", world.exchange_id, json_form=False).out

    def test_two_people_strike_a_lost_keyslot_off(self):
        world = self.world
        self.configure("keyslot", "other")
        world.start()
        transfer, _ = world.submit()
        world.deliver(transfer)
        before = self.revoke(transfer, "0-4")
        shown, text = self.certificate(before, "before.json")
        self.assertEqual(shown["keyslots_struck_off"], [])
        self.assertEqual([part["kind"] for part in shown["keyslots_erased"]], ["file", "file"])
        self.assertNotIn("NOT erased", text)
        epoch = world.cli("auditor-1", "status").object["epoch"]
        world.stop()
        lost = world.path("lost-medium")
        world.path("other").rename(lost)

        # Nobody goes on without it by himself.
        self.configure("keyslot")
        self.assertIn("names other keyslots (file)", world.refuses_to_start()[1]["text"])
        # Nor by the note in the state folder.
        note = world.read("state/keyslots")
        self.assertEqual(note, "mirror(file,file)\n")
        world.write("state/keyslots", "file\n")
        self.assertEqual(world.refuses_to_start()[1]["reason"], "KEYSLOT_FAILED")
        world.write("state/keyslots", note)
        # Nor by one person, by an order about another epoch, or about what is no mirror.
        self.order("--member", 2, "--epoch", epoch)
        self.assertEqual(self.strike_off("lost-1.json", want=None).object["reason"],
                         "SIGNATURE_INVALID")
        self.order("--member", 2, "--epoch", epoch - 1)
        self.assertEqual(self.strike_off(want=None).object["reason"], "EPOCH_UNKNOWN")
        self.assertNotEqual(world.cli(
            "custodian-1", "keyslot", "order", "--keyslots", "file", "--member", 1, "--epoch",
            epoch, "--reason", "no mirror", "--out", "no.json", want=None).status, 0)

        struck = self.order("--member", 2, "--epoch", epoch)
        self.assertEqual((struck.object["left"], struck.object["signatures"]), ("file", 2))
        self.strike_off()
        world.start()
        world.wait_until("an epoch without the lost one",
                         lambda: world.cli("auditor-1", "status").object["epoch"] == epoch + 1)
        self.assertEqual(world.read("state/keyslots"), "file\n")
        self.assertEqual(world.cli("auditor-1", "keyslot", "status").object["keyslot"], "file")
        self.assertGreater(world.open(want=PARTLY).object["opened"], 0)

        # Whoever certifies an erasure from now on says that one copy was not erased.
        after = self.revoke(transfer, "5-9")
        shown, text = self.certificate(after, "after.json")
        self.assertEqual([(one["keyslots"], one["members"], one["epoch"])
                          for one in shown["keyslots_struck_off"]],
                         [("mirror(file,file)", [2], epoch)])
        self.assertEqual([part["kind"] for part in shown["keyslots_erased"]], ["file"])
        self.assertIn("NOT erased: lost, and struck off: member 2 of mirror(file,file)", text)
        self.assertIn("nobody erased them", text)
        # The certificate from before is what it was.
        self.assertEqual(self.certificate(before, "again.json")[0]["keyslots_struck_off"], [])
        explained = world.cli(None, "ledger", "explain",
                              shown["keyslots_struck_off"][0]["index"], "export",
                              json_form=False).out
        self.assertIn("struck keyslot 2 off mirror(file,file)", explained)
        world.stop()

        # It comes back neither beside the others nor alone.
        lost.rename(world.path("other"))
        self.configure("keyslot", "other")
        self.assertIn("names other keyslots", world.refuses_to_start()[1]["text"])
        world.write("state/keyslots", "mirror(file,file)\n")
        self.assertEqual(world.refuses_to_start()[1]["reason"], "EPOCH_UNKNOWN")
        world.write("state/keyslots", "file\n")
        self.configure("other")
        self.assertEqual(world.refuses_to_start()[1]["reason"], "EPOCH_UNKNOWN")
        self.configure("keyslot")
        world.start()
        world.verify_ledger()


if __name__ == "__main__":
    gateway.main()
