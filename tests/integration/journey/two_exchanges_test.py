#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Two exchanges of one daemon share nothing, not even the knowledge of each other.

Usage: two_exchanges_test.py HOLDFAST HOLDFASTD
"""
import pathlib
import tempfile
import unittest

import grpc

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

    def test_one_command_places_a_hold_at_several_and_says_where_it_is_in_force(self):
        self.ours.write_profile("counsel-1", self.ours.port, name="at-ours", exchange="ours")
        self.theirs.write_profile("counsel-1", self.ours.port, name="at-theirs", exchange="theirs",
                                  ca=self.ours.path("pki/ca.pem"))
        self.theirs.write_profile("counsel-1", 1, name="dead", exchange="theirs")
        theirs = self.theirs.path("home/profiles/at-theirs")
        dead = self.theirs.path("home/profiles/dead")
        self.ours.write("order.pdf", "It is ordered that the records not be used.")

        def place(profiles, hold, *more, want=gateway.DONE, json_form=True):
            return self.ours.cli(profiles, "--timeout", "5s", "hold", "place", "--id", hold,
                                 "--matter", "1:26-cv-1", "--court", "D. Example",
                                 "--order-reference", "ECF No. 12", "--document", "order.pdf",
                                 "--everything", "--yes", *more, want=want, json_form=json_form)

        placed = place(f"at-ours,{theirs}", "hold-both")
        self.assertEqual([one["verified"] for one in placed.objects], [True, True])
        tried = place(f"at-ours,{theirs}", "hold-dry", "--dry-run")
        self.assertEqual([one["records"] for one in tried.objects], [0, 0])
        partly = place(f"{dead},at-ours", "hold-part", want=gateway.PARTLY)
        self.assertEqual([one["schema"] for one in partly.objects],
                         ["holdfast.cli.v1.Error", "holdfast.cli.v1.OrderReceipt"])
        self.assertEqual(partly.objects[0]["metadata"]["profile"], str(dead))
        # For people: a line for each, which says so or says that it is not.
        said = place(f"at-ours,{dead}", "hold-said", want=gateway.PARTLY, json_form=False).out
        self.assertIn("at-ours: IN FORCE  hold hold-said since ", said)
        self.assertIn(f"{dead}: NOT IN FORCE", said)
        self.assertEqual(said.count("IN FORCE  hold"), 1)
        for world, exchange, holds in ((self.ours, "ours", ["hold-both", "hold-part", "hold-said"]),
                                       (self.theirs, "theirs", ["hold-both"])):
            listed = world.cli("counsel-1", "--exchange", exchange, "hold", "list").objects
            self.assertEqual([one["id"] for one in listed], holds)
        # One exchange takes a hold once, and other commands take one profile.
        place("at-ours,at-ours", "hold-twice", want=gateway.BAD_INPUT)
        self.ours.cli(f"at-ours,{theirs}", "hold", "list", want=gateway.BAD_INPUT)

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
        preview, listing = ("disposal", "preview", "--everything"), ("transfer", "list")
        seen = [self.answer(self.ours, "stranger", exchange, *command, want=NOT_PERMITTED)
                for command in (preview, listing)
                for exchange in (None, "ours", "theirs", "no-such")]
        # The command line of whoever may read the ledger looks at that first, of its own exchange.
        seen.append(self.answer(self.ours, "auditor-1", "ours", *preview, want=NOT_PERMITTED))
        for error in seen:
            self.assertEqual(error["reason"], "PERMISSION_DENIED")
            self.assertEqual(error, seen[0])

    def test_a_call_without_the_permission_learns_nothing_whichever_exchange_it_names(self):
        """Of the call itself: by any program, and not by ours, which asks for the checkpoint first."""
        for who in ("auditor-1", "stranger"):
            channel = grpc.secure_channel(
                f"127.0.0.1:{self.ours.port}", self.ours.credentials(who),
                options=[("grpc.use_local_subchannel_pool", 1),
                         ("grpc.ssl_target_name_override", "localhost")])
            with channel:
                call = channel.unary_unary("/holdfast.v1.DisposalService/PreviewDisposal")
                seen = set()
                for exchange in (None, "ours", "theirs", "no-such"):
                    with self.assertRaises(grpc.RpcError) as raised:
                        call(b"", timeout=gateway.SECONDS,
                             metadata=exchange and (("holdfast-exchange", exchange),))
                    error = raised.exception
                    self.assertEqual(error.code(), grpc.StatusCode.PERMISSION_DENIED)
                    seen.add((error.details(), error.trailing_metadata()))
                self.assertEqual(len(seen), 1, seen)


if __name__ == "__main__":
    gateway.main()
