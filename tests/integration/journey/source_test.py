#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A source's ways: a CSV file, a SQLite file, a program that behaves or does not, and files.

Each way is played on a copy of one exchange with an approved transfer, and has to end like the CSV
file's: the same verdict for each subject. Nobody's data is in anything that the command prints, nor
on a command line or in the environment of a program that it starts.

Usage: source_test.py HOLDFAST HOLDFASTD
"""
import csv
import os
import pathlib
import sqlite3
import stat
import subprocess
import tempfile
import unittest

import gateway
from gateway import BAD_INPUT, DISK, DONE, TRY_AGAIN, WAITS

# More than one chunk, so that a lookup is asked by several threads.
RECORDS = 300
CHUNK = 256
TRANSFER = "holdfast.cli.v1.Transfer"

# A lookup program that finds everybody by the keys it is given, in an index of its own that it makes
# of the CSV file by name alone. argv: the file, and how to misbehave.
PROGRAM = r'''#!/usr/bin/python3
import csv, json, os, pathlib, signal, sys, time
path, mode = sys.argv[1:3]
mark = pathlib.Path(sys.argv[0] + ".starts")
starts = len(mark.read_text()) if mark.exists() else 0
mark.write_text("x" * (starts + 1))
PERSON = ["name", "line1", "line2", "city", "state", "postal_code", "tax_number", "birth_date"]
with open(path, newline="", encoding="utf-8") as file:
    people = list(csv.DictReader(file))
def words(name):
    return set(name.upper().replace(",", " ").replace("-", " ").split())
def say(value):
    try:
        print(json.dumps(value), flush=True)
    except BrokenPipeError:
        os._exit(1)  # Nobody listens to it any more, as is its own fault.
assert json.loads(sys.stdin.readline()) == {"holdfast_lookup": 1}
say({"holdfast_lookup": 1})
seen = 0
for line in sys.stdin:
    question = json.loads(line)
    seen += 1
    if seen == 100:
        if mode == "crash-once" and starts == 0: os.kill(os.getpid(), signal.SIGKILL)
        if mode == "crash": sys.exit(3)
        if mode == "stall-once" and starts == 0: signal.pause()
        if mode == "garbage": print("Traceback about " + question["subject"]["name"], flush=True)
        if mode == "unable": say({"id": question["id"], "error": "DATABASE_DOWN"}); continue
        if mode == "wrong": say({"id": 10 ** 6, "candidates": []})
    if mode == "crash" and starts > 0: sys.exit(3)
    own = pathlib.Path("/proc/self/cmdline").read_text() + pathlib.Path("/proc/self/environ").read_text()
    for value in question["subject"].values():
        assert len(value) < 5 or value not in own
    wanted = [set(key[1:].split()) for key in question["keys"] if key[0] == "N"]
    number = question["subject"]["tax_number"].replace("-", "")
    found = [p for p in people if any(each <= words(p["name"]) for each in wanted)
             or (number and p["tax_number"].replace("-", "") == number)]
    say({"id": question["id"], "candidates": [
        {**{k: p[k] for k in PERSON}, "fields": {k: v for k, v in p.items() if k not in PERSON}}
        for p in found]})
'''


class Base:
    """An exchange with a transfer that custodians approved. Its daemon does not run."""
    world = transfer = folder = values = verdicts = None


def setUpModule():
    folder = tempfile.TemporaryDirectory()
    unittest.addModuleCleanup(folder.cleanup)
    Base.folder = pathlib.Path(folder.name)
    Base.world = world = gateway.Gateway.create(Base.folder / "base", records=RECORDS)
    unittest.addModuleCleanup(world.kill)
    world.start()
    Base.transfer, _ = world.submit()
    waits = world.cli("source-1", "source", "pull", Base.transfer, "--out", "early.csv", want=WAITS)
    assert not world.path("early.csv").exists(), waits
    world.let_go(Base.transfer)
    world.cli("custodian-1", "transfer", "approve", Base.transfer, "--yes")
    world.stop()
    # Everything that is somebody's, if it is long enough to be told from other text.
    Base.values = set()
    for name in ("people.csv", "requests.csv"):
        for row in read(world.path(f"sample/{name}")):
            Base.values |= {row[part] for part in ("name", "line1", "tax_number", "birth_date")
                            if len(row[part]) > 7}


def read(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def write(path, rows, columns=None):
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns or list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


class SourceTest(unittest.TestCase):
    def setUp(self):
        self.world = Base.world.copy_to(pathlib.Path(tempfile.mkdtemp(dir=Base.folder)) / "world")
        self.addCleanup(self.world.kill)
        self.world.start()

    def source(self, verb, *arguments, want=DONE, **more):
        """A command of the source; what it prints shows nobody's data."""
        result = self.world.cli("source-1", "source", verb, Base.transfer, *arguments,
                                want=want, **more)
        for value in Base.values:
            self.assertNotIn(value, result.out + result.err)
        return result

    def settled(self, verb, *arguments):
        """Deposits; a custodian refuses what is doubtful, and the same again closes the transfer."""
        first = self.source(verb, *arguments, want=WAITS).object
        self.assertGreater(first["waiting"], 0)
        self.world.cli("custodian-1", "review", "refuse", Base.transfer, "--all", "--reason", "no",
                       "--yes")
        second = self.source(verb, *arguments).object
        self.assertEqual((second["schema"], second["waiting"]), (first["schema"], 0))
        return first

    def verdicts_by_csv(self):
        """What the CSV file's way comes to. Played once, on a copy of its own."""
        if Base.verdicts is None:
            Base.verdicts = self.source("serve", "--people", "sample/people.csv",
                                        want=WAITS).object["verdicts"]
            self.assertGreater(Base.verdicts["RELEASED"], RECORDS // 2)
            self.world.kill()
            self.setUp()
        return Base.verdicts

    def make_database(self):
        people = read(self.world.path("sample/people.csv"))
        columns = list(people[0])
        database = sqlite3.connect(self.world.path("people.db"))
        with database:
            database.execute(f"CREATE TABLE people ({', '.join(columns)})")
            marks = ", ".join("?" * len(columns))
            database.executemany(f"INSERT INTO people VALUES ({marks})",
                                 [[row[column] for column in columns] for row in people])
        self.addCleanup(database.close)
        return database

    def program(self, mode):
        path = self.world.path("lookup.py")
        path.write_text(PROGRAM, encoding="utf-8")
        path.chmod(0o700)
        return ("--lookup-command", "./lookup.py", "--lookup-argument", "sample/people.csv",
                "--lookup-argument", mode)

    def starts(self):
        return len(self.world.read("lookup.py.starts"))

    def deposited(self):
        return self.world.cli("source-1", "transfer", "show", Base.transfer).object["deposited"]

    def nothing_is_deposited(self):
        self.assertEqual(self.deposited(), 0)

    # Where people are.

    def test_a_sqlite_table_and_a_query_come_to_what_the_csv_file_comes_to(self):
        expected = self.verdicts_by_csv()
        self.make_database()
        table = self.settled("serve", "--sqlite", "people.db", "--table", "people")
        self.assertEqual(table["verdicts"], expected)
        # Again: it is closed, and nothing happens.
        again = self.source("serve", "--sqlite", "people.db", "--table", "people").object
        self.assertEqual((again["schema"], again["state"]), (TRANSFER, "CLOSED"))
        self.world.kill()
        self.setUp()
        self.make_database()
        query = self.source("serve", "--sqlite", "people.db", "--query",
                            "SELECT rowid AS id, * FROM people", "--key", "id", want=WAITS).object
        self.assertEqual(query["verdicts"], expected)

    def test_a_database_that_cannot_be_used_deposits_nothing(self):
        database = self.make_database()
        for options, want in (
                (("--sqlite", "none.db", "--table", "people"), BAD_INPUT),
                (("--sqlite", "people.db", "--table", "nothing"), BAD_INPUT),
                (("--sqlite", "people.db"), BAD_INPUT),
                (("--sqlite", "people.db", "--query", "DELETE FROM people RETURNING *", "--key",
                  "rowid"), BAD_INPUT),
                (("--sqlite", "sample/people.csv", "--table", "people"), DISK),
                (("--table", "people"), BAD_INPUT), ((), BAD_INPUT),
                (("--people", "sample/people.csv", "--sqlite", "people.db"), BAD_INPUT)):
            with self.subTest(options=options):
                self.source("serve", *options, want=want)
        with database:
            database.execute("UPDATE people SET postal_code = 5401")
        refused = self.source("serve", "--sqlite", "people.db", "--table", "people",
                              want=BAD_INPUT).object
        self.assertEqual(refused["metadata"]["column"], "postal_code")
        self.nothing_is_deposited()

    def test_a_program_comes_to_what_the_csv_file_comes_to(self):
        expected = self.verdicts_by_csv()
        served = self.source("serve", *self.program("well"), want=WAITS).object
        self.assertEqual(served["verdicts"]["RELEASED"], expected["RELEASED"])
        self.assertEqual(self.starts(), 1)

    def test_a_program_that_crashes_or_stalls_once_is_asked_again(self):
        expected = self.verdicts_by_csv()
        for mode, more in (("crash-once", ()), ("stall-once", ("--lookup-timeout", "5s"))):
            with self.subTest(mode=mode):
                served = self.source("serve", *self.program(mode), *more, want=WAITS).object
                self.assertEqual(served["verdicts"]["RELEASED"], expected["RELEASED"])
                self.assertEqual(self.starts(), 2)
            self.world.kill()
            self.setUp()

    def test_a_program_that_is_wrong_deposits_nothing_of_its_chunk(self):
        expected = self.verdicts_by_csv()
        for mode, want, reason in (("garbage", BAD_INPUT, "REQUEST_MALFORMED"),
                                   ("wrong", BAD_INPUT, "REQUEST_MALFORMED"),
                                   ("unable", TRY_AGAIN, "UNAVAILABLE"),
                                   ("crash", TRY_AGAIN, "UNAVAILABLE")):
            with self.subTest(mode=mode):
                failed = self.source("serve", *self.program(mode), want=want).object
                self.assertEqual(failed["reason"], reason)
        # It goes wrong in the first chunk, and may have answered for the other one before.
        self.assertLessEqual(self.deposited(), RECORDS - CHUNK)
        missing = self.source("serve", "--lookup-command", "./none", want=BAD_INPUT).object
        self.assertEqual(missing["reason"], "NOT_FOUND")
        # And after that it is served as if nothing had been.
        served = self.source("serve", "--people", "sample/people.csv", want=WAITS).object
        self.assertEqual(served["verdicts"]["RELEASED"], expected["RELEASED"])

    # By way of files.

    def candidates_of(self, subjects):
        """What a source with a way of its own might make of a file of subjects: by name."""
        people = read(self.world.path("sample/people.csv"))
        rows = []
        columns = ["transfer", "row", *people[0]]
        by_name = {}
        for person in people:
            by_name.setdefault(person["name"].upper(), []).append(person)
        for subject in subjects:
            of = {"transfer": subject["transfer"], "row": subject["row"]}
            found = by_name.get(subject["name"].upper(), [])
            rows += [{**of, **person} for person in found] or [of]
        return rows, columns

    def test_files_come_to_what_the_dry_run_said_and_can_be_pushed_again(self):
        pulled = self.source("pull", "--out", "subjects.csv").object
        path = self.world.path("subjects.csv")
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
        first = path.read_bytes()
        self.source("pull", "--out", "subjects.csv")
        self.assertEqual(path.read_bytes(), first)
        subjects = read(path)
        self.assertEqual(len(subjects), pulled["subjects"])
        rows, columns = self.candidates_of(subjects)
        write(self.world.path("candidates.csv"), rows, columns)
        files = ("--subjects", "subjects.csv", "--candidates", "candidates.csv")
        self.world.stop()
        # Without a gateway.
        dry = self.source("push", *files, "--dry-run").object
        self.assertEqual(dry["subjects"], len(subjects))
        self.assertEqual(sum(dry["verdicts"].values()), len(subjects))
        self.assertGreater(dry["verdicts"]["RELEASED"], 0)
        explained = {}
        for subject in subjects[:40]:
            explanation = self.source("explain", "--subjects", "subjects.csv", "--row",
                                      subject["row"], "--candidates", "candidates.csv").object
            explained[subject["row"]] = explanation["verdict"]
            self.assertEqual((explanation["name"], explanation["address"]),
                             ("ACCEPTED", "ACCEPTED"))
        self.world.start()
        self.nothing_is_deposited()
        pushed = self.settled("push", *files)
        self.assertEqual(pushed["verdicts"], dry["verdicts"])
        again = self.source("push", *files).object
        self.assertEqual((again["schema"], again["state"]), (TRANSFER, "CLOSED"))
        self.world.cli("requester-1", "envelope", "collect", Base.transfer, "--out",
                       "sample/envelopes")
        self.world.open()
        records = gateway.read_csv_by_row(self.world.path("sample/records.csv"))
        for row, verdict in explained.items():
            self.assertEqual(records[int(row)]["result"] == "released", verdict == "RELEASED")

    def test_files_that_do_not_fit_together_deposit_nothing(self):
        self.source("pull", "--out", "subjects.csv")
        subjects = read(self.world.path("subjects.csv"))
        rows, columns = self.candidates_of(subjects)
        last = subjects[-1]["row"]
        nobody = next(row for row in rows if "name" not in row)
        somebody = next(row for row in rows if "name" in row)
        defects = {
            "a row left out": [row for row in rows if row["row"] != last],
            "a row too many": rows + [{**nobody, "row": str(int(last) + 1)}],
            "another transfer": [{**row, "transfer": "transfers/" + "0" * 32} for row in rows],
            "nobody and somebody": rows + [{"transfer": Base.transfer, "row": somebody["row"]}],
            "no name": rows + [{**somebody, "name": ""}],
            "no number": rows + [{**somebody, "row": "x"}],
        }
        for name, changed in defects.items():
            write(self.world.path("candidates.csv"), changed, columns)
            for more in ((), ("--dry-run",)):
                with self.subTest(name=name, more=more):
                    failed = self.source("push", "--subjects", "subjects.csv", "--candidates",
                                         "candidates.csv", *more, want=BAD_INPUT).object
                    self.assertEqual(failed["reason"], "REQUEST_MALFORMED")
        self.nothing_is_deposited()

    def test_a_row_is_explained_rule_by_rule(self):
        self.source("pull", "--out", "subjects.csv")
        subjects = read(self.world.path("subjects.csv"))
        rows, columns = self.candidates_of(subjects)
        somebody = dict(next(row for row in rows if row.get("name")))
        subject = next(s for s in subjects if s["row"] == somebody["row"])
        same = {**{k: v for k, v in subject.items() if k in columns}, "transfer": Base.transfer}
        moved = {**same, "line1": "999 Elsewhere Pkwy"}
        incomplete = {**same, "line1": "Elsewhere"}
        write(self.world.path("candidates.csv"), [same, moved, incomplete], columns)
        arguments = ("--subjects", "subjects.csv", "--row", subject["row"], "--candidates",
                     "candidates.csv")
        first, second, third = self.source("explain", *arguments).object["candidates"]
        self.assertEqual(first["name"], {"result": "equal", "differences": [], "accepted": True})
        self.assertEqual(first["address"]["result"], "equal")
        self.assertEqual(second["address"]["result"], "different")
        self.assertEqual(third["address"]["result"], "incomplete")
        self.assertEqual(third["address_lack"], "HOUSE_NUMBER_MISSING")
        shown = self.source("explain", *arguments, json_form=False).out
        self.assertIn(f"row {subject['row']}:", shown)
        self.assertIn("candidate 1", shown)
        by_people = self.source("explain", *arguments[:4], "--people", "sample/people.csv").object
        self.assertIn(by_people["verdict"], self.verdicts_by_csv())
        self.source("explain", "--subjects", "subjects.csv", "--row", "999999", "--candidates",
                    "candidates.csv", want=BAD_INPUT)
        self.source("explain", *arguments[:4], want=BAD_INPUT)

    # What is told, and to whom.

    def test_no_value_is_printed_at_any_level(self):
        command = [gateway.Programs.holdfast, "--verbose", "--profile", "source-1", "source",
                   "serve", Base.transfer, "--people", "sample/people.csv"]
        loud = {"GRPC_VERBOSITY": "DEBUG", "GRPC_TRACE": "all",
                "HOLDFAST_HOME": str(self.world.path("home"))}
        served = subprocess.run(command, cwd=self.world.folder, capture_output=True, check=False,
                                timeout=gateway.SECONDS, env={**os.environ, **loud})
        self.assertEqual(served.returncode, WAITS, served)
        said = served.stdout + served.stderr
        self.assertIn(b"were sent to review", said)
        for value in Base.values:
            self.assertNotIn(value.encode(), said)
            # As a dump writes it.
            self.assertNotIn(value.encode().hex(" ").encode(), said)


if __name__ == "__main__":
    gateway.main()
