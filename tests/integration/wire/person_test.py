#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A person by identity, over the network: probing without the tax number, and a hold that covers one person.

Usage: person_test.py HOLDFAST HOLDFASTD STUBS PROTOSET
"""
import csv
import io
import json
import subprocess
import unittest

import grpc
import wire_gateway as wire

from holdfast.v1 import person_service_pb2 as people, person_service_pb2_grpc  # noqa: E402

IDENTITY = ("name", "tax_number", "birth_date")


def without(person, *fields):
    return dict(person, **dict.fromkeys(fields, ""))


class PersonTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.gateway = wire.Gateway()
        cls.addClassCleanup(cls.gateway.close)
        cls.people = map(wire.somebody, range(1, 99))

    def tearDown(self):
        self.assertEqual(self.gateway.errors(), [])

    def some(self, count):
        return [next(self.people) for _ in range(count)]

    def asked(self, rows):
        """Returns the transfer, and what stops it."""
        name = self.gateway.create().name
        verdicts = self.gateway.submit(name, [wire.subject(row) for row in rows])
        self.assertEqual(verdicts, b"\x01" * len(rows))
        request = wire.transfer_service_pb2.GetTransferRequest(name=name)
        view = self.gateway.transfers("custodian-1").GetTransfer(request, timeout=wire.SECONDS)
        return name, [stop.reason for stop in view.stops]

    def file(self, person):
        """Returns the path of a file with one line, as a request list has it and more than is needed."""
        out = io.StringIO()
        writer = csv.DictWriter(out, list(person))
        writer.writeheader()
        writer.writerow(person)
        path = self.gateway.folder / "identity.csv"
        path.write_text(out.getvalue(), encoding="utf-8")
        return str(path)

    def counsel(self, *arguments, member="counsel-1"):
        return json.loads(self.gateway.cli("--profile", member, "--json", *arguments))

    def fails(self, *arguments):
        """Returns all that was said."""
        result = subprocess.run((wire.HOLDFAST, *arguments), cwd=self.gateway.folder,
                                env=self.gateway.environment, capture_output=True, text=True,
                                check=False, timeout=2 * wire.SECONDS)
        self.assertEqual(result.returncode, 65, result)
        return result.stdout + result.stderr

    def identify(self, person, member="counsel-1"):
        stub = person_service_pb2_grpc.PersonServiceStub(self.gateway.channel(member))
        request = people.IdentifyPersonRequest(**{part: person.get(part, "") for part in IDENTITY})
        return stub.IdentifyPerson(request, timeout=wire.SECONDS)

    # ---- R46

    def test_leaving_the_tax_number_out_does_not_hide_a_second_address(self):
        prober, *others = self.some(9)
        moved = dict(prober, line1="7 Elsewhere Rd")
        self.assertEqual(self.asked([prober, *others[:2]])[1], [])
        self.assertEqual(self.asked([without(prober, "tax_number"), *others[2:4]])[1], [])
        self.assertEqual(self.asked([without(moved, "tax_number"), *others[4:6]])[1],
                         ["SECOND_ADDRESS"])
        self.assertEqual(self.asked([without(moved, "birth_date"), *others[6:]])[1],
                         ["SECOND_ADDRESS"])

    def test_adding_the_tax_number_does_not_hide_a_second_address(self):
        prober, namesake, *others = self.some(10)
        moved = dict(prober, line1="7 Elsewhere Rd")
        self.assertEqual(self.asked([without(prober, "tax_number"), *others[:2]])[1], [])
        self.assertEqual(self.asked([prober, *others[2:4]])[1], [])
        self.assertEqual(self.asked([moved, *others[4:6]])[1], ["SECOND_ADDRESS"])
        # Somebody of that name and birth date was asked for without a number: it may be this one.
        twin = dict(namesake, name=prober["name"], birth_date=prober["birth_date"])
        self.assertEqual(self.asked([twin, *others[6:]])[1], ["SECOND_ADDRESS"])

    def test_namesakes_with_numbers_are_two_people(self):
        person, namesake, *others = self.some(6)
        twin = dict(namesake, name=person["name"], birth_date=person["birth_date"])
        self.assertEqual(self.asked([person, twin, *others])[1], [])
        self.assertEqual(self.asked([person, twin, *others])[1], [])

    # ---- pseudonyms

    def test_an_identity_has_a_pseudonym_for_each_way_to_ask_and_the_ledger_says_who_wanted_them(self):
        (person,) = self.some(1)
        found = self.identify(person)
        self.assertEqual([each.basis for each in found.pseudonyms],
                         [people.TAX_NUMBER, people.NAME_AND_BIRTH_DATE, people.NAME_ALONE])
        self.assertEqual(len({each.pseudonym for each in found.pseudonyms}), 3)
        again = self.identify(person, "custodian-1")
        self.assertEqual(list(again.pseudonyms), list(found.pseudonyms))
        self.assertGreater(again.ledger_index, found.ledger_index)
        self.assertEqual(list(self.identify(without(person, "tax_number")).pseudonyms),
                         list(found.pseudonyms)[1:])
        # Neither name nor number: nobody.
        with self.assertRaises(grpc.RpcError) as caught:
            self.identify({"birth_date": "1982-02-09"})
        self.assertEqual(wire.info_of(caught.exception).reason, "REQUEST_MALFORMED")
        auditor = ("--profile", "auditor-1", "ledger")
        self.gateway.cli(*auditor, "export", "--out", "export", "--quiet")
        explained = self.gateway.cli(*auditor, "explain", str(found.ledger_index), "export")
        self.assertIn("(counsel-1) was told under which pseudonyms the ledger has a person",
                      explained.replace("\n", " "))

    # ---- a hold over one person

    def covered(self, identity):
        return self.counsel("hold", "preview", "--identity", identity)["records"]

    def test_a_hold_over_a_person_covers_every_way_to_ask_and_who_is_asked_for_later(self):
        person, other = self.some(2)
        namesake = dict(other, name=person["name"], birth_date="1971-01-01")
        self.asked([person, other, namesake])
        # Counsel may know the number or not; the request had both.
        for known in (person, without(person, "tax_number"), without(person, "birth_date")):
            self.assertEqual(self.covered(self.file(known)), 1, known)
        self.counsel("hold", "place", "--identity", self.file(without(person, "tax_number")),
                     "--matter", "1:26-cv-9", "--court", "D.D.C.", "--basis", "oral", "--id",
                     "hold-one", "--yes")
        later, _ = self.asked([without(person, "tax_number"), without(person, "birth_date"), person,
                               without(other, "birth_date"),
                               without(person, "tax_number", "birth_date")])
        # By the number alone is another pseudonym, of which this counsel knows nothing: by both, it is.
        self.assertEqual(self.covered(self.file(without(person, "tax_number"))), 4)
        self.assertEqual(self.covered(self.file(person)), 5)
        self.gateway.approve(later)
        with self.assertRaises(grpc.RpcError) as caught:
            self.gateway.deposit(later, lambda found: [])
        self.assertEqual(wire.info_of(caught.exception).reason, "HELD")

    # ---- R39

    def test_an_account_of_one_person_is_found_by_identity_and_is_in_the_ledger(self):
        person, other = self.some(2)
        self.asked([person, other])
        self.asked([without(person, "tax_number")])
        said = self.gateway.cli("--profile", "custodian-1", "--json", "account", "person",
                                "--identity", self.file(person), "--reason", "a request", "--yes")
        account = [json.loads(line) for line in said.splitlines()][-1]
        self.assertEqual((account["records"], account["disclosures"]), (2, 0))
        again = self.gateway.cli("--profile", "custodian-1", "--json", "account", "person",
                                 "--order", str(account["order_index"]))
        self.assertEqual(json.loads(again.splitlines()[-1])["records"], 2)
        self.assertNotIn(person["name"], said)

    def test_nothing_of_a_namesake_is_destroyed(self):
        person, other = self.some(2)
        self.asked([person, without(dict(other, name=person["name"]), "tax_number", "birth_date")])
        self.assertEqual(self.covered(self.file(person)), 2)
        taken = self.counsel("disposal", "preview", "--identity", self.file(person),
                             member="custodian-1")
        self.assertEqual(taken["count"], 1)
        failed = self.fails("--profile", "custodian-1", "disposal", "preview", "--identity",
                            self.file(without(person, "tax_number", "birth_date")))
        self.assertIn("many people's", failed)

    def test_an_identity_is_one_person_and_is_shown_nowhere(self):
        (person,) = self.some(1)
        path = self.file(person)
        with open(path, "r+", encoding="utf-8") as file:
            file.write(file.read().splitlines()[1] + "\n")
        failed = self.fails("--profile", "counsel-1", "hold", "preview", "--identity", path)
        self.assertIn("several people", failed)
        self.assertNotIn(person["name"], failed)
        self.assertNotIn(person["tax_number"], failed)


if __name__ == "__main__":
    unittest.main(argv=["person_test"], verbosity=2)
