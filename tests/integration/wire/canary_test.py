#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Plaintext never rests at the gateway: marked data goes all the way through, and is searched for.

Marked are names, addresses, tax numbers, birth dates, cases, references and field values. Searched
are the state folder, the keyslot, the log, the metrics, the ledger's export and what is made of it,
temporary files, and what the kernel tells of the process. Keys are searched for as well. So it is
with what counsel and custodians say of a person with --identity: in what they are shown, in what
their program keeps, and in what the kernel tells of it while it runs. What is in the ledger by
design, the purpose, is marked too: the search has to find it, or it is blind.

Usage: canary_test.py HOLDFAST HOLDFASTD STUBS
"""
import base64
import csv
import json
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request

import wire_gateway as wire

import reader  # noqa: E402

ROWS = 300
WORD = "Zyxquorl"
SIGHTED = "Qwertzpurpose"
WAITS = 12


def marked(row):
    """A person in whom everything is marked, and nothing has a mark that another field has. No two
    have one name."""
    own = "".join(chr(ord("a") + row // 26 ** i % 26) for i in range(3))
    person = wire.somebody(row, name=f"Nam{WORD.lower()}a{own} Fam{WORD.lower()}b",
                           line1=f"{1000 + row} Str{WORD.lower()}c Ln", birth_date="1931-11-23",
                           tax_number=f"{531 + row % 99}-86-{4000 + row}")
    return person


def candidate_of(row):
    person = marked(row)
    if row % 50 == 3:  # Doubtful: a custodian looks at it, and its opening has the record.
        person["line1"] = "unreadable"
    return wire.candidate(person, wages=f"8675309{row:05}", employer=f"Emp{WORD.lower()}d {row}",
                          occupation=f"Occ{WORD.lower()}e", office_note=f"Not{WORD.lower()}f")


def needles():
    """What must be nowhere, whole or in the part that a normal form keeps."""
    found = {f"{part}{WORD.lower()}{end}".encode() for part, end in (
        ("nam", "a"), ("fam", "b"), ("str", "c"), ("emp", "d"), ("occ", "e"), ("not", "f"),
        ("cas", "g"), ("ref", "h"))}
    for row in range(0, ROWS, 7):
        tax_number = marked(row)["tax_number"]
        found |= {tax_number.encode(), tax_number.replace("-", "").encode(),
                  f"8675309{row:05}".encode()}
    found |= {b"1931-11-23", b"19311123"}
    return found


def base64_forms(needle):
    """Yields what every base64 text has in which these bytes are, wherever they begin."""
    for shift in range(3):
        # Without the ends, where they depend on what stands beside it: three bytes are four letters.
        text = base64.b64encode(bytes(shift) + needle)
        yield text[4 if shift else 0:len(text) - (4 if text.endswith(b"=") else 0)]


class CanaryTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            metrics = f"127.0.0.1:{free.getsockname()[1]}"
        cls.gateway = gateway = wire.Gateway(
            limits=f'metrics_address: "{metrics}"\nlog {{ level: "debug" }}')
        cls.addClassCleanup(gateway.close)
        subjects = [wire.subject(marked(row), officer=row % 2, case=f"Cas{WORD.lower()}g-{row}",
                                 reference=f"Ref{WORD.lower()}h-{row}") for row in range(ROWS)]
        cls.transfer = gateway.create(officers=["officer-1", "officer-2"],
                                      purpose=f"{SIGHTED} of a criminal proceeding").name
        cls.verdicts = gateway.submit(cls.transfer, subjects)
        gateway.approve(cls.transfer)
        answers = gateway.deposit(cls.transfer, lambda found: [candidate_of(found.row)])
        waiting = [row for row in range(ROWS) if row % 50 == 3]
        assert sum(answer.waiting for answer in answers) == len(waiting)
        cls.shown = ""
        for row in waiting:
            cls.shown += gateway.cli("--profile", "custodian-1", "--quiet", "review", "release",
                                     cls.transfer, str(row), "--reason", "looked at", "--yes")
            gateway.cli("--profile", "custodian-1", "--quiet", "review", "rerun", cls.transfer,
                        str(row))
        answers = gateway.deposit(cls.transfer, lambda found: [])
        cls.released = b"".join(answer.verdicts for answer in answers)
        # Errors about marked data as well.
        for wrong in (dict(case="x" * 600 + WORD), dict(reference=WORD * 20)):
            call = gateway.transfers("requester-1").SubmitSubjects(iter([
                wire.transfer_service_pb2.SubmitSubjectsRequest(
                    transfer=cls.transfer, chunk=9, subjects=[wire.subject(marked(0), **wrong)])]),
                timeout=wire.SECONDS)
            error = wire.first_error(call)
            assert wire.info_of(error).reason == "REQUEST_MALFORMED", error
            assert WORD.lower() not in (error.details() + str(wire.info_of(error))).lower()
        gateway.finish(cls.transfer, answers)
        channel = gateway.channel("requester-1")
        cls.keys = dict(reader.release(channel, gateway.exchange, cls.transfer, "requester-1",
                                       gateway.seed("requester-1"), list(range(ROWS))))
        payloads = dict(reader.read_transfer(channel, gateway.exchange, cls.transfer, "requester-1",
                                             gateway.seed("requester-1"),
                                             dict.fromkeys(range(ROWS))))
        # The canaries were really there.
        assert all(WORD.lower().encode() in payload.lower() for payload in payloads.values())
        assert f"8675309{7:05}".encode() in payloads[7]
        # Fields that the agreement does not permit never left (R12).
        assert not any(b"not" + WORD.lower().encode() in each.lower() for each in payloads.values())
        cls.ask_by_identity()
        auditor = ("--profile", "auditor-1", "--quiet")
        gateway.cli(*auditor, "ledger", "export", "--out", "export", "--sqlite", "made-ledger.db")
        gateway.cli(*auditor, "ledger", "incident", "export", "--everything", "--what", "a drill",
                    "--how-found", "by a test", "--found-at", "2026-01-01T00:00:00Z", "--out",
                    "made-incident")
        gateway.cli(*auditor, "account", "affected", "export", "--everything", "--out",
                    "made-affected.csv")
        made = gateway.cli(*auditor, "account", "year", "export", "--year", "2026")
        (gateway.folder / "made-account.txt").write_text(made, encoding="utf-8")
        with urllib.request.urlopen(f"http://{metrics}/metrics", timeout=wire.SECONDS) as page:
            cls.metrics = page.read()
        cls.places = cls.collect()

    @classmethod
    def ask_by_identity(cls):
        """Every command that takes --identity, of two people whom the transfer has."""
        cls.processes = {}
        for row in (1, 2):
            person = marked(row)
            with open(cls.gateway.folder / f"identity-{row}.csv", "w", newline="",
                      encoding="utf-8") as file:
                writer = csv.DictWriter(file, ("name", "tax_number", "birth_date"))
                writer.writeheader()
                writer.writerow({field: person[field] for field in writer.fieldnames})
        (cls.gateway.folder / "order.txt").write_text("It is ordered.\n", encoding="utf-8")
        place = ("hold", "place", "--identity", "identity-1.csv", "--id", "hold-1", "--matter",
                 "1:26-cv-00001", "--court", "D. Example", "--order-reference", "ECF No. 12",
                 "--document", "order.txt", "--yes")
        preview = cls.watched("counsel-1", "hold", "preview", "--identity", "identity-1.csv")
        cls.watched("counsel-1", *place)
        cls.watched("counsel-1", "hold", "amend", "hold-1", "--identity", "identity-2.csv",
                    "--reason", "a test's", "--yes", want=WAITS)
        taken = cls.watched("custodian-1", "disposal", "preview", "--identity", "identity-2.csv")
        cls.watched("custodian-1", "disposal", "revoke", "--identity", "identity-2.csv", "--reason",
                    "a test's", "--yes")
        account = cls.watched("custodian-1", "account", "person", "--identity", "identity-1.csv",
                              "--reason", "a test's", "--yes")
        found = (preview["records"], taken["count"], account["records"], account["disclosures"])
        assert found == (1, 1, 1, 2), found

    @classmethod
    def watched(cls, who, *arguments, want=0):
        """Runs a command as `who`, and keeps all that it says and that can be seen of it."""
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as error:
            process = subprocess.Popen(
                (wire.HOLDFAST, "--profile", who, "--json", *arguments), cwd=cls.gateway.folder,
                env=cls.gateway.environment, stdin=subprocess.DEVNULL, stdout=out, stderr=error)
            seen = set()
            deadline = time.monotonic() + 2 * wire.SECONDS
            while process.poll() is None:
                assert time.monotonic() < deadline, arguments
                for part in ("cmdline", "environ", "comm"):
                    try:
                        seen.add(wire.read(f"/proc/{process.pid}/{part}"))
                    except (FileNotFoundError, PermissionError, ProcessLookupError):
                        pass
                time.sleep(0.02)
            out.seek(0)
            error.seek(0)
            said = out.read(), error.read()
        assert process.returncode == want, (arguments, process.returncode, said)
        name = " ".join(arguments[:2])
        cls.processes[f"process of {name}"] = b"\n".join(sorted(seen))
        (cls.gateway.folder / f"made-said-by-{name}.txt").write_text("".join(said),
                                                                           encoding="utf-8")
        return json.loads(said[0].splitlines()[-1])

    @classmethod
    def collect(cls):
        """Returns everything that is searched, by name: while the daemon runs, and once it ended."""
        folder = cls.gateway.folder
        places = {"metrics": cls.metrics, **cls.processes}
        for name in ("cmdline", "environ", "maps", "mountinfo", "status", "limits"):
            try:
                places[f"process {name}"] = wire.read(f"/proc/{cls.gateway.daemon.pid}/{name}")
            except PermissionError:
                pass  # A daemon that cannot be dumped shows its environment to root only.

        def add(when):
            for part in ("state", "keyslot", "export", "tmp", "home", "daemon.log",
                         "holdfastd.conf"):
                path = folder / part
                for file in [path] if path.is_file() else sorted(path.rglob("*")):
                    if file.is_file():
                        places[f"{when} {file.relative_to(folder)}"] = wire.read(file)

            for file in folder.glob("made-*"):
                places[f"{when} {file.name}"] = wire.read(file)

        add("running")
        cls.gateway.stop()
        add("ended")
        return places

    def search(self, forms):
        return {(name, form) for name, content in self.places.items()
                for form in forms if form in content}

    def test_the_search_sees(self):
        self.assertEqual(self.verdicts, b"\x01" * ROWS)
        self.assertEqual(self.released, bytes(2 if row % 50 == 3 else 1 for row in range(ROWS)))
        self.assertIn(WORD.lower(), self.shown.lower())  # To the custodian, and to nobody else.
        where = {name for name, _ in self.search([SIGHTED.encode()])}
        self.assertTrue(any("state/" in name for name in where), where)
        self.assertTrue(any("export/" in name for name in where), where)
        self.assertIn("running made-ledger.db", where)
        for part in ("running state/", "running keyslot/", "running export/", "running daemon.log",
                     "running made-incident.json", "running made-incident.html",
                     "running made-affected.csv", "running made-account.txt",
                     "running made-said-by-hold amend.txt", "running home/state/",
                     "process of hold place", "process of account person",
                     "process cmdline", "ended state/"):
            self.assertTrue(any(name.startswith(part) for name in self.places), part)
        self.assertIn(b"call_refused", self.places["ended daemon.log"])
        self.assertIn(b"holdfast_", self.places["metrics"])
        self.assertIn(b"holdfastd", self.places["process cmdline"])
        for name in self.processes:
            self.assertIn(b"identity-", self.places[name], name)
        # What was asked with is marked, and was understood: the ledger has it by pseudonym.
        told = wire.read(self.gateway.folder / "identity-1.csv").lower()
        self.assertTrue(all(needle in told for needle in (
            b"nam" + WORD.lower().encode(), b"1931-11-23", marked(1)["tax_number"].encode())))
        self.assertGreaterEqual(
            self.places["running export/events.jsonl"].count(b'"person_identified"'), 6)
        text = b"x" + base64.b64encode(b"12Qwertzpurpose34")
        self.assertTrue(any(form in text for form in base64_forms(SIGHTED.encode())))

    def test_no_marked_data_rests_anywhere(self):
        lowered = {name: content.lower() for name, content in self.places.items()}
        for needle in needles():
            # Of what may be in base64 the letters' case matters.
            exact = {form for each in (needle, needle.capitalize(), needle.upper())
                     for form in base64_forms(each)}
            self.assertEqual(self.search(exact), set(), needle)
            for form in (needle, needle.decode().encode("utf-16-le"), needle.hex().encode()):
                where = [name for name, content in lowered.items() if form in content]
                self.assertEqual(where, [], needle)

    def test_no_key_rests_anywhere(self):
        """I4 of docs/key-tree.md."""
        self.assertEqual(len(self.keys), ROWS)
        secrets = {f"record {row}": self.keys[row] for row in range(0, ROWS, 7)}
        for signer in wire.SIGNERS:
            secrets[signer] = self.gateway.seed(signer)
        for name in ("server", "ca", "requester-1", "source-1"):
            pem = wire.read(self.gateway.folder / "pki" / f"{name}.key")
            secrets[f"{name} key"] = base64.b64decode(b"".join(pem.splitlines()[1:-1]))
        for name, secret in secrets.items():
            forms = [secret, secret.hex().encode(), secret.hex().upper().encode(),
                     *base64_forms(secret)]
            self.assertEqual(self.search(forms), set(), name)

    def test_no_core_is_dumped(self):
        limits = self.places["process limits"].decode().splitlines()
        (core,) = [line.split() for line in limits if line.startswith("Max core file size")]
        self.assertEqual(core[4:6], ["0", "0"])
        self.assertFalse(list((self.gateway.folder / "tmp").iterdir()))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
