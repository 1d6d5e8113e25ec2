#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What counsel do to a hold besides placing and lifting it, over one real daemon.

Usage: hold_acts_test.py HOLDFAST HOLDFASTD
"""
import json
import os
import pathlib
import re
import socket
import subprocess
import tempfile
import unittest
import urllib.request

import gateway
from gateway import (BAD_INPUT, DEFECT, DONE, HELD, NOT_PERMITTED, PARTLY, REFUSED, UNREACHABLE,
                     WAITS)


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
        with socket.create_server(("127.0.0.1", 0)) as free:
            cls.metrics = f"127.0.0.1:{free.getsockname()[1]}"
        cls.world.write_config(cls.world.config() + f'metrics_address: "{cls.metrics}"\n')
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

    def overdue_are_counted(self):
        with urllib.request.urlopen(f"http://{self.metrics}/metrics", timeout=gateway.SECONDS) as page:
            lines = page.read().decode().splitlines()
        overdue = sum(one["notices_overdue"] for one in self.world.cli(
            "counsel-1", "hold", "list").objects)
        self.assertGreater(overdue, 0)
        return f'holdfast_notices_overdue{{exchange="{self.world.name}"}} {overdue}' in lines

    def as_ordered(self, name):
        """The hold, but for what time alone changes."""
        return {key: value for key, value in self.hold(name).items()
                if "notices" not in key and "overdue" not in key}

    def orders_in_ledger(self):
        return self.world.verify_ledger()["facts"]["order_accepted"]

    def ledger_size(self):
        return self.world.cli("auditor-1", "status").object["ledger_size"]

    def facts_since(self, first):
        """What came to the ledger from entry `first` on, up to now."""
        last = self.ledger_size()
        self.world.verify_ledger()  # Which reads it, and so comes to it as well.
        with open(self.world.folder / "export" / "events.jsonl", encoding="utf-8") as file:
            return {event["fact"] for event in map(json.loads, file)
                    if first <= event["index"] < last}

    def until(self, name, state):
        self.world.wait_until(f"{name} is {state}", lambda: self.hold(name)["state"] == state)

    def pending(self, who="counsel-1"):
        return " ".join(one["command"] for one in self.world.cli(who, "order", "pending").objects)

    def watch_notices(self):
        """Watches as the requester, beside everything else; returns what reads the lines so far."""
        lines = self.world.folder / "watched.jsonl"
        with open(lines, "w", encoding="utf-8") as out:
            watching = subprocess.Popen(
                [gateway.Programs.holdfast, "--json", "--quiet", "--profile", "requester-1",
                 "notices", "watch"], cwd=self.world.folder, stdin=subprocess.DEVNULL, stdout=out,
                env={**os.environ, "HOLDFAST_HOME": str(self.world.folder / "home")})
        self.addCleanup(watching.wait, gateway.SECONDS)
        self.addCleanup(watching.kill)

        def read():
            whole, _, _ = lines.read_text(encoding="utf-8").rpartition("\n")
            return [json.loads(line) for line in whole.splitlines()]
        return read

    def notices(self, *options):
        return [one for one in self.world.cli("requester-1", "notices", "list", *options).objects
                if one["hold"] == "hold-a"]

    def test_a_hold_from_its_placing_to_its_restoring(self):
        world = self.world
        world.write("order.pdf", "It is ordered.")
        self.place("hold-a", "--everything", want=BAD_INPUT)  # A written order has a document.
        watched = self.watch_notices()
        placed = self.place("hold-a", "--basis", "oral", "--court", "D. Example", "--transfer",
                            self.transfer, "--rows", "0-9").object
        self.assertTrue(placed["verified"])

        # On an oral order: its document follows, and is overdue until it does.
        size = self.ledger_size()
        world.wait_until("the document is overdue", lambda: self.hold("hold-a")["document_overdue"])
        self.assertIn("hold-a", [one["id"] for one in world.cli(
            "counsel-1", "hold", "list", "--overdue").objects])
        self.assertIn("hold attach hold-a", self.pending())
        # Nothing was decided: time alone made it so.
        self.assertLessEqual(self.facts_since(size), {"time_advanced", "notice_given"})
        self.act("counsel-2", "hold", "attach", "hold-a", "--order-reference", "ECF No. 12",
                 "--document", "order.pdf")
        self.assertFalse(self.hold("hold-a")["document_overdue"])

        # The requester has keys of its records: it gets notice, and counsel of its side says so.
        world.wait_until("notice is given", self.notices)
        (notice,) = self.notices()
        self.assertEqual(notice["requester"], "requester-1")
        once = world.cli("requester-1", "notices", "watch", "--once").objects
        self.assertIn(notice["notice_index"], [one["notice_index"] for one in once])
        size = self.ledger_size()
        world.wait_until("the notice is overdue", lambda: self.hold("hold-a")["notices_overdue"])
        self.assertTrue(self.notices()[0]["overdue"])
        # Who watches is told when it is given, and again when it is overdue.
        def heard():
            return [one["overdue"] for one in watched()
                    if one["notice_index"] == notice["notice_index"]]
        world.wait_until("who watches hears of it", lambda: True in heard())
        self.assertFalse(heard()[0])
        self.assertEqual(heard(), sorted(heard()))
        self.assertIn("hold-a", [one["id"] for one in world.cli(
            "counsel-1", "hold", "list", "--overdue").objects])
        world.wait_until("they are counted", self.overdue_are_counted)
        self.assertLessEqual(self.facts_since(size), {"time_advanced"})
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
        widened = self.world.cli(
            "counsel-1", "hold", "amend", "hold-a", "--transfer", self.transfer, "--reason",
            "the court widened it", "--yes", json_form=False)
        self.assertRegex(widened.out, r"(?m)^IN FORCE  hold hold-a as amended since .*, ledger "
                         r"entry \d+$")
        self.assertEqual(self.hold("hold-a")["scope"], self.transfer)
        waits = self.act("counsel-1", "hold", "amend", "hold-a", "--transfer", self.transfer,
                         "--rows", "0-4", "--reason", "the court narrowed it", want=WAITS)
        self.assertTrue(waits.object["needs_second_person"])
        self.assertNotIn("open_leases", waits.object)
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
        drill = self.act("counsel-2", "hold", "restore", "hold-a", "--reason", "x", "--drill").object
        self.assertTrue(drill["would_be_accepted"])
        self.assertEqual(self.hold("hold-a")["state"], "LIFTED")
        restored = self.world.cli("counsel-2", "hold", "restore", "hold-a", "--reason",
                                  "reversed on appeal", "--yes", json_form=False)
        self.assertRegex(restored.out, r"(?m)^IN FORCE  hold hold-a again since .*, ledger entry "
                         r"\d+$")
        self.assertIn("proven: it is in the ledger", restored.out)
        self.assertIn("there is one keyslot only", restored.err)
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
        # The page for the docket says by whose order, and does not leave it to be guessed.
        world.cli("auditor-1", "ledger", "export", "--out", "ordered")
        page = world.cli("counsel-1", "hold", "certificate", "hold-b", "ordered", "--out",
                         "ordered.txt").object
        self.assertEqual(page["destroyed_after"], conflict["count"])
        self.assertEqual(page["destroyed_by_court_order"], conflict["count"])
        (order,) = page["court_orders"]
        self.assertEqual((order["records"], order["matter"], order["order_reference"]),
                         (conflict["count"], "1:26-cv-1", "ECF No. 30"))
        self.assertIn("counsel-1", order["first_by"])
        self.assertIn("custodian-1", order["second_by"])
        text = world.read("ordered.txt")
        self.assertIn(f"of these {conflict['count']} because a court ordered it, 0 otherwise", text)
        self.assertIn("By a court's order", text)
        self.assertIn("ECF No. 30", text)
        # So does the certificate of the destruction, offline and from the whole ledger again.
        made = world.cli("counsel-2", "disposal", "certificate", "create", index, "ordered", "--out",
                         "ordered.json").object
        self.assertEqual([one["member"] for one in made["authorised_by"]],
                         ["counsel-1", "custodian-1"])
        self.assertEqual((made["version"], made["holds_overridden"]), (2, 1))
        self.assertEqual([(one["requester"], one["records"]) for one in made["released_to"]],
                         [("requester-1", conflict["count"])])
        exchange = ("--exchange-id", world.exchange_id)
        for export in ((), ("--export", "ordered")):
            said = world.cli(None, "disposal", "certificate", "verify", "ordered.json", *exchange,
                             *export, json_form=False)
            self.assertIn("GENUINE", said.out)
            self.assertIn("Basis: court order", said.out)
            self.assertIn("Authorised on a court's order by: ", said.out)
            self.assertIn("but 1 that a court's order names", said.out)
        world.cli(None, "disposal", "certificate", "show", "ordered.json", *exchange, "--page",
                  "ordered.html")
        page = world.read("ordered.html")
        self.assertIn("Authorised on a court&#39;s order by", page)
        self.assertIn("(requester-1, requester), requester, principal Director</th><td>"
                      f"{conflict['count']} records under 1 lease, the first at ", page)
        # On a terminal headings stand out, what they are about does not; elsewhere nothing does.
        show = ("disposal", "certificate", "show", "ordered.json", *exchange)
        terminal = world.at_terminal("counsel-2", *show)
        self.assertEqual(terminal.ended(), DONE, terminal.shown)
        plain = world.cli("counsel-2", *show, json_form=False).out
        self.assertNotIn("\x1b", plain)
        strong = re.findall(r"(?m)^\x1b\[1m(.*)\x1b\[0m$", terminal.shown)
        self.assertEqual(strong, re.findall(r"(?m)^([^ ].*)$", plain))
        self.assertEqual(re.sub(r"\x1b\[[0-9;]*m", "", terminal.shown).split(), plain.split())

    def test_an_order_is_drafted_and_signed_without_a_gateway(self):
        world = self.world
        world.write("order.pdf", "It is ordered.")
        hold = ("hold", "place", "--id", "hold-offline", "--matter", "1:26-cv-7", "--basis",
                "anticipated", "--everything", "--kind", "preserve", "--valid-for", "7d")
        kept = world.cli("counsel-2", "order", "context", "--out", "context.json").object
        self.assertEqual(kept["file"], "context.json")
        world.stop()
        try:
            drafted = world.cli("counsel-2", *hold, "--draft", "draft.json", "--context",
                                "context.json").object
            self.assertEqual(drafted["file"], "draft.json")
            world.write("act.json", '{"attachDocument": {"holdId": "hold-offline", "court": "D.", '
                        '"orderReference": "ECF No. 1", "documentSha256": "' + "ab" * 32 + '"}}')
            world.cli("counsel-2", "order", "draft", "act.json", "--out", "draft-2.json",
                      "--context", "context.json")
            for draft in ("draft", "draft-2"):
                world.cli("counsel-2", "order", "sign", f"{draft}.json", "--yes", "--out",
                          f"{draft}.dsse")
            # What is no context, or not this person's, or of another exchange.
            offline = ("--draft", "no.json", "--context")
            for who, context in (("counsel-2", "draft.json"), ("counsel-2", "draft.dsse"),
                                 ("counsel-1", "context.json")):
                world.cli(who, *hold, *offline, context, want=BAD_INPUT)
            world.cli("counsel-2", *hold, "--yes", "--context", "context.json", want=BAD_INPUT)
            world.write("other.json", world.read("context.json").replace(
                world.exchange_id, "00" * 32))
            error = world.cli("counsel-2", *hold, *offline, "other.json", want=None).object
            self.assertEqual(error["reason"], "AGREEMENT_MISMATCH")
            # Without a context it has to ask.
            world.cli("counsel-2", *hold, "--draft", "no.json", want=UNREACHABLE)
            self.assertFalse(world.path("no.json").exists())
        finally:
            world.start()
            world.write_profile("counsel-3", world.port)
        # Anybody may deliver it, also after others' orders.
        self.place("hold-between", "--basis", "anticipated", "--everything", "--kind", "preserve")
        submitted = world.cli("counsel-1", "order", "submit", "draft.dsse").object
        self.assertTrue(submitted["verified"])
        self.assertEqual(self.hold("hold-offline")["state"], "IN_FORCE")
        # A context is for one order: the next names the one before.
        refused = world.cli("counsel-1", "order", "submit", "draft-2.dsse", want=REFUSED).object
        self.assertEqual(refused["metadata"]["refusal"], "ORDER_PREV")

    def test_counsel_practise_against_the_gateway_and_nothing_is_done(self):
        world = self.world
        world.write("order.pdf", "It is ordered.")
        rows = ("--transfer", self.transfer, "--rows", "10-14")
        self.place("hold-c", "--basis", "anticipated", "--kind", "freeze", *rows)
        before = (self.as_ordered("hold-c"), self.orders_in_ledger())
        on_order = ("--matter", "1:26-cv-9", "--court", "D. Example", "--order-reference",
                    "ECF No. 1", "--document", "order.pdf")
        drills = (
            ("counsel-1", ("hold", "place", "--id", "hold-drill", *on_order, "--everything")),
            ("counsel-2", ("hold", "amend", "hold-c", "--everything", "--reason", "wider")),
            ("counsel-2", ("hold", "amend", "hold-c", "--transfer", self.transfer, "--rows", "10-11",
                           "--reason", "narrower")),
            ("counsel-1", ("hold", "attach", "hold-c", "--court", "D. Example", "--order-reference",
                           "ECF No. 2", "--document", "order.pdf")),
            ("counsel-1", ("hold", "lift", "hold-c", "--reason", "vacated")))
        for who, command in drills:
            with self.subTest(command=command):
                drill = self.act(who, *command, "--drill").object
                self.assertEqual((drill["in_force"], drill["would_be_accepted"]), (False, True))
                self.assertEqual(drill["needs_second_person"], "narrower" in command)
                said = world.cli(who, *command, "--drill", "--yes", json_form=False)
                self.assertIn("NOTHING IS IN FORCE", said.out)
                self.assertIn("DRILL", said.err)  # Before it is signed.
                self.assertNotRegex(said.out + said.err, r"(?m)^IN FORCE|proven:|--confirm")
        # What the gateway would refuse it refuses, with the same status, and says that it was a drill.
        for command in (("hold", "restore", "hold-c", "--reason", "it stands"),
                        ("hold", "place", "--id", "hold-c", *on_order, "--everything"),
                        ("hold", "cancel-lift", "hold-c")):
            with self.subTest(command=command):
                drill = self.act("counsel-1", *command, "--drill", want=REFUSED).object
                real = self.act("counsel-1", *command, want=REFUSED).object
                self.assertEqual(drill["metadata"]["drill"], "true")
                self.assertEqual(drill["metadata"]["refusal"], real["metadata"]["refusal"])
                said = world.cli("counsel-1", *command, "--drill", "--yes", want=REFUSED,
                                 json_form=False)
                self.assertIn("DRILL: NOTHING IS IN FORCE", said.err)
        # A drill leaves nothing that somebody could deliver.
        self.act("counsel-1", "hold", "lift", "hold-c", "--reason", "x", "--drill", "--draft",
                 "drill.json", want=BAD_INPUT)
        self.assertFalse(world.path("drill.json").exists())
        self.assertEqual((self.as_ordered("hold-c"), self.orders_in_ledger()), before)
        self.assertNotIn("hold-drill", [one["id"] for one in world.cli(
            "counsel-1", "hold", "list", "--all").objects])

    def test_on_a_terminal_counsel_see_the_effect_and_are_asked(self):
        world = self.world
        world.write("order.pdf", "It is ordered.")
        rows = ("--transfer", self.transfer, "--rows", "30-34")
        place = ("hold", "place", "--id", "hold-d", "--matter", "1:26-cv-4", "--court", "D. Example",
                 "--order-reference", "ECF No. 4", "--document", "order.pdf", "--kind",
                 "freeze", *rows)
        orders = self.orders_in_ledger()
        # Who says anything but yes has done nothing.
        for words in ("", "n", "nay"):
            terminal = world.at_terminal("counsel-1", *place)
            terminal.answer("Sign this order? [y/N] ", words)
            self.assertEqual(terminal.ended(), BAD_INPUT, terminal.shown)
            self.assertIn("the order was not signed", terminal.shown)
        world.cli("counsel-1", *place, want=BAD_INPUT)  # Nobody is there to be asked.
        world.cli("counsel-1", "hold", "show", "hold-d", want=BAD_INPUT)
        self.assertEqual(self.orders_in_ledger(), orders)

        touched = world.cli("counsel-1", "hold", "preview", *rows).object
        terminal = world.at_terminal("counsel-1", *place)
        terminal.answer("Sign this order? [y/N] ", "yes")
        self.assertEqual(terminal.ended(), DONE, terminal.shown)
        before, after = terminal.shown.split("Sign this order? ")
        self.assertIn("What it touches:", before)
        self.assertRegex(before, rf"\b{touched['records']} records\b")
        # In the zone of who reads, with its offset.
        time = r"\S+ \S+ -0[45]00 \(E[SD]T\)"
        self.assertRegex(before, f"signed at {time}, void from {time} on")
        self.assertRegex(after, rf"(?m)^IN FORCE  hold hold-d since {time} \(\S+Z\), ledger entry \d+$")
        self.assertEqual(self.hold("hold-d")["state"], "IN_FORCE")

        # A FREEZE needs no key to be kept. A PRESERVE does, and is told where that one place may fail.
        self.assertNotIn("one keyslot only", terminal.shown)
        terminal = world.at_terminal("counsel-1", "hold", "amend", "hold-d", "--kind", "both",
                                     "--reason", "the court widened it")
        terminal.answer("Sign this order? [y/N] ", "y")
        self.assertEqual(terminal.ended(), DONE, terminal.shown)
        self.assertIn("there is one keyslot only", terminal.shown)

    def test_an_identity_is_asked_for_on_a_terminal(self):
        refused = gateway.read_csv_by_row(self.world.path("sample/refused.csv"))
        person = next(person for row, person in gateway.read_csv_by_row(
            self.world.path("sample/requests.csv")).items()
                      if person["birth_date"] and person["tax_number"] and row not in refused)
        terminal = self.world.at_terminal("counsel-1", "hold", "preview", "--identity", "-")
        terminal.answer("Name: ", person["name"])
        terminal.answer("Tax number, if known: ", "")
        terminal.answer("Birth date (YYYY-MM-DD), if known: ", person["birth_date"])
        self.assertEqual(terminal.ended(), DONE, terminal.shown)
        self.assertIn("asked for by name and birth date", terminal.shown)
        self.assertRegex(terminal.shown, r"\b1 records\b")

    def test_a_requester_sees_holds_by_matter_and_never_by_record(self):
        self.place("hold-e", "--basis", "anticipated", "--transfer", self.transfer, "--rows",
                   "36-37")
        listed = self.world.cli("requester-1", "hold", "list").objects
        shown = self.world.cli("requester-1", "hold", "show", "hold-e").object
        for seen in (shown, *(one for one in listed if one["id"] == "hold-e")):
            self.assertEqual((seen["matter"], seen["scope"], seen["placed_by"]),
                             ("1:26-cv-1", "", ""))
            self.assertNotIn(self.transfer, json.dumps(seen))
        self.assertIn("hold-e", [one["id"] for one in listed])
        # Nor by what it asks beside that.
        self.world.cli("requester-1", "hold", "history", "hold-e", want=NOT_PERMITTED)
        self.world.cli("requester-1", "hold", "preview", "--transfer", self.transfer,
                       want=NOT_PERMITTED)

    def test_who_is_struck_off_does_nothing_more(self):
        # What they certified stands, and it is said that they were struck off since.
        world = self.world
        world.write("order.pdf", "It is ordered.")
        revoked = self.act("custodian-1", "disposal", "revoke", "--transfer", self.transfer, "--rows",
                           "38-39", "--reason", "asked in error")
        index = revoked.object["ledger_index"]
        self.act("custodian-2", "disposal", "approve", index)
        if any(one["revocation_index"] == index for one in world.cli(
                "counsel-1", "disposal", "conflicts").objects):  # Other tests' holds.
            for who in ("counsel-1", "custodian-1"):
                self.act(who, "disposal", "authorise", index, "--matter", "1:26-cv-1", "--court",
                         "D. Example", "--order-reference", "ECF No. 31", "--document", "order.pdf")
        world.wait_until("they are destroyed", lambda: next(
            one for one in world.cli("custodian-1", "disposal", "list").objects
            if one["revocation_index"] == index)["state"] == "DESTROYED")
        world.cli("auditor-1", "ledger", "export", "--out", "before")
        certificate = ("disposal", "certificate")
        world.cli("custodian-2", *certificate, "create", index, "before", "--out", "before.json")
        struck = self.act("counsel-1", "identity", "strike-off", "custodian-2", "--reason",
                          "a lost token")
        self.assertTrue(struck.object["verified"])
        self.assertNotEqual(self.world.cli("custodian-2", "disposal", "list", want=None).status, 0)
        world.cli("auditor-1", "ledger", "export", "--out", "after")
        error = world.cli("custodian-2", *certificate, "create", index, "after", "--out",
                          "after.json", want=DEFECT).object
        self.assertEqual((error["reason"], error["metadata"]["index"]),
                         ("SIGNATURE_INVALID", str(struck.object["ledger_index"])))
        self.assertFalse(world.path("after.json").exists())
        for export, found in (("before", None), ("after", struck.object["ledger_index"])):
            verified = world.cli(None, *certificate, "verify", "before.json", "--exchange-id",
                                 world.exchange_id, "--export", export).object
            self.assertEqual(verified.get("verifier_struck_off_index"), found)
        self.act("counsel-1", "identity", "strike-off", "requester-1", "--reason", "not mine",
                 want=REFUSED)


if __name__ == "__main__":
    gateway.main()
