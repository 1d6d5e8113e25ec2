#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What counsel do to a hold besides placing and lifting it, over one real daemon.

Usage: hold_acts_test.py HOLDFAST HOLDFASTD
"""
import pathlib
import tempfile
import unittest

import gateway
from gateway import BAD_INPUT, DONE, HELD, NOT_PERMITTED, PARTLY, REFUSED, WAITS


class HoldActsTest(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.world = gateway.Gateway.create(
            pathlib.Path(folder.name) / "world", records=40, cooling="1s",
            edit=lambda text: text.replace(
                "  record_size_bytes", "  notice_deadline { seconds: 1 }\n"
                "  document_deadline { seconds: 1 }\n  record_size_bytes", 1))
        cls.world.issue("counsel-3", "counsel")
        cls.addClassCleanup(cls.world.kill)
        cls.world.start()
        cls.world.write_profile("counsel-3", cls.world.port)
        cls.transfer, _ = cls.world.submit()
        cls.world.deliver(cls.transfer)
        cls.world.open()

    def act(self, who, *arguments, want=gateway.DONE):
        return self.world.cli(who, *arguments, "--yes", want=want)

    def hold(self, name, who="counsel-1"):
        return self.world.cli(who, "hold", "show", name).object

    def place(self, name, *options, want=gateway.DONE):
        return self.act("counsel-1", "hold", "place", "--id", name, "--matter", "1:26-cv-1",
                        *options, want=want)

    def overdue(self, name, what):
        """Whether it is overdue. The ledger's time, which says so, goes on with what is decided."""
        self.world.open(out="later.csv", rows=["30-39"], want=(DONE, PARTLY))
        return self.hold(name)[what]

    def until(self, name, state):
        self.world.wait_until(f"{name} is {state}", lambda: self.hold(name)["state"] == state)

    def pending(self, who="counsel-1"):
        return " ".join(one["command"] for one in self.world.cli(who, "order", "pending").objects)

    def notices(self, *options):
        return [one for one in self.world.cli("requester-1", "notices", "list", *options).objects
                if one["hold"] == "hold-a"]

    def test_a_hold_from_its_placing_to_its_restoring(self):
        world = self.world
        world.write("order.pdf", "It is ordered.")
        self.place("hold-a", "--everything", want=BAD_INPUT)  # A written order has a document.
        placed = self.place("hold-a", "--basis", "oral", "--court", "D. Example", "--transfer",
                            self.transfer, "--rows", "0-9").object
        self.assertTrue(placed["verified"])

        # On an oral order: its document follows, and is overdue until it does.
        world.wait_until("the document is overdue", lambda: self.overdue(
            "hold-a", "document_overdue"))
        self.assertIn("hold-a", [one["id"] for one in world.cli(
            "counsel-1", "hold", "list", "--overdue").objects])
        self.assertIn("hold attach hold-a", self.pending())
        self.act("counsel-2", "hold", "attach", "hold-a", "--order-reference", "ECF No. 12",
                 "--document", "order.pdf")
        self.assertFalse(self.hold("hold-a")["document_overdue"])

        # The requester has keys of its records: it gets notice, and counsel of its side says so.
        world.wait_until("notice is given", self.notices)
        (notice,) = self.notices()
        self.assertEqual(notice["requester"], "requester-1")
        watched = world.cli("requester-1", "notices", "watch", "--once").objects
        self.assertIn(notice["notice_index"], [one["notice_index"] for one in watched])
        world.wait_until("the notice is overdue", lambda: self.overdue(
            "hold-a", "notices_overdue"))
        self.assertIn("notices acknowledge hold-a", self.pending("counsel-3"))
        self.act("counsel-1", "notices", "acknowledge", "hold-a", want=NOT_PERMITTED)
        self.act("counsel-3", "notices", "acknowledge", "hold-a")
        self.act("counsel-3", "notices", "acknowledge", "hold-a")  # Nothing more to do.
        self.assertEqual(self.notices(), [])
        self.assertEqual(self.notices("--all")[0]["acknowledged_by"], "counsel-3")
        self.assertNotIn("hold-a", [one["id"] for one in world.cli(
            "counsel-1", "hold", "list", "--overdue").objects])

        # What only widens counts at once; what narrows takes two and the cooling period.
        self.act("counsel-1", "hold", "amend", "hold-a", "--reason", "x", want=BAD_INPUT)
        self.act("counsel-1", "hold", "amend", "hold-a", "--transfer", self.transfer, "--reason",
                 "the court widened it")
        self.assertEqual(self.hold("hold-a")["scope"], self.transfer)
        waits = self.act("counsel-1", "hold", "amend", "hold-a", "--transfer", self.transfer,
                         "--rows", "0-4", "--reason", "the court narrowed it", want=WAITS)
        self.assertTrue(waits.object["needs_second_person"])
        self.assertIn("hold amend hold-a --confirm", self.pending())
        self.assertEqual(self.hold("hold-a")["scope"], self.transfer)
        self.act("counsel-1", "hold", "amend", "hold-a", "--confirm", want=REFUSED)
        self.act("counsel-2", "hold", "amend", "hold-a", "--confirm")
        world.wait_until("it is narrowed", lambda: self.hold("hold-a")["scope"] != self.transfer)
        self.assertIn("rows 0-4", self.hold("hold-a")["scope"])

        # Lifted, and put in force again.
        self.act("counsel-1", "hold", "lift", "hold-a", "--reason", "vacated")
        self.act("custodian-1", "hold", "lift", "hold-a", "--confirm")
        self.until("hold-a", "LIFTED")
        world.open(out="lifted.csv", rows=["0-4"], want=(DONE, PARTLY))
        self.act("counsel-2", "hold", "restore", "hold-a", "--reason", "reversed on appeal")
        self.assertEqual(self.hold("hold-a")["state"], "IN_FORCE")
        world.open(out="held.csv", rows=["0-4"], want=HELD)

        # The history that the gateway tells is the one that the ledger proves.
        world.verify_ledger()
        told = world.cli("counsel-1", "hold", "history", "hold-a").objects
        proven = world.cli("counsel-1", "hold", "history", "hold-a", "--export", "export").objects
        self.assertEqual([one["act"] for one in told],
                         ["placed", "document attached", "amended", "amendment proposed",
                          "amendment confirmed", "amended", "lift proposed", "lift confirmed",
                          "lifted", "restored"])
        acts = {one["index"]: one["act"] for one in proven}
        for one in told:
            if one["person"]:
                self.assertIn(one["index"], acts)
        self.assertEqual([one["act"] for one in proven if "acknowledge" in one["act"]],
                         ["acknowledge notice"])
        page = world.cli("counsel-1", "hold", "certificate", "hold-a", "export", "--out",
                         "page.txt").object
        self.assertTrue(page["in_force"])
        self.assertEqual(page["releases_after"], 0)

    def test_a_court_orders_destruction_under_a_hold(self):
        world = self.world
        world.write("order.pdf", "It is ordered.")
        on_order = ("--court", "D. Example", "--order-reference", "ECF No. 30", "--document",
                    "order.pdf")
        rows = ("--transfer", self.transfer, "--rows", "20-29")
        self.place("hold-b", *on_order, "--kind", "preserve", *rows)
        revoked = self.act("custodian-1", "disposal", "revoke", *rows, "--reason", "asked in error")
        index = revoked.object["ledger_index"]
        self.act("custodian-2", "disposal", "approve", index)
        conflict = next(one for one in world.cli("counsel-1", "disposal", "conflicts").objects
                        if one["revocation_index"] == index)
        self.assertEqual([(one["hold"], one["records"]) for one in conflict["holds"]],
                         [("hold-b", conflict["count"])])
        authorise = ("disposal", "authorise", index, "--matter", "1:26-cv-1", *on_order)
        self.act("counsel-1", *authorise)
        self.assertIn(f"disposal authorise {index}", self.pending())
        self.act("counsel-1", *authorise, want=REFUSED)  # Two people are two people.
        self.act("custodian-1", *authorise)
        world.wait_until("they are destroyed", lambda: next(
            one for one in world.cli("custodian-1", "disposal", "list").objects
            if one["revocation_index"] == index)["state"] == "DESTROYED")
        self.assertEqual(self.hold("hold-b")["state"], "IN_FORCE")

    def test_who_is_struck_off_does_nothing_more(self):
        struck = self.act("counsel-1", "identity", "strike-off", "custodian-2", "--reason",
                          "a lost token")
        self.assertTrue(struck.object["verified"])
        self.assertNotEqual(self.world.cli("custodian-2", "disposal", "list", want=None).status, 0)
        self.act("counsel-1", "identity", "strike-off", "requester-1", "--reason", "not mine",
                 want=REFUSED)


if __name__ == "__main__":
    gateway.main()
