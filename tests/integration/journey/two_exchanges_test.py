#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Two exchanges of one daemon share nothing, not even the knowledge of each other.

Usage: two_exchanges_test.py HOLDFAST HOLDFASTD
"""
import pathlib
import tempfile
import unittest

import gateway
from gateway import CONFIGURATION, NOT_PERMITTED


class TwoExchangesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        root = pathlib.Path(folder.name)
        cls.ours = gateway.Gateway.create(root / "ours", records=20, name="ours")
        cls.theirs = gateway.Gateway.create(root / "theirs", records=20, name="theirs",
                                            domain="other.example")
        cls.addClassCleanup(cls.ours.kill)
        # Certificates of both authorities make a connection.
        cls.ours.write("pki/both.pem", cls.ours.read("pki/ca.pem") + cls.theirs.read("pki/ca.pem"))
        cls.ours.issue("stranger", "requester")
        cls.ours.write_config(cls.ours.config().replace("pki/ca.pem", "pki/both.pem")
                              + cls.theirs.exchange_config())
        cls.ours.start()
        cls.theirs.write_profiles(cls.ours.port)
        for member in gateway.MEMBERS:
            cls.theirs.write_profile(member, cls.ours.port, ca=cls.ours.path("pki/ca.pem"))
        cls.ours.write_profile("requester-1", cls.ours.port, name="stranger",
                               certificate="../../pki/stranger.pem", key="../../pki/stranger.key")

    def answer(self, world, who, exchange, *command, want):
        options = () if exchange is None else ("--exchange", exchange)
        return world.cli(who, *options, *command, want=want).object

    def test_each_member_works_in_its_own(self):
        for world in (self.ours, self.theirs):
            self.assertEqual(world.cli("requester-1", "--exchange", world.name, "transfer",
                                       "list").objects, [])
            about = self.answer(world, "auditor-1", world.name, "status", want=gateway.DONE)
            self.assertEqual(about["exchange_id"], world.exchange_id)

    def test_who_names_none_or_anothers_is_told_that_it_names_none_of_its_own(self):
        for world, other in ((self.ours, "theirs"), (self.theirs, "ours")):
            seen = [self.answer(world, "requester-1", exchange, "transfer", "list",
                                want=CONFIGURATION) for exchange in (None, other, "no-such")]
            # An exchange that is here looks like one that is not.
            self.assertEqual(seen[0]["reason"], "EXCHANGE_NOT_FOUND")
            self.assertEqual(seen[0], seen[1])
            self.assertEqual(seen[0], seen[2])

    def test_who_has_the_permission_nowhere_learns_nothing(self):
        preview = ("disposal", "preview", "--everything")
        seen = [self.answer(self.ours, "auditor-1", exchange, *preview, want=NOT_PERMITTED)
                for exchange in (None, "ours", "theirs", "no-such")]
        seen += [self.answer(self.ours, "stranger", exchange, "transfer", "list",
                             want=NOT_PERMITTED)
                 for exchange in (None, "ours", "theirs", "no-such")]
        for error in seen:
            self.assertEqual(error["reason"], "PERMISSION_DENIED")
            self.assertEqual(error, seen[0])


if __name__ == "__main__":
    gateway.main()
