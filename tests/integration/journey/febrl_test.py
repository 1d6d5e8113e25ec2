#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A published set of people with misspelt copies of them: nobody gets another person's record.

The originals are the source's file, the copies are what is asked for. The set is no part of this
repository: see tests/support/external_data.h for where it is looked for.

Usage: febrl_test.py HOLDFAST HOLDFASTD
"""
import csv
import os
import pathlib
import sys
import tempfile
import unittest

import gateway

ROOT = pathlib.Path(__file__).resolve().parents[3]
DATA = pathlib.Path(os.environ.get("HOLDFAST_TEST_DATA") or ROOT.parent / "shared/data")
FILE = DATA / "linkage/febrl_dataset1.csv"

PERSON = ["name", "line1", "line2", "city", "state", "postal_code", "tax_number", "birth_date"]


def edit_agreement(text):
    """The set's addresses are Australian, and no volume at which a gateway stops is to be tested."""
    start = text.index("gate {")
    text = text[:start] + "gate { address_scheme: GENERIC }\n"
    lines = []
    for line in text.splitlines():
        name = line.split(":")[0].strip()
        if name == "fields":
            continue
        if name == "citation":
            line += '\n  fields: "entry"'
        if name.endswith("_basis_points"):
            line = f"  {name}: 10000"
        if name == "officer_open_cases":
            line = "  officer_open_cases: 10000"
        lines.append(line)
    return "\n".join(lines) + "\n"


def person_of(line):
    def join(*names):
        return " ".join(line[name] for name in names if line[name])
    born = line["date_of_birth"]
    if len(born) == 8:
        born = f"{born[:4]}-{born[4:6]}-{born[6:]}"
    return dict(zip(PERSON, (join("given_name", "surname"), join("street_number", "address_1"),
                             line["address_2"], line["suburb"], line["state"], line["postcode"],
                             line["soc_sec_id"], born)))


def read_set():
    """Two lists of (who it is, person): the originals and the copies."""
    originals, copies = [], []
    with open(FILE, newline="", encoding="utf-8") as file:
        for line in csv.DictReader(file, skipinitialspace=True):
            line = {name.strip(): (value or "").strip() for name, value in line.items()}
            _, who, kind = line["rec_id"].split("-")[:3]
            (originals if kind == "org" else copies).append((who, person_of(line)))
    return originals, copies


def write(path, columns, lines):
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(lines)


class FebrlTest(unittest.TestCase):
    def test_nobody_gets_another_person_s_record(self):
        originals, copies = read_set()
        with tempfile.TemporaryDirectory() as folder:
            world = gateway.Gateway.create(folder, records=1, edit=edit_agreement)
            self.addCleanup(world.kill)
            write(world.path("sample/people.csv"), [*PERSON, "entry"],
                  [{**person, "entry": who} for who, person in originals])
            write(world.path("sample/requests.csv"), [*PERSON, "officer", "case", "reference"],
                  [{**person, "officer": f"officer-{row % 25}", "case": f"case-{row}",
                    "reference": f"row-{row}"} for row, (_, person) in enumerate(copies)])
            world.start()
            transfer, submitted = world.submit()
            world.deliver(transfer)
            opened = world.open().object
            records = gateway.read_csv_by_row(world.path("sample/records.csv"))
            world.stop()
        self.assertEqual(submitted["subjects"], len(copies))
        self.assertEqual(len(records), submitted["accepted"])
        right, wrong = 0, []
        for row, record in records.items():
            if record["result"] != "released":
                self.assertEqual(record["entry"], "")
            elif record["entry"] == copies[row][0]:
                right += 1
            else:
                wrong.append(row)
        print(f"{len(copies)} asked for in a file of {len(originals)}: {submitted['accepted']} "
              f"accepted, {right} released to the right one, {len(wrong)} to a wrong one; refused: "
              f"{submitted['refused']}", flush=True)
        self.assertEqual(wrong, [])
        self.assertEqual(right, opened["released"])
        self.assertGreater(right, 0)


if __name__ == "__main__":
    if not FILE.exists():
        print("SKIPPED: no external test data")
        sys.exit(0)
    gateway.main()
