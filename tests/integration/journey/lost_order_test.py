#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A gateway whose database and keyslot were put back together lacks an order, and nothing in its own
files can tell. Whoever has the order's receipt can: at once, offline, and also when other entries have
taken its place. So can whoever only remembers a checkpoint, and both checkpoints are kept.

Usage: lost_order_test.py HOLDFAST HOLDFASTD
"""
import pathlib
import shutil
import tempfile
import unittest

import gateway
from gateway import DEFECT, DONE


class LostOrderTest(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.world = gateway.Gateway.create(pathlib.Path(folder.name) / "world", records=40)
        cls.addClassCleanup(cls.world.kill)
        cls.world.start()

    def watch(self, *options, want=DONE):
        return self.world.cli("auditor-1", "ledger", "watch", *options, want=want).object

    def verify(self, *options, want=DONE):
        return self.world.cli(None, "ledger", "verify", "export", "--exchange-id",
                              self.world.exchange_id, *options, want=want).object

    def forget(self):
        """The profiles have seen no ledger: only the receipts are left."""
        self.world.path(f"home/state/{self.world.exchange_id}.checkpoint").unlink()

    def test_a_ledger_that_lacks_an_order_is_found_by_its_receipt(self):
        world = self.world
        transfer, _ = world.submit()
        world.place_hold("hold-1", "--transfer", transfer)
        world.cli("auditor-1", "ledger", "export", "--out", "export")
        world.stop()
        for name in ("state", "keyslot"):
            shutil.copytree(world.path(name), world.path(f"old-{name}"))
        world.start()
        lost = world.place_hold("hold-2", "--everything").object["ledger_index"]
        kept = world.path(f"home/state/receipts/{world.exchange_id}")
        receipts = sorted(kept.glob("*.tlog-proof"))
        of_lost = [path for path in receipts
                   if f"index {lost}\n" in path.read_text(encoding="utf-8")]
        self.assertEqual(len(of_lost), 1, receipts)
        # Here it is: all receipts are good.
        self.assertEqual(self.watch("--receipts", kept)["receipts"], len(receipts))
        world.stop()

        for name in ("state", "keyslot"):
            shutil.rmtree(world.path(name))
            shutil.copytree(world.path(f"old-{name}"), world.path(name))
        world.start()
        # Whoever remembers a checkpoint is told, and keeps both.
        found = self.watch(want=DEFECT)
        self.assertEqual(found["reason"], "LEDGER_INCONSISTENT")
        for which in ("kept", "refused"):
            self.assertIn("holdfast.dev/exchange/" + world.exchange_id,
                          pathlib.Path(world.path("home") / found["metadata"][which]).read_text(
                              encoding="utf-8"))
        # Whoever has only the receipt is told which entry is not there.
        self.forget()
        self.assertEqual(self.watch()["followed_from"], 0)
        self.lacks(self.watch("--receipts", of_lost[0], want=DEFECT), lost)
        self.lacks(self.watch("--receipts", kept, want=DEFECT), lost)
        # So it is offline: in the export from before, and in one from now.
        self.assertEqual(self.verify("--receipts", *receipts[:1])["receipts"], 1)
        for _ in range(2):
            defect = self.verify("--receipts", of_lost[0], want=DEFECT)
            self.assertIn(defect["metadata"]["rule"], ("EARLIER", "RECEIPT"))
            world.cli("auditor-1", "ledger", "export", "--out", "export")
            self.verify()

        # Other orders take the place of the lost one.
        for number in range(3, 6):
            world.place_hold(f"hold-{number}", "--officer", "nobody")
        size = self.watch()["size"]
        self.assertGreater(size, lost)
        self.lacks(self.watch("--receipts", kept, want=DEFECT), lost)
        world.cli("auditor-1", "ledger", "export", "--out", "export")
        self.verify()
        defect = self.verify("--receipts", of_lost[0], want=DEFECT)
        self.assertIn("fork", defect["message"])

    def lacks(self, defect, index):
        self.assertEqual(defect["reason"], "LEDGER_INCONSISTENT")
        self.assertEqual((defect["metadata"]["rule"], defect["metadata"]["index"]),
                         ("RECEIPT", str(index)))


if __name__ == "__main__":
    gateway.main()
