#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What one custodian may know about one person, by an order that the ledger keeps; and how two of them
end that for good. And whoever reads the ledger is in it, once for each reading.

Usage: person_test.py HOLDFAST HOLDFASTD
"""
import base64
import json
import pathlib
import tempfile
import unittest

import gateway
from gateway import BAD_INPUT, DEFECT, DONE, NOT_PERMITTED, REFUSED, WAITS


class PersonTest(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.world = gateway.Gateway.create(pathlib.Path(folder.name) / "world", records=40,
                                           cooling="1s")
        cls.addClassCleanup(cls.world.kill)
        cls.world.start()

    def events(self, fact):
        lines = self.world.read("export/events.jsonl").splitlines()
        return [one for one in map(json.loads, lines) if one["fact"] == fact]

    def account(self, *options, who="custodian-1", want=DONE):
        return self.world.cli(who, "account", "person", *options, want=want)

    def destroy(self, who, *options, want=DONE):
        return self.world.cli(who, "account", "destroy-pseudonym-key", "--reason",
                              "the exchange is over", "--yes", *options, want=want)

    def test_one_person_and_the_end_of_the_key(self):
        world = self.world
        transfer, _ = world.submit()
        world.deliver(transfer)
        world.open(out="opened.csv", want=(DONE, gateway.PARTLY))
        world.open(out="again.csv", rows=["0-9"], want=(DONE, gateway.PARTLY))

        # Whoever reads is in what is read, once for each reading.
        self.assertEqual(world.verify_ledger()["facts"]["ledger_read"], 1)
        for _ in range(2):
            world.cli("auditor-1", "ledger", "export", "--out", "export")
        self.assertEqual(world.verify_ledger()["facts"]["ledger_read"], 4)
        reading = self.events("ledger_read")[-1]["entry"]["ledger_read"]
        self.assertEqual(reading["member"], "auditor-1")

        # A person whose key left, by pseudonym.
        row = min(int(one) for one in gateway.read_csv_by_row(world.path("sample/again.csv")))
        judged = next(one["entry"]["subject_judged"] for one in self.events("subject_judged")
                      if one["entry"]["subject_judged"].get("row", 0) == row)
        person = base64.b64decode(judged["pseudonym"]).hex()
        reason = ("--reason", "a request of the person", "--yes")
        found = self.account("--pseudonym", person, *reason)
        records = [one for one in found.objects if one["schema"].endswith("PersonRecord")]
        self.assertEqual([(one["transfer"], one["row"]) for one in records], [(transfer, row)])
        self.assertEqual(records[0]["disclosures"], 2)
        self.assertEqual(records[0]["requester"], "requester-1")
        self.assertEqual(records[0]["key"], "ALIVE")
        self.assertTrue(records[0]["collected"])
        self.assertEqual(found.object["disclosures"], 2)
        index = found.object["order_index"]
        again = self.account("--order", index)
        self.assertEqual([one["schema"] for one in again.objects],
                         ["holdfast.cli.v1.PersonRecord", "holdfast.cli.v1.AccountPerson"])
        # Nobody else reads it, and nobody but a custodian orders one.
        self.assertEqual(self.account("--order", index, who="custodian-2",
                                      want=BAD_INPUT).object["reason"], "NOT_FOUND")
        self.account("--order", index, who="counsel-1", want=NOT_PERMITTED)
        self.account("--pseudonym", person, *reason, who="counsel-1", want=NOT_PERMITTED)
        nobody = self.account("--pseudonym", "0" * 32, *reason)
        self.assertEqual(nobody.object["records"], 0)
        world.verify_ledger()
        orders = [one["text"] for one in self.events("order_accepted")]
        self.assertEqual(sum("ACCOUNT FOR A PERSON" in one for one in orders), 2)

        # A hold that preserves keeps the key; two people end it.
        world.place_hold("hold-1", "--everything")
        refused = self.destroy("custodian-1", want=REFUSED)
        self.assertEqual(refused.object["metadata"]["refusal"], "PSEUDONYM_KEY_NEEDED")
        world.cli("counsel-1", "hold", "lift", "hold-1", "--reason", "vacated", "--yes")
        world.cli("counsel-2", "hold", "lift", "hold-1", "--confirm", "--yes")
        world.wait_until("nothing preserves any more", lambda: self.destroy(
            "custodian-1", want=(DONE, REFUSED)).status == DONE)
        world.verify_ledger()
        # There is no page about what did not happen, and one order is none of the two.
        self.certificate(want=BAD_INPUT)
        first = self.events("order_accepted")[-1]["index"]
        self.destroy("custodian-1", "--first", first, want=REFUSED)
        before = world.cli("auditor-1", "status").object
        self.assertFalse(before["pseudonym_key_destroyed"])
        self.destroy("custodian-2", "--first", first)
        after = world.cli("auditor-1", "status").object
        self.assertTrue(after["pseudonym_key_destroyed"])
        self.assertGreater(after["epoch"], before["epoch"])

        # Nobody is found, nobody is asked for; what is there goes on, also after a start.
        for _ in range(2):
            self.account("--order", index, want=WAITS)
            denied = self.account("--pseudonym", person, *reason, want=WAITS)
            self.assertEqual(denied.object["metadata"]["refusal"], "PSEUDONYM_KEY_DESTROYED")
            world.cli("requester-1", "transfer", "create", "sample/requests.csv", "--terms",
                      "sample/terms.txt", "--attestation", "sample/attestation.txt", want=WAITS)
            world.path("sample/again.csv").unlink()
            world.open(out="again.csv", rows=["0-9"], want=(DONE, gateway.PARTLY))
            world.stop()
            world.start()
        report = world.verify_ledger()
        self.assertGreaterEqual(report["refusals"]["PSEUDONYM_KEY_DESTROYED"], 4)
        world.stop()
        self.certified(first, after, report)

    def certificate(self, *options, out="page.txt", want=DONE):
        """Asks for the page as nobody: no profile, and no gateway."""
        made = self.world.cli(None, "account", "key-certificate", "export", "--exchange-id",
                              self.world.exchange_id, "--out", out, *options, want=want)
        self.assertEqual(self.world.path(out).exists(), want == DONE)
        return made.object

    def certified(self, first, after, report):
        """The page is made offline, says whose orders it rests on, and is of a ledger that verifies."""
        world = self.world
        self.assertIsNone(world.daemon)
        receipts = world.path(f"home/state/receipts/{world.exchange_id}")
        page = self.certificate("--receipts", receipts, "--earlier", "export/checkpoint")
        self.assertEqual(page["first_index"], first)
        self.assertGreater(page["second_index"], first)
        self.assertEqual(page["epoch"], after["epoch"])
        self.assertGreater(page["epoch_index"], page["second_index"])
        self.assertGreater(page["erased_index"], page["epoch_index"])
        self.assertEqual(page["ledger_size"], report["entries"])
        text = world.read("page.txt")
        for said in ("custodian-1", "custodian-2", "the exchange is over", "erasure class medium",
                     world.exchange_id, report["root"], *report["assumptions"],
                     *(f"ledger entry {page[index]}," for index in (
                         "first_index", "second_index", "erased_index"))):
            self.assertIn(said, text)
        # What it says of entries is what these are.
        for index, fact in ((first, "order_accepted"), (page["second_index"], "order_accepted"),
                            (page["epoch_index"], "epoch_advanced"),
                            (page["erased_index"], "epoch_erased")):
            (explained,) = world.cli(None, "ledger", "explain", index, "export").objects
            self.assertEqual(explained["fact"], fact)
        # A bit of any of these entries, of another, or of the checkpoint is another one: no page.
        entries = world.export_entries()
        needles = [entries[index] for index in (first, page["second_index"], page["epoch_index"],
                                                page["erased_index"], 0)]
        files = [path for path in world.path("export/tile/entries").rglob("*") if path.is_file()]
        for needle in needles:
            # Of a bundle that has grown the export keeps the smaller ones, which nobody reads.
            path = max((path for path in files if needle in path.read_bytes()),
                       key=lambda path: path.stat().st_size)
            self.flipped(path, path.read_bytes().index(needle) + len(needle) // 2)
        self.flipped(world.path("export/checkpoint"), -20)
        # Nor of another exchange, or over a page that is there.
        world.cli(None, "account", "key-certificate", "export", "--exchange-id", "00" * 32, "--out",
                  "no.txt", want=DEFECT)
        world.cli(None, "account", "key-certificate", "export", "--exchange-id", world.exchange_id,
                  "--out", "page.txt", want=BAD_INPUT)
        self.assertEqual(world.read("page.txt"), text)

    def flipped(self, path, at):
        whole = path.read_bytes()
        data = bytearray(whole)
        data[at] ^= 1
        path.write_bytes(data)
        defect = self.certificate(out="no.txt", want=DEFECT)
        self.assertIn(defect["reason"], ("LEDGER_INCONSISTENT", "SIGNATURE_INVALID"))
        path.write_bytes(whole)


if __name__ == "__main__":
    gateway.main()
