#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Every object that `holdfast --json` prints is the one that was frozen, and every command prints one.

Each command of every test in this folder is held against the snapshots; here all of them are made.

Usage: json_test.py HOLDFAST HOLDFASTD
"""
import base64
import contextlib
import datetime
import json
import pathlib
import shutil
import sqlite3
import subprocess
import tempfile
import unittest

import agent
import gateway
import snapshots
from gateway import (BAD_INPUT, CONFIGURATION, DEFECT, DONE, HELD, NOT_PERMITTED, PARTLY, REFUSED, USAGE,
                     WAITS)

RECORDS = 40


class SnapshotTest(unittest.TestCase):
    def test_every_schema_has_a_snapshot_and_every_snapshot_a_schema(self):
        self.assertEqual(sorted(set(snapshots.declared())), sorted(snapshots.SHAPES))
        for name, shape in snapshots.SHAPES.items():
            self.assertEqual(shape["schema"], snapshots.PREFIX + name)

    def test_an_object_that_differs_is_noticed(self):
        good = {"schema": "holdfast.cli.v1.Collected", "transfer": "t", "envelopes": 1, "file": "f"}
        snapshots.check(good)
        for bad in ({**good, "more": 1}, {**good, "envelopes": "1"}, {**good, "envelopes": True},
                    {k: v for k, v in good.items() if k != "transfer"},
                    {"schema": good["schema"], "envelopes": 1, "transfer": "t", "file": "f"},
                    {**good, "schema": "holdfast.cli.v1.Nothing"},
                    {**good, "schema": "holdfast.cli.v2.Collected"}):
            with self.assertRaises(AssertionError, msg=str(bad)):
                snapshots.check(bad)


class JsonTest(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.world = gateway.Gateway.create(pathlib.Path(folder.name) / "world", records=RECORDS,
                                           cooling="1s")
        cls.addClassCleanup(cls.world.kill)
        cls.world.start()

    def one(self, who, *arguments, want=DONE):
        """Runs a command that must print exactly one object."""
        result = self.world.cli(who, *arguments, want=want)
        self.assertEqual(len(result.objects), 1, result)
        return result.object

    def test_every_schema_is_printed_by_a_command(self):
        self.without_a_gateway()
        transfer = self.until_closed()
        self.open_and_hold(transfer)
        self.dispose(transfer)
        self.audit()
        self.move()
        self.one(None, "drill", "run", "--scenario", "rollback", "--records", 40, "--folder",
                 "drill", "--out", "drill.json", "--holdfastd", gateway.Programs.holdfastd)
        self.assertEqual(sorted(snapshots.SHAPES), sorted(self.world.schemas))

    def without_a_gateway(self):
        world = self.world
        self.one(None, "--version")
        self.one(None, "--help")
        self.one(None, "hold", "place", "--help")
        self.one(None, "help", "exit-status")
        self.one(None, "identity", "show", "keys/counsel-1.pub")
        keys = agent.Agent(world.folder)
        self.addCleanup(keys.stop)
        keys.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(world.path("ssh")))
        keys.run("ssh-add", "-q", str(world.path("ssh")))
        listed = world.cli(None, "identity", "agent", environment=keys.environment)
        self.assertEqual(len(listed.objects), 1)
        self.one(None, "agreement", "check", "agreement.txt")
        self.one(None, "agreement", "verify", "agreement.dsse")
        wrong = self.one(None, "agreement", "verify", "agreement.dsse", "--exchange-id", "00" * 32,
                         want=DEFECT)
        self.assertFalse(wrong["valid"])
        text = world.read("agreement.txt")
        world.write("broken.txt", text.replace("version: 1", "version: 0"))
        broken = self.one(None, "agreement", "check", "broken.txt", want=DEFECT)
        self.assertFalse(broken["valid"])
        self.assertGreater(len(broken["defects"]), 0)
        self.one(None, "agreement", "diff", "agreement.txt", "agreement.dsse")

    def until_closed(self):
        world = self.world
        self.assertEqual(self.one("auditor-1", "status")["keyslots"], 1)
        slot = self.one("auditor-1", "keyslot", "status")
        self.assertEqual((slot["keyslot"], slot["moving"]), ("file", False))
        world.cli("requester-1", "doctor")
        transfer, _ = world.submit()
        # What waits says for what, to programs too.
        waiting = self.one("source-1", "source", "serve", transfer, "--people",
                           "sample/people.csv", want=WAITS)
        self.assertEqual((waiting["name"], waiting["state"]), (transfer, "AWAITING_APPROVAL"))
        waiting = self.one("requester-1", "transfer", "wait", transfer, "--for", "10ms", want=WAITS)
        self.assertEqual(waiting["state"], "AWAITING_APPROVAL")
        run = ("transfer", "run", "sample/requests.csv", "--terms", "sample/terms.txt",
               "--attestation", "sample/attestation.txt", "--out", "run")
        waiting = self.one("requester-1", *run, "--for", "10ms", want=WAITS)
        self.assertEqual(waiting["state"], "AWAITING_APPROVAL")
        dossier = self.one("custodian-1", "transfer", "dossier", waiting["name"])
        self.assertEqual(dossier["digest"], waiting["dossier_digest"])
        world.let_go(waiting["name"])
        self.one("custodian-1", "transfer", "approve", waiting["name"], "--draft", "draft.json")
        self.one("custodian-1", "order", "context")
        self.one(None, "order", "show", "draft.json")
        self.one("custodian-1", "order", "sign", "draft.json", "--out", "order.dsse", "--yes")
        self.one("custodian-1", "order", "show", "order.dsse")
        self.one("custodian-1", "order", "submit", "order.dsse")
        self.by_files(waiting["name"])
        self.review(waiting["name"])
        ran = self.one("requester-1", *run)
        self.assertEqual(ran["transfer"], waiting["name"])
        self.assertEqual(len(world.cli("custodian-1", "order", "pending").objects), 1)
        # Any act can be drafted from its JSON alone, and nothing but an act.
        world.write("act.json", '{"trustClock": {"reason": "it never was in doubt"}}')
        self.one("custodian-1", "order", "draft", "act.json", "--out", "act.order.json")
        described = self.one(None, "order", "show", "act.order.json")
        self.assertIn("it never was in doubt", described["description"])
        for bad in ('{}', '{"person": "custodian-1", "trustClock": {"reason": "x"}}',
                    '{"trustClock": {"reason": "x"}, "trustClock": {"reason": "y"}}'):
            world.write("bad.json", bad)
            self.one("custodian-1", "order", "draft", "bad.json", "--out", "bad.order.json",
                     want=BAD_INPUT)
        idle = self.one("custodian-1", "order", "trust-clock", "--reason", "it never was in doubt",
                        "--yes", want=REFUSED)
        self.assertEqual(idle["metadata"]["refusal"], "CLOCK_TRUSTED")
        world.deliver(transfer)
        denied, _ = world.submit()
        for act, *more in (("suspend",), ("resume",), ("cap", "--records", "7"),
                           ("end", "--at", "2199-01-01T00:00:00Z")):
            self.one("custodian-1", "transfer", act, denied, *more, "--reason", "a look", "--yes")
        limited = self.one("custodian-1", "transfer", "show", denied)
        self.assertEqual((limited["record_cap"], limited["ends_at"]), (7, "2199-01-01T00:00:00.000Z"))
        self.one("custodian-1", "transfer", "deny", denied, "--reason", "asked twice", "--yes")
        ended = self.one("requester-1", "transfer", "wait", denied, want=REFUSED)
        self.assertEqual(ended["state"], "DENIED")
        self.assertEqual(len(world.cli("requester-1", "transfer", "list").objects), 3)
        return transfer

    def by_files(self, transfer):
        """What the source's commands say that work with files, and deposit nothing."""
        world = self.world
        subjects = ("source", "explain", transfer, "--subjects", "subjects.csv")
        self.one("source-1", "source", "pull", transfer, "--out", "subjects.csv")
        rows = gateway.read_csv_by_row(world.path("subjects.csv"))
        world.write("candidates.csv", "transfer,row,name,line1,line2,city,state,postal_code,"
                                      "tax_number,birth_date\n" +
                    "".join(f"{transfer},{row},,,,,,,,\n" for row in rows))
        tried = self.one("source-1", "source", "push", transfer, "--subjects", "subjects.csv",
                         "--candidates", "candidates.csv", "--dry-run")
        self.assertEqual(tried["verdicts"], {"NOT_FOUND": len(rows)})
        found = [self.one("source-1", *subjects, "--row", row, "--people", "sample/people.csv")
                 for row in rows]
        self.assertGreater(sum(len(each["candidates"]) for each in found), 0)

    def review(self, transfer):
        world = self.world
        serve = ("source", "serve", transfer, "--people", "sample/people.csv")
        served = self.one("source-1", *serve, want=WAITS)
        self.assertGreater(served["waiting"], 2)
        self.assertEqual(world.cli("custodian-1", "transfer", "show", transfer).object["waiting"],
                         served["waiting"])
        self.assertEqual(world.cli("requester-1", "transfer", "show", transfer).object["waiting"], 0)
        *cases, total = world.cli("custodian-1", "review", "list", "--transfer", transfer).objects
        self.assertEqual((len(cases), total["waiting"]), (served["waiting"],) * 2)
        (pending,) = (one for one in world.cli("custodian-1", "order", "pending").objects
                      if one["kind"] == "review")
        self.assertIn(f"review list --transfer {transfer}", pending["command"])
        row = cases[0]["row"]
        shown = self.one("custodian-1", "review", "show", transfer, row)
        self.assertEqual((shown["summary"]["row"], shown["summary"]["shown"]), (row, 1))
        self.assertEqual(self.one("custodian-1", "review", "rerun", transfer, row)["result"], "SAME")
        self.one("requester-1", "review", "list", want=NOT_PERMITTED)
        self.one("custodian-1", "review", "refuse", transfer, "--rows", row, "--reason", "no",
                 "--yes")
        self.one("custodian-1", "review", "refuse", transfer, "--all", "--reason", "no", "--yes")
        self.assertEqual(self.one("source-1", *serve)["waiting"], 0)

    def open_and_hold(self, transfer):
        world = self.world
        self.one(None, "envelope", "inspect", "sample/envelopes")
        row = min(gateway.read_csv_by_row(world.path("run/records.csv")))
        self.one(None, "envelope", "inspect", "sample/envelopes", "--row", row)
        world.open()
        self.one("counsel-1", "hold", "preview", "--transfer", transfer)
        place = ("--transfer", transfer)
        tried = world.place_hold("hold-1", *place, "--dry-run").object
        drill = world.place_hold("hold-1", *place, "--drill").object
        self.assertEqual((drill["in_force"], len(drill["open_leases"])), (False, 1))
        placed = world.place_hold("hold-1", *place).object
        self.assertGreater(tried["records"], 0)
        self.assertEqual(len(placed["open_leases"]), 1)
        self.assertTrue(placed["verified"])
        self.placed = placed
        # The same again gives the same receipt; the same id for something else does not.
        again = world.place_hold("hold-1", *place).object
        self.assertEqual(again["ledger_index"], placed["ledger_index"])
        world.place_hold("hold-1", "--everything", want=REFUSED)
        self.assertEqual(self.one("counsel-1", "hold", "show", "hold-1")["state"], "IN_FORCE")
        world.wait_until("the requester has notice", lambda: world.cli(
            "requester-1", "notices", "list").objects)
        error = world.open(out="again.csv", want=HELD)
        self.assertEqual(len(error.objects), 1, error)
        self.one("counsel-1", "hold", "lift", "hold-1", "--reason", "vacated", "--yes")
        pending = world.cli("counsel-1", "order", "pending").objects
        self.assertEqual([one["kind"] for one in pending], ["lift", "notice"])
        self.one("counsel-2", "hold", "lift", "hold-1", "--confirm", "--yes")
        world.wait_until("the lift is in force", lambda: world.cli(
            "counsel-1", "hold", "list", "--all").object["state"] == "LIFTED")
        # A proof of its placing says that it was placed, and not that it is in force.
        lifted = world.place_hold("hold-1", *place, want=REFUSED)
        self.assertIn("lifted", lifted.object["message"])

    def dispose(self, transfer):
        world = self.world
        scope = ("--transfer", transfer, "--rows", "0-9")
        self.one("custodian-1", "disposal", "preview", *scope)
        self.one("custodian-1", "disposal", "revoke", *scope, "--reason", "asked in error", "--yes")
        again = self.one("custodian-1", "disposal", "revoke", *scope, "--reason", "asked in error",
                         "--yes")
        self.assertEqual(again["count"], 0)
        world.place_hold("hold-9", "--kind", "preserve", *scope)
        self.one("counsel-1", "disposal", "conflicts")
        self.one("custodian-2", "disposal", "list")
        self.assertEqual(world.open(out="after.csv", want=PARTLY).object["schema"],
                         "holdfast.cli.v1.Opened")
        self.one("requester-1", "disposal", "list", want=NOT_PERMITTED)

    def audit(self):
        world = self.world
        self.one("auditor-1", "ledger", "checkpoint")
        self.one("auditor-1", "ledger", "export", "--out", "export", "--sqlite", "ledger.db")
        with contextlib.closing(sqlite3.connect(world.path("ledger.db"))) as queries:
            facts = dict(queries.execute("SELECT fact, count(*) FROM entry GROUP BY fact"))
            releases, = queries.execute("SELECT count(*) FROM release").fetchone()
        self.assertEqual(facts["key_released"], releases)
        self.assertGreater(releases, 0)
        shown = world.cli(None, "ledger", "show", "export", "--count", 7)
        self.assertEqual([line["index"] for line in shown.objects], list(range(7)))
        self.one("auditor-1", "ledger", "prove", 5, "--out", "five.tlog-proof")
        world.path("receipts").mkdir()
        shutil.copy(world.path("five.tlog-proof"), world.path("receipts"))
        watched = self.one("auditor-1", "ledger", "watch", "--receipts", "receipts")
        self.assertEqual(watched["receipts"], 1)
        self.assertGreater(watched["followed_from"], 0)
        # A receipt for another entry than the one that is there.
        text = world.read("five.tlog-proof").replace("index 5\n", "index 4\n")
        world.write("receipts/forged.tlog-proof", text)
        forged = self.one("auditor-1", "ledger", "watch", "--receipts", "receipts", want=DEFECT)
        self.assertEqual(forged["metadata"]["rule"], "RECEIPT")
        explained = self.one(None, "ledger", "explain", 5, "export")
        self.assertEqual(explained["index"], 5)
        # The folder is gone on with, and holds what the proof is of.
        again = self.one("auditor-1", "ledger", "export", "--out", "export")
        self.assertLess(again["found"], again["entries"])
        verified = self.one(None, "ledger", "verify", "export", "--exchange-id", world.exchange_id,
                            "--receipts", "five.tlog-proof", "--earlier", "export/checkpoint")
        self.assertEqual((verified["receipts"], verified["earlier_checkpoints"]), (1, 1))
        self.certify()
        self.cosigned()
        self.written_for_others()

    def certify(self):
        """The receipts that counsel got, and the page, are of this very ledger."""
        world = self.world
        receipts = world.path(f"home/state/receipts/{world.exchange_id}")
        kept = len(list(receipts.glob("*.tlog-proof")))
        self.assertGreater(kept, 10)
        verified = self.one(None, "ledger", "verify", "export", "--exchange-id", world.exchange_id,
                            "--receipts", receipts)
        self.assertEqual(verified["receipts"], kept)
        history = world.cli("counsel-1", "hold", "history", "hold-1", "--export", "export").objects
        self.assertEqual([act["act"] for act in history],
                         ["place hold", "propose lift", "confirm lift",
                          "lifted: the cooling period is over"])
        page = self.one("counsel-1", "hold", "certificate", "hold-1", "export", "--out", "page.txt")
        self.assertEqual(page["placed_index"], self.placed["ledger_index"])
        self.assertEqual(page["leaf_hash"], self.placed["leaf_hash"])
        self.assertLess(page["last_release_index"], page["placed_index"])
        self.assertEqual((page["releases_after"], page["collections_after"]), (0, 0))
        self.assertGreater(page["refused"], 0)
        self.assertGreater(page["released_before"], 0)
        self.assertEqual(len(page["open_leases"]), 1)
        self.assertFalse(page["in_force"])
        text = world.read("page.txt")
        self.assertRegex(text, r"Releases after +0\n")
        for line in verified["assumptions"]:
            self.assertIn(line, " ".join(text.split()))
        self.assertLessEqual(max(len(line) for line in text.splitlines()), 80)
        self.assertLessEqual(len(text.splitlines()), 75)
        self.one("counsel-1", "hold", "certificate", "hold-2", "export", "--out", "no.txt",
                 want=BAD_INPUT)
        self.assertFalse(world.path("no.txt").exists())
        # A ledger of which a bit is wrong gives no page.
        bundle = next(path for path in world.path("export/tile/entries").rglob("*")
                      if path.is_file())
        data = bytearray(bundle.read_bytes())
        data[len(data) // 2] ^= 1
        bundle.write_bytes(data)
        self.one("counsel-1", "hold", "certificate", "hold-1", "export", "--out", "no.txt",
                 want=DEFECT)
        self.assertFalse(world.path("no.txt").exists())
        data[len(data) // 2] ^= 1
        bundle.write_bytes(data)

    def cosigned(self):
        """A witness that anybody can run cosigns what the gateway shows."""
        world = self.world
        self.one(None, "identity", "create", "--out", "witness.key", "--no-passphrase")
        ledger = next(line.split()[1] for line in world.read("export/keys.txt").splitlines()
                      if line.startswith("checkpoint "))
        with subprocess.Popen(
                [gateway.Programs.holdfast, "--json", "--quiet", "ledger", "witness", "--name",
                 "audit.example/witness", "--key", "witness.key", "--ledger", ledger, "--state",
                 "witness"], stdout=subprocess.PIPE, text=True, cwd=world.folder) as witness:
            self.addCleanup(witness.kill)
            started = json.loads(witness.stdout.readline())
            world.schemas.add(snapshots.check(started))
            asked = f"http://127.0.0.1:{started['port']},{started['key']}"
            for _ in range(2):
                cosigned = self.one("auditor-1", "ledger", "cosign", "--witness", asked, "--out",
                                    "cosigned")
                self.assertEqual(cosigned["witnesses"][0]["name"], "audit.example/witness")
                self.one("counsel-1", "hold", "place", "--matter", "m", "--court", "c",
                         "--order-reference", "r", "--document", "agreement.txt", "--officer",
                         "nobody", "--yes")
            witness.kill()
        self.assertIn("audit.example/witness", world.read("cosigned"))
        self.one("auditor-1", "ledger", "export", "--out", "export")
        verified = self.one(None, "ledger", "verify", "export", "--exchange-id", world.exchange_id,
                            "--earlier", "cosigned")
        # The agreement does not name this witness: what it signed is no time of the agreement's.
        self.assertEqual((verified["earlier_checkpoints"], verified["witnessed_times"]), (1, []))

    def written_for_others(self):
        """What is made from a verified export: counts, statements, reports, drafts."""
        world = self.world
        verified = ("export", "--exchange-id", world.exchange_id)
        times = [json.loads(line)["entry"]["time_advanced"]["early_ms"]
                 for line in world.read("export/events.jsonl").splitlines()
                 if '"fact":"time_advanced"' in line]
        begin, end = (datetime.datetime.fromtimestamp(int(ms) / 1000, datetime.timezone.utc)
                      for ms in (times[0], times[-1]))
        year = self.one(None, "account", "year", *verified, "--year", end.year)
        self.assertGreater(sum(line["records"] for line in year["lines"]), 0)
        affected = self.one(None, "account", "affected", *verified, "--everything", "--out",
                            "affected.csv")
        self.assertEqual(affected["assumptions"], year["assumptions"])
        self.assertGreater(len(year["assumptions"]), 4)
        rows = world.read("affected.csv").splitlines()
        self.assertEqual(len(rows) - 1, affected["records"])
        self.assertGreater(affected["records"], 0)
        incident = self.one(None, "ledger", "incident", *verified, "--everything", "--what",
                            "keys left too early", "--how-found", "an auditor's count",
                            "--found-at", end.isoformat(timespec="seconds"), "--out", "incident")
        self.assertEqual(incident["records"], affected["records"])
        self.assertIn("keys left too early", world.read("incident.html"))
        self.one(None, "ledger", "certify", *verified, "--template", "--out", "certification.txt")

        judged = next(json.loads(line)["entry"]["subject_judged"]
                      for line in world.read("export/events.jsonl").splitlines()
                      if '"fact":"subject_judged"' in line and '"pseudonym"' in line)
        person = base64.b64decode(judged["pseudonym"]).hex()
        accounted = world.cli("custodian-1", "account", "person", "--pseudonym", person, "--reason",
                              "the person asked", "--yes").objects
        self.assertEqual(accounted[-1]["records"], len(accounted) - 2)
        ended = snapshots.ROOT / "tests/vectors/ledgers/policy-1-witnessed"
        exchange_id = ended.joinpath("exchange-id").read_text(encoding="ascii").strip()
        self.one(None, "account", "key-certificate", ended / "export", "--exchange-id", exchange_id,
                 "--out", "key.txt")

        # This ledger is younger than the minute that every key is given for its way.
        refused = self.one("auditor-1", "ledger", "non-use", *verified, "--everything", "--from",
                           begin.isoformat(timespec="milliseconds"), "--to",
                           end.isoformat(timespec="milliseconds"), "--out", "statement.json",
                           want=DEFECT)
        self.assertIn("does not say what was before", refused["reason"])
        # An old one, which says all that people do.
        frozen = snapshots.ROOT / "tests/vectors/ledgers/policy-1"
        exchange_id = frozen.joinpath("exchange-id").read_text(encoding="ascii").strip()
        world.write("home/profiles/audra", f"exchange_id = {exchange_id}\nmember = audra\n"
                                           f"signing_key = {frozen}/auditor.key\n")
        frozen_export = (frozen / "export", "--exchange-id", exchange_id)
        stated = self.one("audra", "ledger", "non-use", *frozen_export, "--everything", "--from",
                          "2026-09-24T00:00:00Z", "--to", "2026-09-24T09:00:00Z", "--out",
                          "statement.json")
        self.assertEqual(stated["records"], 8)
        again = self.one(None, "ledger", "verify", *frozen_export, "--statements", "statement.json")
        self.assertEqual(again["statements"][0]["by"], "audra")
        self.certify_erasure(frozen_export)
        refused = self.one("audra", "ledger", "non-use", *frozen_export, "--everything", "--from",
                           "2026-09-21T16:00:00Z", "--to", "2026-09-24T09:00:00Z", "--out",
                           "no.json", want=DEFECT)
        self.assertEqual(refused["keys_left"], len(refused["entries"]))
        self.assertGreater(refused["keys_left"], 0)
        # Nor is there one about a ledger of which an entry is gone, or that lacks what a receipt
        # promises.
        gap = world.path("gap")
        shutil.copytree(frozen / "export", gap)
        bundle = next(path for path in gap.joinpath("tile/entries").rglob("*") if path.is_file())
        entries = bundle.read_bytes()
        bundle.write_bytes(entries[:-2 - len(world.export_entries("gap")[-1])])
        for folder, *more in ((gap,), (frozen / "export", "--receipts", "five.tlog-proof")):
            self.one("audra", "ledger", "non-use", folder, "--exchange-id", exchange_id,
                     "--everything", "--from", "2026-09-24T00:00:00Z", "--to",
                     "2026-09-24T09:00:00Z", "--out", "no.json", *more, want=DEFECT)
        self.assertFalse(world.path("no.json").exists())

    def certify_erasure(self, frozen_export):
        """The certificate of a destruction: made by one person of another's act, and read offline."""
        world = self.world
        made = self.one("audra", "disposal", "certificate", "create", 44, *frozen_export, "--out",
                        "erased.json")
        self.assertEqual(made["destroyed_index"], 48)
        self.assertEqual((made["verified_by"], made["erasure_class"]), ("audra", "medium"))
        export, *exchange = frozen_export
        shown = self.one(None, "disposal", "certificate", "show", "erased.json", *exchange, "--page",
                         "erased.html")
        self.assertEqual({**shown, "file": ""}, {**made, "file": ""})
        self.assertIn("<h1>Certificate of cryptographic erase</h1>", world.read("erased.html"))
        alone = self.one(None, "disposal", "certificate", "verify", "erased.json", *exchange)
        whole = self.one(None, "disposal", "certificate", "verify", "erased.json", *exchange,
                         "--export", export)
        self.assertEqual((alone["against_ledger"], whole["against_ledger"]), (False, True))
        self.assertEqual(sum(one["records"] for one in whole["released_to"]),
                         whole["released_before"])
        # One of an earlier version is made again as it was.
        old = self.one(None, "disposal", "certificate", "verify",
                       snapshots.ROOT / "tests/vectors/erasure_v1.json", *exchange, "--export", export)
        self.assertEqual((old["version"], old["released_to"], old["against_ledger"]), (1, [], True))
        self.assertEqual((made["version"], old["released_before"]), (2, made["released_before"]))
        text = world.read("erased.json")
        world.write("forged.json", text.replace('"index": 0', '"index": 1', 1))
        for command in ("show", "verify"):
            self.one(None, "disposal", "certificate", command, "forged.json", *exchange, want=DEFECT)
        self.one(None, "disposal", "certificate", "show", "erased.json", "--exchange-id", "00" * 32,
                 want=DEFECT)
        # What a lost disk is made good with.
        world.cli(None, "backup", "create", "--state", "state", "--out", "a.backup")
        self.one("custodian-1", "backup", "order", "a.backup", "--lost", "nothing", "--newest-known",
                 10 ** 6, "--out", "restore.json")
        # What a lost member of a mirror is struck off with.
        self.one("custodian-1", "keyslot", "order", "--keyslots", "mirror(file,tpm2)", "--member", 2,
                 "--epoch", 3, "--reason", "the board broke", "--out", "strike-off.json")
        # Nothing was destroyed there.
        self.one("audra", "disposal", "certificate", "create", 1, *frozen_export, "--out", "no.json",
                 want=BAD_INPUT)

    def move(self):
        """The root key goes to another keyslot."""
        world = self.world
        self.one("auditor-1", "keyslot", "migrate", want=CONFIGURATION)
        world.stop()
        directory = f'  keyslot_directory: "{world.folder}/keyslot"\n'
        self.assertIn(directory, world.config())
        world.write_config(world.config().replace(
            directory, f'  keyslots {{ file {{ directory: "{world.folder}/other" }} }}\n'
                       f'  migrate_from {{ file {{ directory: "{world.folder}/keyslot" }} }}\n'))
        world.start()
        moved = self.one("auditor-1", "keyslot", "migrate")
        self.assertEqual((moved["keyslot"], moved["moving"]), ("moving(file,file)", False))

    def test_a_command_line_that_cannot_be_read_is_answered_in_json_too(self):
        for arguments in (["--json"], ["hold", "--json"], ["--json", "hold", "place"],
                          ["hold", "place", "--what", "--json"], ["--json", "no-such-noun"],
                          ["--json", "status", "--timeout", "soon"],
                          ["--json", "--quiet", "--verbose", "status"],
                          ["--json", "disposal", "approve", "seven"]):
            with self.subTest(arguments=arguments):
                ended = subprocess.run([gateway.Programs.holdfast, *arguments], check=False,
                                       capture_output=True, text=True, cwd=self.world.folder)
                self.assertEqual((ended.returncode, ended.stderr), (USAGE, ""))
                error = json.loads(ended.stdout)
                self.assertEqual(snapshots.check(error), "Error")
                self.assertEqual((error["reason"], error["exit_status"]),
                                 ("REQUEST_MALFORMED", USAGE))


if __name__ == "__main__":
    gateway.main()
