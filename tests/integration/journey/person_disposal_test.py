#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""One person's records, of every transfer, from the identity to the destroyed key; and nobody else's.

Usage: person_disposal_test.py HOLDFAST HOLDFASTD
"""
import csv
import pathlib
import shutil
import tempfile
import unittest

import gateway
from gateway import BAD_INPUT, NOT_PERMITTED, PARTLY


class PersonDisposalTest(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.world = gateway.Gateway.create(pathlib.Path(folder.name) / "world", records=40)
        self.addCleanup(self.world.kill)
        self.world.start()

    def opened(self, sample, want):
        """The rows of a transfer that open now."""
        world = self.world
        world.path(f"{sample}/records.csv").unlink(missing_ok=True)
        world.open(sample=sample, want=want)
        return set(gateway.read_csv_by_row(world.path(f"{sample}/records.csv")))

    def test_a_person_is_destroyed_by_identity(self):
        world = self.world
        shutil.copytree(world.path("sample"), world.path("again"))
        before = {}
        for sample in ("sample", "again"):
            transfer, _ = world.submit(sample)
            world.deliver(transfer, sample)
            before[sample] = self.opened(sample, gateway.DONE)
        row = min(before["sample"] & before["again"])
        with open(world.path("sample/requests.csv"), newline="", encoding="utf-8") as file:
            person = next(one for one in csv.DictReader(file) if int(one["row"]) == row)
        world.write("person.csv", "name,tax_number,birth_date\n" +
                    f'"{person["name"]}",{person["tax_number"]},{person["birth_date"]}\n')
        scope = ("--identity", "person.csv")

        # The requester has nobody found, and two people at once are nobody.
        world.cli("requester-1", "disposal", "preview", *scope, want=NOT_PERMITTED)
        world.write("two.csv", world.read("person.csv") + world.read("person.csv").split("\n")[1] + "\n")
        world.cli("custodian-1", "disposal", "preview", "--identity", "two.csv", want=BAD_INPUT)

        self.assertEqual(world.cli("custodian-1", "disposal", "preview", *scope).object["count"], 2)
        world.cli("custodian-1", "disposal", "revoke", *scope, "--reason", "asked in error", "--yes")
        index = world.cli("custodian-2", "disposal", "list").object["revocation_index"]
        for sample in before:
            self.assertEqual(self.opened(sample, PARTLY), before[sample] - {row})
        world.cli("custodian-2", "disposal", "approve", index, "--yes")
        world.wait_until("the keys are destroyed", lambda: world.cli(
            "custodian-1", "disposal", "list").object["state"] == "DESTROYED")
        for sample in before:
            self.assertEqual(self.opened(sample, PARTLY), before[sample] - {row})
        self.assertEqual(world.cli("auditor-1", "status").object["records"]["destroyed"], 2)

        # A restart brings nothing back, and the certificate says that it is these two.
        world.kill()
        world.start()
        for sample in before:
            self.assertEqual(self.opened(sample, PARTLY), before[sample] - {row})
        world.verify_ledger()
        world.cli("counsel-1", "disposal", "certificate", "create", index, "export", "--out",
                  "erased.json")
        shown = world.cli(None, "disposal", "certificate", "verify", "erased.json",
                          "--exchange-id", world.exchange_id, "--export", "export").object
        self.assertEqual(shown["records"], 2)
        # Nobody's name is in the ledger or in the order.
        for name in (person["name"], person["tax_number"]):
            if name:
                self.assertNotIn(name.encode(), b"".join(world.export_entries()))


if __name__ == "__main__":
    gateway.main()
