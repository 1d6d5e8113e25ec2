#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The checker of histories is checked: it takes a good history, and finds every lie planted in it."""
import dataclasses
import hashlib
import random
import unittest

import history as h

COOLING = 100
RECORDS = {(0, row): h.Record(f"officer-{row % 3}", "statute", bytes([row])) for row in range(20)}
ROWS_5_TO_9 = h.Scope(transfer=0, rows=frozenset(range(5, 10)))


def hash_of(index):
    return hashlib.sha256(b"\0" + bytes([index])).digest()


def root_of(hashes):
    if len(hashes) == 1:
        return hashes[0]
    split = 1 << (len(hashes) - 1).bit_length() - 1
    return hashlib.sha256(b"\1" + root_of(hashes[:split]) + root_of(hashes[split:])).digest()


FACTS = [
    h.Other(),                                                      # 0
    h.Time(1000, 1000, True),                                       # 1
    h.Lease(0, 0, 5000),                                            # 2
    h.Key(0, 4), h.Key(0, 5), h.Key(0, 6),                          # 3 to 5
    h.Order("place", "hold-a", h.FREEZE, ROWS_5_TO_9, "matter a"),  # 6
    h.Refusal(6, 0, frozenset({4, 5})),                             # 7
    h.Key(0, 4),                                                    # 8
    h.Order("place", "hold-b", h.PRESERVE, h.Scope(everything=True), "matter b"),  # 9
    h.Key(0, 11),                                                   # 10
    h.Order("propose", "hold-a"),                                   # 11
    h.Order("confirm", "hold-a"),                                   # 12
    h.Time(1050, 1050, True),                                       # 13
    h.Refusal(6, 0, frozenset({7})),                                # 14
    h.Time(1100, 1100, True),                                       # 15
    h.Key(0, 7),                                                    # 16
    h.Moved(0, range(20)),                                          # 17
]
LEAVES = [hash_of(i) for i in range(len(FACTS))]


def receipt(start, end, index, act, hold, leases=None):
    return h.SawReceipt(start, end, index, act=act, hold=hold, leaf=LEAVES[index], leases=leases,
                        head=(index + 1, root_of(LEAVES[:index + 1])))


HISTORY = [
    h.SawLease(1, 2, 2, lease=0),
    h.SawKeys(3, 6, lease=0, keys=[(4, 3), (5, 4), (6, 5)]),
    receipt(4, 9, 6, "place", "hold-a", {(0, 5000): 2}),
    h.SawHolds(7, 8, holds={"hold-a": h.IN_FORCE}),
    h.SawRefusal(10, 11, 7, matter="matter a", transfer=0, rows=frozenset({4, 5})),
    h.SawKeys(12, 13, lease=0, keys=[(4, 8)]),
    receipt(14, 15, 9, "place", "hold-b", {(0, 5000): 3}),
    h.SawHolds(16, 17, holds={"hold-a": h.IN_FORCE, "hold-b": h.IN_FORCE}),
    h.SawKeys(16, 17, lease=0, keys=[(11, 10)]),
    receipt(18, 19, 11, "propose", "hold-a"),
    receipt(20, 21, 12, "confirm", "hold-a"),
    h.SawRefusal(22, 23, 14, matter="matter a", transfer=0, rows=frozenset({7})),
    h.SawKeys(24, 25, lease=0, keys=[(7, 16)]),
    h.SawHolds(26, 27, holds={"hold-b": h.IN_FORCE}),
    h.SawChunk(28, 29, 17, transfer=0, rows=range(20)),
]


def rules(facts, leaves, history):
    return {rule for rule, _ in h.violations(facts, leaves, RECORDS, COOLING, history)}


def changed(at, fact):
    return [fact if i == at else old for i, old in enumerate(FACTS)]


def seen(at, **values):
    return [dataclasses.replace(old, **values) if i == at else old for i, old in enumerate(HISTORY)]


class HistoryTest(unittest.TestCase):
    def test_a_good_history_is_explained(self):
        self.assertEqual(h.violations(FACTS, LEAVES, RECORDS, COOLING, HISTORY), [])

    def test_what_every_run_plants_is_found_here_too(self):
        names = set()
        for seed in range(20):
            for name, expected, facts, leaves, history in h.planted(
                    FACTS, LEAVES, RECORDS, COOLING, HISTORY, random.Random(seed)):
                names.add(name)
                self.assertTrue(rules(facts, leaves, history) & expected, name)
        self.assertGreaterEqual(len(names), 18, names)

    def test_a_release_behind_a_freeze_is_found_wherever_it_stands(self):
        for at in (7, 14):
            self.assertIn("FROZEN", rules(changed(at, h.Key(0, 7)), LEAVES, HISTORY))
            self.assertIn("FROZEN", rules(changed(at, h.Moved(0, range(20))), LEAVES, HISTORY))
            # Beside the freeze it is none; but somebody saw a refusal there.
            beside = rules(changed(at, h.Key(0, 12)), LEAVES, HISTORY)
            self.assertIn("REFUSED", beside)
            self.assertNotIn("FROZEN", beside)

    def test_a_lift_counts_only_after_its_cooling_period_at_a_trusted_time(self):
        for time in (h.Time(1100, 1099, True), h.Time(1100, 1100, False)):
            self.assertIn("FROZEN", rules(changed(15, time), LEAVES, HISTORY))
        self.assertIn("FROZEN", rules(changed(12, h.Order("cancel", "hold-a")), LEAVES, HISTORY))

    def test_other_scopes_cover_what_they_say(self):
        for scope, row, covered in ((h.Scope(officer="officer-1"), 7, True),
                                    (h.Scope(officer="officer-2"), 7, False),
                                    (h.Scope(person=bytes([7])), 7, True),
                                    (h.Scope(person=bytes([8])), 7, False),
                                    (h.Scope(authority="statute", officer="officer-1"), 7, True),
                                    (h.Scope(authority="other"), 7, False),
                                    (h.Scope(transfer=1), 7, False), (h.Scope(everything=True), 7, True)):
            facts = [FACTS[1], FACTS[2], h.Order("place", "x", h.BOTH, scope), h.Key(0, row)]
            self.assertEqual(rules(facts, LEAVES[:4], []), {"FROZEN"} if covered else set(), scope)

    def test_acts_in_another_order_than_clients_saw_are_found(self):
        for earlier in range(len(HISTORY) - 1):
            if h.index_range(HISTORY[earlier]) is None:
                continue
            with self.subTest(earlier):
                late = seen(earlier, start=100, end=101)
                self.assertIn("ORDER", rules(FACTS, LEAVES, late))

    def test_acts_at_one_time_may_have_either_order(self):
        together = [dataclasses.replace(each, start=1, end=30) for each in HISTORY
                    if not isinstance(each, h.SawHolds)]
        self.assertEqual(rules(FACTS, LEAVES, together), set())

    def test_a_list_of_another_moment_is_found(self):
        first, second, third = (i for i, each in enumerate(HISTORY)
                                if isinstance(each, h.SawHolds))
        later, latest = HISTORY[second].holds, HISTORY[third].holds
        self.assertIn("LISTED", rules(FACTS, LEAVES, seen(first, holds=later)))
        self.assertIn("LISTED", rules(FACTS, LEAVES, seen(second, holds=latest)))
        self.assertIn("LISTED", rules(FACTS, LEAVES, seen(second, holds={})))
        self.assertIn("LISTED", rules(FACTS, LEAVES, seen(third, holds=later)))
        # While a hold is being placed, either answer is right.
        self.assertEqual(rules(FACTS, LEAVES, seen(first, holds={})), set())


if __name__ == "__main__":
    unittest.main()
