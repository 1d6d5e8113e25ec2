#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""`holdfast drill run`: every scenario passes on a gateway that keeps its word, and a gateway that
does not is found out, loudly.

Usage: drill_test.py HOLDFAST HOLDFASTD
"""
import base64
import json
import pathlib
import tempfile
import unittest

import gateway
from gateway import BAD_INPUT, DEFECT, DONE

RECORDS = 40


class DrillTest(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.world = gateway.Gateway(self.folder)

    def drill(self, scenario, *options, records=RECORDS, holdfastd=None, want=DONE):
        result = self.world.cli(
            None, "drill", "run", "--scenario", scenario, "--records", records, "--folder",
            "drill", "--out", "report.json", "--metrics", "drill.prom", "--holdfastd",
            holdfastd or gateway.Programs.holdfastd, *options, want=want)
        self.assertEqual(len(result.objects), 1, result)
        return result.object

    def passes(self, scenario, *names, options=(), records=RECORDS):
        """The drill passes, and checks what these words are in."""
        report = self.drill(scenario, *options, records=records)
        self.assertTrue(report["passed"], report)
        for name in names:
            self.assertTrue(any(name in check["name"] and check["tried"]
                                for check in report["checks"]), (name, report["checks"]))
        for check in report["checks"]:
            self.assertFalse(check["failed"], check)
        self.assertGreater(report["affected"], 0)
        self.assertFalse(self.world.path("drill").exists())
        self.assertIn(f'holdfast_drill_passed{{scenario="{scenario}"}} 1\n',
                      self.world.read("drill.prom"))
        return report

    def test_a_revocation_leaves_no_way_back(self):
        report = self.passes("revoke", "lease from before", "new lease", "other record",
                             "before the order does not open", "certificate", "ledger verifies",
                             "gateway's memory")
        self.assertGreaterEqual(report["milliseconds_to_destruction"], 1000)  # The window.
        self.assertLess(report["milliseconds_to_last_release"],
                        report["milliseconds_to_destruction"])
        self.assertGreaterEqual(report["milliseconds_to_certificate"],
                                report["milliseconds_to_destruction"])
        # The signed report says the same, and where the time went.
        envelope = json.loads(self.world.read("report.json"))
        self.assertEqual(envelope["payloadType"], "application/vnd.holdfast.drill-report.v1+json")
        said = json.loads(base64.b64decode(envelope["payload"]))
        self.assertEqual((said["statement"], said["passed"], said["exchangeId"]),
                         ("holdfast drill", True, report["exchange_id"]))
        self.assertEqual([step["name"] for step in said["steps"]],
                         [step["name"] for step in report["steps"]])

    def test_one_officers_records_are_revoked_by_that(self):
        report = self.passes("revoke", "lease from before", "new lease", "other record",
                             "certificate", options=("--affected", 8), records=200)
        self.assertEqual(report["affected"], 8)
        self.drill("revoke", "--affected", 9, records=200, want=BAD_INPUT)
        self.drill("hold", "--affected", 8, records=200, want=BAD_INPUT)

    def test_it_says_everywhere_that_it_is_one(self):
        self.drill("revoke", "--keep")
        file = json.loads(self.world.read("drill/erased.json"))
        said = json.loads(base64.b64decode(file["certificate"]["payload"]))
        self.assertEqual(said["reason"], "DRILL")
        for person in said["performedBy"] + [said["verifiedBy"]]:
            self.assertTrue(person["name"].startswith("DRILL: "), person)
        agreement = self.world.read("drill/agreement.txt")
        self.assertGreater(agreement.count("display_name: "), 5)
        self.assertEqual(agreement.count("display_name: "),
                         agreement.count('display_name: "DRILL: '))
        self.assertIn('name: "drill"', agreement)

    def test_a_hold_stops_the_next_key(self):
        report = self.passes("hold", "lease from before", "new lease", "restart",
                             "gateway's memory")
        self.assertIn("milliseconds_to_last_release", report)
        self.assertNotIn("milliseconds_to_destruction", report)

    def test_a_deadline_is_kept_and_followed_by_a_destruction(self):
        report = self.passes("expiry", "lease from before", "new lease", "gateway's memory",
                             "before the order does not open", "restart")
        # No key leaves after the deadline itself; one that left before may still be on its way.
        self.assertLess(report["milliseconds_to_last_release"], 500)
        self.assertGreaterEqual(report["milliseconds_to_destruction"], 1000)

    def test_an_old_database_does_not_open(self):
        self.passes("rollback", "before the order does not open", "void", "hold is in force")

    def test_a_lost_keyslot_is_struck_off(self):
        self.passes("keyslot-loss", "leaves a lost keyslot out", "still opens", "opens nothing")

    def test_a_gateway_that_serves_an_old_database_is_found_out(self):
        # It puts back the keyslot as it was at its first start, as somebody would who copied it.
        cheat = self.world.path("cheat")
        cheat.write_text(
            "#!/bin/sh\n"
            'folder=$(dirname "$2")\n'
            'if [ -d "$folder/copied" ]; then\n'
            '  [ -d "$folder/state-today" ] && rm -rf "$folder/drill-keyslot" &&\n'
            '    cp -r "$folder/copied" "$folder/drill-keyslot"\n'
            'elif [ -f "$folder/state/epoch" ]; then cp -r "$folder/drill-keyslot" "$folder/copied"; fi\n'
            f'exec "{gateway.Programs.holdfastd}" "$@"\n', encoding="utf-8")
        cheat.chmod(0o700)
        report = self.drill("rollback", holdfastd=cheat, want=DEFECT)
        self.assertFalse(report["passed"])
        failed = [check["name"] for check in report["checks"] if check["failed"]]
        self.assertIn("the database from before the order does not open beside today's keyslot",
                      failed)
        self.assertIn('holdfast_drill_passed{scenario="rollback"} 0\n',
                      self.world.read("drill.prom"))

    def test_a_gateway_that_does_not_start_is_a_failed_drill(self):
        report = self.drill("hold", holdfastd="/bin/false", want=DEFECT)
        self.assertFalse(report["passed"])
        self.assertTrue(self.world.path("report.json").exists())

    def test_a_keyslot_on_a_medium_of_its_own_is_removed_too(self):
        medium = self.world.path("medium")
        medium.mkdir()
        (medium / "holdfast-drill").mkdir()
        refused = self.world.cli(None, "drill", "run", "--folder", "drill", "--keyslot", medium,
                                 "--out", "report.json", want=None)
        self.assertNotEqual(refused.status, 0)
        self.assertEqual(refused.object["reason"], "ALREADY_EXISTS")
        (medium / "holdfast-drill").rmdir()
        # Whether this machine's disk can forget or not, nothing is left.
        self.drill("keyslot-loss", "--keyslot", medium, want=(DONE, DEFECT))
        self.assertEqual(list(medium.iterdir()), [])

    def test_it_leaves_alone_what_is_there(self):
        self.world.path("drill").mkdir()
        self.world.path("drill/mine").write_text("mine", encoding="utf-8")
        self.assertNotEqual(self.world.cli(
            None, "drill", "run", "--folder", "drill", "--out", "report.json",
            want=None).status, 0)
        self.assertEqual(self.world.read("drill/mine"), "mine")
        self.world.cli(None, "drill", "run", "--scenario", "fire", "--folder", "new", "--out",
                       "report.json", want=BAD_INPUT)


if __name__ == "__main__":
    gateway.main()
