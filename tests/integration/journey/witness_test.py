#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""No key leaves while a witness of each side has not signed the ledger for longer than the agreement
allows. Holds and orders are taken all the same; and when the witnesses are back, nobody has to do
anything. A witness that has seen more than the gateway has is an error in the gateway's log.

Usage: witness_test.py HOLDFAST HOLDFASTD
"""
import pathlib
import shutil
import tempfile
import unittest

import gateway
from gateway import DEFECT, DONE, HELD, PARTLY, TRY_AGAIN

MAX_AGE = 5  # Seconds.


def shorten(text):
    before = "witness_max_age { seconds: 3600 }"
    assert before in text
    return text.replace(before, f"witness_max_age {{ seconds: {MAX_AGE} }}")


class WitnessTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.world = gateway.Gateway.create(pathlib.Path(folder.name) / "world", records=40,
                                           cooling="1s", edit=shorten, witnesses=True)
        cls.addClassCleanup(cls.world.kill)
        cls.addClassCleanup(cls.world.stop_witnesses)
        cls.world.start()

    def status(self):
        return self.world.cli("auditor-1", "status").object

    def refused(self):
        """Keys are refused for want of witnesses; returns the error."""
        self.world.path("sample/no.csv").unlink(missing_ok=True)
        result = self.world.open(out="no.csv", rows=["0-5"], want=(DONE, TRY_AGAIN))
        if result.status == DONE:
            return None
        self.assertEqual(result.object["reason"], "NOT_WITNESSED", result)
        return result.object

    def opens(self):
        self.world.path("sample/yes.csv").unlink(missing_ok=True)
        return self.world.open(out="yes.csv", rows=["0-5"],
                               want=(DONE, PARTLY, HELD, TRY_AGAIN)).status in (DONE, PARTLY)

    def test_a_journey_with_witnesses(self):
        world = self.world
        transfer, _ = world.submit()
        world.deliver(transfer)

        # Nobody has signed yet: all went, but for keys.
        error = self.refused()
        self.assertEqual(error["metadata"]["refusal"], "NOT_WITNESSED")
        self.assertNotIn("witnessed_at", self.status())
        self.assertIn("NOT WITNESSED", world.cli("auditor-1", "status", json_form=False).out)
        world.start_witness("source")
        world.wait_until("the source's witness signs",
                         lambda: any(one["size"] for one in self.status()["witnesses"]))
        self.assertIsNotNone(self.refused(), "one side is no quorum")
        world.start_witness("requester")
        world.wait_until("both sign, and keys leave", self.opens)
        self.assertIn("witnessed_at", self.status())

        # One goes: keys stop, holds do not. It comes back: keys go on.
        world.stop_witnesses("requester")
        world.wait_until("the agreed time is over", self.refused)
        world.place_hold("hold-1", "--transfer", transfer)
        world.open(out="held.csv", rows=["0-5"], want=HELD)
        world.cli("counsel-1", "hold", "lift", "hold-1", "--reason", "vacated", "--yes")
        world.cli("counsel-2", "hold", "lift", "hold-1", "--confirm", "--yes")
        world.start_witness("requester")
        world.wait_until("it signs again, and keys leave", self.opens)
        self.assertTrue(world.daemon.wait_for("witness_signs"))

        # The gateway is started again: nobody has to do anything.
        copies = {name: world.path(f"old-{name}") for name in ("state", "keyslot")}
        world.stop()
        for name, copy in copies.items():
            shutil.copytree(world.path(name), copy)
        world.start()
        world.wait_until("keys leave after a start", self.opens)

        report = world.verify_ledger()
        self.assertGreaterEqual(report["facts"]["checkpoint_witnessed"], 3, report)
        self.assertGreaterEqual(report["refusals"]["NOT_WITNESSED"], 3, report)
        text = world.cli(None, "ledger", "verify", "export", "--exchange-id", world.exchange_id,
                         json_form=False).out
        self.assertIn("source.holdfast.example/witness", text)
        self.assertIn("requester.holdfast.example/witness", text)

        # Database and keyslot are put back together: nothing here can tell, and both witnesses do.
        world.stop()
        for name, copy in copies.items():
            shutil.rmtree(world.path(name))
            shutil.copytree(copy, world.path(name))
        daemon = world.start()
        conflict = daemon.wait_for("witness_conflict")
        self.assertIn("holdfast.example/witness", conflict["witness"])
        self.assertEqual(conflict["level"], "error")
        world.cli("auditor-1", "ledger", "watch", want=DEFECT)
        world.wait_until("the agreed time is over", lambda: self.refuses_after_a_rollback(world))

    def refuses_after_a_rollback(self, world):
        # The requester's client is a witness, too; one that remembers nothing gets no key either.
        shutil.rmtree(world.path("home/state"), ignore_errors=True)
        return self.refused()


if __name__ == "__main__":
    gateway.main()
