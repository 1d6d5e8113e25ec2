#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The whole life of a transfer, played with the real programs: script/demo, with each claim checked.

Usage: journey_test.py HOLDFAST HOLDFASTD
"""
import csv
import datetime
import pathlib
import shutil
import sqlite3
import tempfile
import unittest

import gateway
from gateway import DEFECT, DONE, HELD, PARTLY, REFUSED, WAITS

RECORDS = 600
DESTROYED = 47

# What the request gate has to say about each kind of row that the sample means to be refused.
REASON_OF_KIND = {
    "address missing": "ADDRESS_MISSING",
    "city missing": "CITY_MISSING",
    "ZIP malformed": "POSTAL_CODE_MALFORMED",
    "ZIP of another state": "STATE_INCOHERENT",
    "placeholder for an address": "ADDRESS_PLACEHOLDER",
    "placeholder for a name": "NAME_PLACEHOLDER",
    "no fixed address": "ADDRESS_TRANSIENT",
    "name incomplete": "NAME_INCOMPLETE",
    "tax number malformed": "TAX_NUMBER_MALFORMED",
    "birth date impossible": "BIRTH_DATE_MALFORMED",
    "case missing": "CASE_MISSING",
}
# What the sample's agreement lets leave, and what the source's file has beside it.
PERMITTED = ["return_year", "filing_status", "adjusted_gross_income", "wages", "tax_withheld",
             "refund_amount", "employer", "employer_number", "occupation", "return_received",
             "dependents_claimed", "last_contact"]
WITHHELD = ["bank_routing", "bank_account", "preparer", "dependents", "office_note"]


def graft_top_page(source, target):
    """Copies the sealed top page of one database over another's, as an attacker could."""
    rows = None
    for folder in (source, target):
        database = sqlite3.connect(folder / "database")
        if rows is None:
            rows = database.execute("SELECT * FROM top_page").fetchall()
        else:
            with database:
                database.execute("DELETE FROM top_page")
                marks = ", ".join("?" * len(rows[0]))
                database.executemany(f"INSERT INTO top_page VALUES ({marks})", rows)
        database.close()


class JourneyTest(unittest.TestCase):
    maxDiff = None

    def test_a_record_is_released_opened_frozen_and_taken_back(self):
        with tempfile.TemporaryDirectory() as folder:
            self.world = gateway.Gateway.create(folder, records=RECORDS)
            self.addCleanup(self.world.kill)
            self.world.cli(None, "sample", "--records", 60, "--seed", 2, "--out", "other")
            self.world.start()
            self.submit()
            self.deliver_and_open()
            self.freeze()
            self.lift()
            self.destroy()
            self.old_databases_refuse()
            self.verify()

    def submit(self):
        world = self.world
        self.transfer, submitted = world.submit()
        self.truth = gateway.read_csv_by_row(world.path("sample/truth.csv"))
        refused = gateway.read_csv_by_row(world.path("sample/refused.csv"))
        expected = {row: REASON_OF_KIND[line["kind"]] for row, line in self.truth.items()
                    if line["outcome"] == "refused"}
        self.assertEqual({row: line["reason"] for row, line in refused.items()}, expected)
        self.assertEqual(submitted["refused"], gateway.count(expected.values()))
        self.assertEqual(submitted["subjects"], RECORDS)
        self.assertEqual(submitted["accepted"], RECORDS - len(expected))
        # Nobody but a custodian approves, and nothing reaches the source before.
        pending = world.cli("custodian-1", "order", "pending").object
        self.assertEqual((pending["kind"], pending["command"].split()[-1]),
                         ("approval", self.transfer))
        world.cli("source-1", "source", "serve", self.transfer, "--people", "sample/people.csv",
                  want=WAITS)
        shown = world.cli("requester-1", "transfer", "show", self.transfer)
        self.assertEqual(shown.object["state"], "AWAITING_APPROVAL")

    def deliver_and_open(self):
        world = self.world
        accepted = [row for row, line in self.truth.items() if line["outcome"] != "refused"]
        collected = world.deliver(self.transfer)
        self.assertEqual(collected["envelopes"], len(accepted))
        about = world.cli(None, "envelope", "inspect", "sample/envelopes").object
        self.assertEqual((about["transfer"], about["complete"], about["exchange_id"]),
                         (self.transfer, True, world.exchange_id))
        opened = world.open().object
        self.assertEqual(opened["opened"], len(accepted))
        self.assertEqual(opened["not_released"], 0)
        records = gateway.read_csv_by_row(world.path("sample/records.csv"))
        self.check_records(records, accepted)
        self.opened_rows = sorted(records)

    def check_records(self, records, rows):
        """What was opened is exactly the truth about these rows: no other person, no other field."""
        with open(self.world.path("sample/people.csv"), newline="", encoding="utf-8") as file:
            people = {line["person_id"]: line for line in csv.DictReader(file)}
        self.assertEqual(sorted(records), sorted(rows))
        header = ["row", "reference", "result", "ledger_index", *PERMITTED]
        everything = self.world.read("sample/records.csv")
        for row, record in records.items():
            truth = self.truth[row]
            self.assertEqual(list(record), header)
            result = "released" if truth["outcome"] == "released" else "nothing released"
            self.assertEqual(record["result"], result, truth)
            person = people.get(truth["person_id"])
            expected = {field: person[field] if person else "" for field in PERMITTED}
            self.assertEqual({field: record[field] for field in PERMITTED}, expected, truth)
            for field in WITHHELD if person else ():
                if len(person[field]) > 8:
                    self.assertNotIn(person[field], everything)

    def freeze(self):
        world = self.world
        self.other, _ = world.submit("other")
        world.deliver(self.other, "other")
        world.stop()
        shutil.copytree(world.path("state"), world.path("state-before-hold"))
        world.start()
        placed = world.place_hold("hold-1", "--transfer", self.transfer).object
        self.assertTrue(placed["anchored"])
        refused = world.open(out="again.csv", want=HELD).object
        self.assertEqual(refused["reason"], "HELD")
        self.assertEqual(refused["metadata"]["matter"], "1:26-cv-hold-1")
        self.assertIn("1:26-cv-hold-1", refused["help"])
        people = world.cli("requester-1", "envelope", "open", "sample/envelopes", "--list",
                           "sample/requests.csv", "--out", "sample/again.csv", want=HELD,
                           json_form=False)
        self.assertRegex(people.err, r"\n  refused: matter 1:26-cv-hold-1, ledger entry \d+\n")
        self.assertFalse(refused["retryable"])
        self.assertFalse(world.path("sample/again.csv").exists())
        self.assertGreater(world.open("other").object["released"], 0)
        shown = world.cli("requester-1", "transfer", "show", self.transfer).object
        self.assertEqual(shown["matters"], ["1:26-cv-hold-1"])

    def lift(self):
        world = self.world
        world.cli("counsel-1", "hold", "lift", "hold-1", "--reason", "vacated", "--yes")
        # The one who proposed it cannot be the second person.
        alone = world.cli("counsel-1", "hold", "lift", "hold-1", "--confirm", "--yes", want=REFUSED)
        self.assertEqual(alone.object["reason"], "ORDER_REJECTED")
        world.open(out="again.csv", want=HELD)
        world.cli("counsel-2", "hold", "lift", "hold-1", "--confirm", "--yes")
        hold = self.hold()
        if hold["state"] != "LIFTED":  # Unless this machine took that long.
            self.assertEqual(hold["state"], "LIFT_CONFIRMED")
            early = world.open(out="again.csv", rows=["0-99"], want=(HELD, DONE))
            lift_at = datetime.datetime.fromisoformat(hold["lift_at"].replace("Z", "+00:00"))
            now = datetime.datetime.now(datetime.timezone.utc)
            self.assertTrue(early.status == HELD or now >= lift_at, early)
            placed_at = datetime.datetime.fromisoformat(hold["placed_at"].replace("Z", "+00:00"))
            self.assertGreaterEqual(lift_at - placed_at, datetime.timedelta(seconds=6))
        world.wait_until("the lift is in force", lambda: self.hold()["state"] == "LIFTED")
        again = world.open(out="again.csv", rows=["0-99"]).object
        self.assertEqual(again["opened"], sum(row < 100 for row in self.opened_rows))

    def hold(self):
        (hold,) = self.world.cli("counsel-1", "hold", "list", "--all").objects
        return hold

    def destroy(self):
        world = self.world
        world.stop()
        shutil.copytree(world.path("state"), world.path("state-before-destruction"))
        world.start()
        last = self.opened_rows[DESTROYED - 1]
        scope = ("--transfer", self.transfer, "--rows", f"0-{last}")
        self.assertEqual(world.cli("custodian-1", "disposal", "preview", *scope).object["count"],
                         DESTROYED)
        world.cli("custodian-1", "disposal", "revoke", *scope, "--reason", "asked in error",
                  "--yes")
        waiting = world.cli("custodian-2", "disposal", "list").object
        self.assertEqual((waiting["state"], waiting["count"]), ("AWAITING_APPROVAL", DESTROYED))
        revocation = waiting["revocation_index"]
        alone = world.cli("custodian-1", "disposal", "approve", revocation, "--yes", want=REFUSED)
        self.assertEqual(alone.object["reason"], "ORDER_REJECTED")
        world.cli("custodian-2", "disposal", "approve", revocation, "--yes")
        world.wait_until("the keys are destroyed", lambda: world.cli(
            "custodian-1", "disposal", "list").object["state"] == "DESTROYED")
        gone = world.open(out="after.csv", want=PARTLY).object
        self.assertEqual(gone["not_released"], DESTROYED)
        self.assertEqual(gone["opened"], len(self.opened_rows) - DESTROYED)
        left = gateway.read_csv_by_row(world.path("sample/after.csv"))
        self.assertEqual(sorted(left), self.opened_rows[DESTROYED:])
        # Asked for alone, each of them is refused, and the earlier result stays as it is.
        world.open(out="none.csv", rows=[f"0-{last}"], want=(PARTLY, REFUSED))
        if world.path("sample/none.csv").exists():
            self.assertEqual(gateway.read_csv_by_row(world.path("sample/none.csv")), {})

    def old_databases_refuse(self):
        world = self.world
        world.stop()
        today, state = world.path("state-today"), world.path("state")
        state.rename(today)
        for old, graft in (("state-before-destruction", False), ("state-before-hold", False),
                           ("state-before-destruction", True)):
            shutil.copytree(world.path(old), state)
            if graft:
                graft_top_page(today, state)
            self.refuses("EPOCH_UNKNOWN", "one of the two was restored or lost")
            shutil.rmtree(state)
        # Today's, with some entries fewer: the epoch fits, and the head that was written does not.
        shutil.copytree(today, state)
        clients = world.path("home/state")
        shutil.copytree(clients, world.path("clients-today"))
        world.start()
        world.open(out="more.csv", rows=["0-99"], want=PARTLY)
        world.stop()
        for name in ("database", "database-wal", "database-shm"):
            state.joinpath(name).unlink(missing_ok=True)
            if today.joinpath(name).exists():
                shutil.copy(today / name, state / name)
        self.refuses("LEDGER_INCONSISTENT", "older than, or another than")
        shutil.rmtree(state)
        today.rename(state)
        world.start()
        # With the head that belongs to it the database opens: the keyslot has no later epoch. A client
        # that has seen the entries that are gone now does not accept that.
        noticed = world.cli("custodian-1", "disposal", "list", want=DEFECT)
        self.assertEqual(noticed.object["reason"], "LEDGER_INCONSISTENT")
        shutil.rmtree(clients)
        world.path("clients-today").rename(clients)
        about = world.cli("custodian-1", "status").object
        self.assertTrue(about["serving"])
        self.assertEqual(about["records"]["destroyed"], DESTROYED)

    def refuses(self, reason, text):
        status, failed = self.world.refuses_to_start()
        self.assertEqual((status, failed["reason"]), (gateway.CONFIGURATION, reason), failed)
        self.assertIn(text, failed["text"])

    def verify(self):
        world = self.world
        report = world.verify_ledger()
        accepted = len(self.opened_rows)
        self.assertEqual(report["records"]["destroyed"], DESTROYED)
        self.assertEqual(report["entries"], report["decided_again"])
        self.assertEqual(sum(report["facts"].values()), report["entries"])
        self.assertEqual(report["facts"]["subject_judged"], RECORDS + 60)
        self.assertEqual(report["facts"]["transfer_closed"], 2)
        self.assertEqual(report["facts"]["records_destroyed"], 1)
        self.assertGreaterEqual(report["facts"]["key_released"], 2 * accepted - DESTROYED)
        self.assertGreaterEqual(report["refusals"]["FROZEN"], 2)
        world.stop()
        # Public keys are enough: nothing of the gateway is there, and neither is a profile.
        people = world.cli(None, "ledger", "verify", "export", "--exchange-id", world.exchange_id,
                           json_form=False)
        self.assertIn("No key left under a freeze", people.out)
        self.every_alteration_is_found()

    def every_alteration_is_found(self):
        world = self.world
        bundles = sorted(path for path in world.path("export/tile/entries").rglob("*")
                         if path.is_file())
        checkpoint = world.path("export/checkpoint")
        for path, at in ((bundles[0], 0.5), (bundles[-1], 0.3), (bundles[-1], 0.999),
                         (checkpoint, 0.1), (checkpoint, 0.9)):
            whole = path.read_bytes()
            altered = bytearray(whole)
            altered[int(len(whole) * at)] ^= 1
            for what, data in (("a bit", bytes(altered)), ("its end", whole[:-1])):
                with self.subTest(path=path.name, what=what, at=at):
                    path.write_bytes(data)
                    self.expect_defect()
            path.write_bytes(whole)
        pathlib.Path(bundles[1]).unlink()
        self.expect_defect()

    def expect_defect(self):
        world = self.world
        found = world.cli(None, "ledger", "verify", "export", "--exchange-id", world.exchange_id,
                          want=DEFECT).object
        self.assertIn(found["reason"], ("LEDGER_INCONSISTENT", "SIGNATURE_INVALID"), found)


if __name__ == "__main__":
    gateway.main()
