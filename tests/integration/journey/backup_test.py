#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A disk is lost: what a backup is good for, over one real daemon.

Usage: backup_test.py HOLDFAST HOLDFASTD
"""
import pathlib
import shutil
import signal
import socket
import tempfile
import unittest
import urllib.request

import gateway
from gateway import DEFECT, DONE

PLACE = ("hold", "place", "--matter", "1:26-cv-1", "--court", "D. Example", "--order-reference",
         "ECF No. 12", "--document", "agreement.txt", "--officer", "nobody", "--yes")


class BackupTest(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.world = gateway.Gateway.create(pathlib.Path(folder.name) / "world", records=40,
                                            cooling="1s")
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.metrics = f"127.0.0.1:{free.getsockname()[1]}"
        self.world.write_config(self.world.config() + f'metrics_address: "{self.metrics}"\n')
        self.addCleanup(self.world.kill)
        self.world.start()
        self.exchange = ("--exchange-id", self.world.exchange_id)

    def one(self, who, *arguments, want=DONE):
        result = self.world.cli(who, *arguments, want=want)
        self.assertEqual(len(result.objects), 1, result)
        return result.object

    def epoch(self):
        return self.one("auditor-1", "status")["epoch"]

    def create(self, name, want=DONE):
        return self.one(None, "backup", "create", "--state", "state", "--out", name, want=want)

    def order(self, backup, newest, want=DONE):
        for name in ("order-1.json", "order-2.json"):
            self.world.path(name).unlink(missing_ok=True)
        self.one("custodian-1", "backup", "order", backup, "--lost", "verdicts of one transfer",
                 "--newest-known", newest, "--out", "order-1.json")
        return self.one("custodian-2", "backup", "order", backup, "--countersign", "order-1.json",
                        "--out", "order-2.json", want=want)

    def restore(self, backup, order="order-2.json", want=DONE):
        return self.one(None, "backup", "restore", backup, "--state", "state", "--order", order,
                        *self.exchange, want=want)

    def metric(self, name):
        with urllib.request.urlopen(f"http://{self.metrics}/metrics",
                                    timeout=gateway.SECONDS) as page:
            lines = page.read().decode().splitlines()
        begin = f'{name}{{exchange="{self.world.name}"}} '
        return next((float(line[len(begin):]) for line in lines if line.startswith(begin)), None)

    def lose_the_database(self):
        """And nothing else: the state folder still says which epoch it was."""
        for path in self.world.path("state").glob("database*"):
            path.unlink()

    def lose_the_disk(self):
        shutil.rmtree(self.world.path("state"))

    def test_one_of_this_epoch_goes_on_by_an_order_of_two_and_an_older_one_never(self):
        world = self.world
        self.create("old.backup")
        self.one("counsel-1", *PLACE)
        epoch = self.epoch()
        made = self.create("now.backup")
        self.assertEqual((made["epoch"], made["exchange_id"]), (epoch, world.exchange_id))
        # The daemon says which epoch it is as soon as it is made.
        world.wait_until("the epoch is noted", lambda: world.read("state/epoch") == f"{epoch}\n")
        self.one(None, "backup", "verify", "now.backup", "--state", "state")
        void = self.one(None, "backup", "verify", "old.backup", "--state", "state", want=DEFECT)
        self.assertEqual((void["present_epoch"], void["epoch"] < epoch), (epoch, True))
        # What comes after the backup is lost with the disk.
        world.submit()
        newest = self.one("auditor-1", "ledger", "checkpoint")["size"]
        self.assertGreater(newest, made["ledger_size"])
        world.stop()

        # Nobody restores over a database, or without an order of two about this very backup.
        self.order("now.backup", newest)
        self.assertNotEqual(self.restore_status("now.backup", "order-2.json"), 0)
        # Nor one that cannot open, where the state folder knows, whoever ordered it.
        self.lose_the_database()
        self.order("old.backup", newest)
        before = sorted(world.path("state").iterdir())
        refused = self.restore("old.backup", want=None)
        self.assertEqual(refused["reason"], "EPOCH_UNKNOWN")
        self.assertIn(f"Look for a backup of epoch {epoch}", refused["message"])
        self.assertEqual(sorted(world.path("state").iterdir()), before)
        self.order("now.backup", newest)
        self.lose_the_disk()
        self.assertNotEqual(self.restore_status("now.backup", "order-1.json"), 0)
        self.assertNotEqual(self.restore_status("old.backup", "order-2.json"), 0)
        self.assertFalse(world.path("state/database").exists())

        # A copy is not a restoration: the daemon takes no backup for a database.
        world.path("state").mkdir(mode=0o700, exist_ok=True)
        shutil.copy(world.path("now.backup"), world.path("state/database"))
        self.assertIn("holdfast backup restore", self.refusal()["text"])
        self.lose_the_disk()

        # One from before the hold can be put there, by two people; the keyslot does not open it.
        self.order("old.backup", newest)
        self.restore("old.backup")
        refused = self.refusal()
        self.assertEqual(refused["reason"], "EPOCH_UNKNOWN")
        self.assertIn("never opens", refused["text"])
        self.lose_the_disk()

        self.order("now.backup", newest)
        restored = self.restore("now.backup")
        self.assertEqual((restored["signatures"], restored["newest_known"]), (2, newest))
        self.assertIn(f"restored-{made['ledger_size']}.json",
                      [path.name for path in world.path("state").iterdir()])
        world.start()
        # Whoever has seen the ledger before refuses it, and is right.
        self.assertNotEqual(world.cli("auditor-1", "ledger", "watch", want=None).status, 0)
        # The ledger has the order before anything else, and an epoch follows it.
        world.wait_until("an epoch follows the restoration",
                         lambda: world.read("state/epoch") == f"{epoch + 1}\n")
        for kept in world.path("home/state").rglob("*"):
            if kept.is_file():
                kept.unlink()
        world.verify_ledger()
        first = world.export_entries()[made["ledger_size"]]
        self.assertIn(b"application/vnd.holdfast.restore.v1+json", first)

        # The same order restores once: that backup is void, wherever it is put.
        world.stop()
        self.lose_the_disk()
        self.restore("now.backup")
        self.assertEqual(self.refusal()["reason"], "EPOCH_UNKNOWN")

    def test_who_was_struck_off_lets_nothing_go_on(self):
        world = self.world
        self.one("custodian-1", "identity", "strike-off", "custodian-2", "--reason", "a stolen key",
                 "--yes")
        made = self.create("now.backup")
        refused = self.order("now.backup", made["ledger_size"], want=None)
        self.assertEqual(refused["reason"], "SIGNATURE_INVALID")
        # An order from before, of somebody who was struck off since.
        world.path("order-1.json").unlink()
        self.one("custodian-1", "backup", "order", "now.backup", "--lost", "nothing",
                 "--newest-known", made["ledger_size"], "--out", "order-1.json")
        self.one("counsel-1", "backup", "order", "now.backup", "--countersign", "order-1.json",
                 "--out", "order-2.json")
        world.stop()
        self.lose_the_disk()
        self.restore("now.backup")
        world.start()

    def restore_status(self, backup, order):
        return self.world.cli(None, "backup", "restore", backup, "--state", "state", "--order",
                              order, *self.exchange, want=None).status

    def refusal(self):
        _, said = self.world.refuses_to_start()
        return said

    def look_again_until(self, epoch):
        looked = len(self.world.daemon.events)
        self.world.daemon.process.send_signal(signal.SIGHUP)
        self.world.daemon.wait_for("reloaded", looked)
        self.world.wait_until("the metric follows",
                              lambda: self.metric("holdfast_backup_epoch") == epoch)

    def test_a_folder_of_backups_loses_those_that_are_void(self):
        made = ("backup", "create", "--state", "state", "--into", "backups")
        first = self.one(None, *made)
        self.one("counsel-1", *PLACE)
        second = self.one(None, *made)
        self.assertGreater(second["epoch"], first["epoch"])
        self.assertEqual([path.name for path in self.world.path("backups").iterdir()],
                         [pathlib.Path(second["file"]).name])
        self.assertEqual(self.world.read("state/backup-epoch"), f"{second['epoch']}\n")
        # The daemon looks once a minute, and whenever it is told to.
        self.assertEqual(self.metric("holdfast_backup_epoch"), 0)
        self.look_again_until(second["epoch"])
        self.assertEqual(self.metric("holdfast_epoch"), second["epoch"])
        self.one("counsel-1", *PLACE)
        self.assertEqual(self.metric("holdfast_epoch"), second["epoch"] + 1)
        self.look_again_until(second["epoch"])
        third = self.one(None, *made)
        self.look_again_until(third["epoch"])
        damaged = bytearray(self.world.path(third["file"]).read_bytes())
        damaged[len(damaged) // 2:] = b""
        self.world.path("damaged.backup").write_bytes(damaged)
        self.assertNotEqual(
            self.world.cli(None, "backup", "verify", "damaged.backup", want=None).status, 0)


if __name__ == "__main__":
    gateway.main()
