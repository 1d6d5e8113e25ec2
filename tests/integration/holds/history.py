# SPDX-License-Identifier: Apache-2.0
"""Checks what clients saw against a ledger: is there one order of all acts that explains everything?

The ledger is that order. A history is what clients noted of their calls: when each began and ended, by
one clock, and what was answered. violations() returns what the two contradict each other in, as pairs
of a rule and a sentence. It shares no code with the gateway: what is in force when is worked out here
again, from the facts alone.

Rules
  KEY      a key that came has its entry, for that lease and row
  FROZEN   nothing is let out or deposited behind a freeze that covers it
  THERE    what was acknowledged is in the ledger, as it was acknowledged
  ORDER    what ended before something else began is before it in the ledger
  REFUSED  what a hold refused, that hold covered then
  LEASES   a hold's answer lists what had been released under open leases in its scope, and no more
  LISTED   a list of holds is what was in force at one moment between its call and its answer
  PREFIX   a ledger head that was shown is a prefix of the ledger
"""
import bisect
import collections
import dataclasses
import hashlib

FREEZE, PRESERVE, BOTH = "FREEZE", "PRESERVE", "FREEZE_AND_PRESERVE"


# ---- facts of a ledger; one for each entry, and Other for what does not matter here

@dataclasses.dataclass(frozen=True)
class Other:
    pass


@dataclasses.dataclass(frozen=True)
class Time:
    late: int
    early: int
    trusted: bool


@dataclasses.dataclass(frozen=True)
class Lease:
    number: int
    transfer: int
    not_after: int


@dataclasses.dataclass(frozen=True)
class Key:
    lease: int
    row: int


@dataclasses.dataclass(frozen=True)
class Moved:
    """A chunk of envelopes that was collected, or an envelope that was deposited."""
    transfer: int
    rows: range


@dataclasses.dataclass(frozen=True)
class Order:
    """An accepted order. `act`: place, propose, confirm, cancel, or other."""
    act: str
    hold: str = ""
    kind: str = BOTH
    scope: object = None
    matter: str = ""


@dataclasses.dataclass(frozen=True)
class Refusal:
    """`hold_index` is 0 unless a hold refused."""
    hold_index: int
    transfer: int
    rows: frozenset


@dataclasses.dataclass(frozen=True)
class Scope:
    """Whatever is not None must match. `rows` are of `transfer`."""
    everything: bool = False
    transfer: int = None
    rows: frozenset = None
    officer: str = None
    authority: str = None
    person: bytes = None


@dataclasses.dataclass(frozen=True)
class Record:
    officer: str
    authority: str
    person: bytes


# ---- what clients noted; `start` and `end` are of one clock

@dataclasses.dataclass
class Seen:
    """A call. `index` is where the answer says it stands."""
    start: int
    end: int
    index: int = None
    client: str = ""


@dataclasses.dataclass
class SawKeys(Seen):
    """Keys of one batch that opened: [(row, ledger index)], in ascending order of index."""
    lease: int = 0
    keys: list = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class SawLease(Seen):
    lease: int = 0


@dataclasses.dataclass
class SawChunk(Seen):
    transfer: int = 0
    rows: range = range(0)


@dataclasses.dataclass
class SawRefusal(Seen):
    """A hold refused; `matter` is what the error said."""
    matter: str = ""
    transfer: int = 0
    rows: frozenset = frozenset()


@dataclasses.dataclass
class SawReceipt(Seen):
    """An order was accepted. `leases`: {(transfer, not_after): records}, of a new hold."""
    act: str = ""
    hold: str = ""
    leaf: bytes = b""
    head: tuple = None
    leases: dict = None


@dataclasses.dataclass
class SawHolds(Seen):
    """{hold id: state}; states as in State."""
    holds: dict = dataclasses.field(default_factory=dict)


IN_FORCE, PROPOSED, CONFIRMED = "IN_FORCE", "LIFT_PROPOSED", "LIFT_CONFIRMED"


class RowCover:
    """Which records the holds of one kind cover, counted as holds come and go."""

    def __init__(self):
        self.counts = collections.Counter()

    def add(self, records, by):
        for record in records:
            self.counts[record] += by

    def covers(self, record):
        return self.counts.get(record, 0) > 0


class Walk:
    """Goes through a ledger once, and keeps what the rules need to know of each moment."""

    def __init__(self, facts, records, cooling):
        self.facts = facts
        self.records = records
        self.cooling = cooling
        self.found = []
        self.now = Time(0, 0, False)
        self.leases = {}
        self.released = collections.defaultdict(set)  # Rows by lease.
        self.lease_order = collections.deque()
        self.place = {}   # Hold id -> index of its placing.
        self.covered = {}  # Index of a placing -> records.
        self.states = {}  # Hold id -> state, of those in force.
        self.lifts = {}   # Hold id -> when.
        self.frozen = RowCover()
        self.versions = [(-1, {})]  # (index, states from there on)
        self.intervals = {}  # Index of a placing -> [from, until); until is None while in force.
        self.open_leases = {}  # Index of a placing -> {(transfer, not_after): records}
        for index, fact in enumerate(facts):
            self.step(index, fact)

    def covered_by(self, scope):
        def match(place, record):
            return ((scope.transfer is None or scope.transfer == place[0])
                    and (scope.rows is None or place[1] in scope.rows)
                    and (scope.officer is None or scope.officer == record.officer)
                    and (scope.authority is None or scope.authority == record.authority)
                    and (scope.person is None or scope.person == record.person))
        if scope.transfer is not None and scope.rows is not None:
            places = ((scope.transfer, row) for row in scope.rows)
            return frozenset(place for place in places if place in self.records
                             and match(place, self.records[place]))
        return frozenset(place for place, record in self.records.items() if match(place, record))

    def step(self, index, fact):
        if isinstance(fact, Key):
            lease = self.leases[fact.lease]
            if self.frozen.covers((lease.transfer, fact.row)):
                self.found.append(("FROZEN", f"entry {index} releases a frozen record"))
            self.released[fact.lease].add(fact.row)
        elif isinstance(fact, Time):
            self.now = fact
            if fact.trusted:
                self.lift(index, fact.early)
        elif isinstance(fact, Lease):
            self.leases[fact.number] = fact
            self.lease_order.append(fact.number)
        elif isinstance(fact, Moved):
            if any(self.frozen.covers((fact.transfer, row)) for row in fact.rows):
                self.found.append(("FROZEN", f"entry {index} moves a frozen envelope"))
        elif isinstance(fact, Order):
            self.order(index, fact)

    def order(self, index, fact):
        if fact.act == "place":
            covered = self.covered_by(fact.scope)
            self.place[fact.hold] = index
            self.covered[index] = covered
            self.intervals[index] = [index, None]
            self.states[fact.hold] = IN_FORCE
            self.open_leases[index] = self.leases_in(covered)
            if fact.kind != PRESERVE:
                self.frozen.add(covered, 1)
        elif fact.act == "propose":
            self.states[fact.hold] = PROPOSED
        elif fact.act == "confirm":
            self.states[fact.hold] = CONFIRMED
            self.lifts[fact.hold] = self.now.late + self.cooling
        elif fact.act == "cancel":
            self.states[fact.hold] = IN_FORCE
            self.lifts.pop(fact.hold, None)
        else:
            return
        self.versions.append((index, dict(self.states)))

    def lift(self, index, early):
        due = [hold for hold, at in self.lifts.items() if at <= early]
        for hold in due:
            placed = self.place[hold]
            if self.facts[placed].kind != PRESERVE:
                self.frozen.add(self.covered[placed], -1)
            self.intervals[placed][1] = index
            del self.states[hold], self.lifts[hold]
        if due:
            self.versions.append((index, dict(self.states)))

    def leases_in(self, covered):
        """{(transfer, not_after): records covered} of the leases that are open now."""
        while self.lease_order and self.leases[self.lease_order[0]].not_after <= self.now.late:
            self.released.pop(self.lease_order.popleft(), None)
        found = collections.Counter()
        for number in self.lease_order:
            lease = self.leases[number]
            if lease.not_after <= self.now.late:
                continue
            count = sum((lease.transfer, row) in covered for row in self.released[number])
            if count:
                found[lease.transfer, lease.not_after] += count
        return found

    def was_in_force(self, placed, index):
        begin, end = self.intervals[placed]
        return begin < index and (end is None or index < end)


def violations(facts, leaves, records, cooling, history):
    """`facts` and `leaves`, the leaf hashes, are of every entry; `records`: {(transfer, row): Record};
    `cooling` in milliseconds. Returns [(rule, sentence)]; empty if the history is explained."""
    walk = Walk(facts, records, cooling)
    found = walk.found
    bounds = Bounds(history)

    def fact_at(index):
        return facts[index] if index is not None and 0 <= index < len(facts) else None

    for seen in history:
        fact = fact_at(seen.index)
        if isinstance(seen, SawKeys):
            for row, index in seen.keys:
                if fact_at(index) != Key(seen.lease, row):
                    found.append(("KEY", f"{seen.client} has a key of row {row}; entry {index} is "
                                         f"{fact_at(index)}"))
        elif isinstance(seen, SawLease):
            if not isinstance(fact, Lease) or fact.number != seen.lease:
                found.append(("THERE", f"lease {seen.lease} is not at {seen.index}: {fact}"))
        elif isinstance(seen, SawChunk):
            if fact != Moved(seen.transfer, seen.rows):
                found.append(("THERE", f"a collected chunk is not at {seen.index}: {fact}"))
        elif isinstance(seen, SawReceipt):
            check_receipt(walk, leaves, seen, fact, found)
        elif isinstance(seen, SawRefusal):
            check_refusal(walk, seen, fact, found)
        elif isinstance(seen, SawHolds):
            check_list(walk, seen, bounds, found)
    check_order(history, found)
    check_heads(leaves, history, found)
    return found


def check_receipt(walk, leaves, seen, fact, found):
    if (not isinstance(fact, Order) or (fact.act, fact.hold) != (seen.act, seen.hold)
            or leaves[seen.index] != seen.leaf):
        found.append(("THERE", f"{seen.act} {seen.hold} is not at {seen.index}: {fact}"))
    elif seen.leases is not None and seen.leases != walk.open_leases[seen.index]:
        found.append(("LEASES", f"{seen.hold}: listed {dict(seen.leases)}, there were "
                                f"{dict(walk.open_leases[seen.index])}"))


def check_refusal(walk, seen, fact, found):
    placed = walk.facts[fact.hold_index] if isinstance(fact, Refusal) else None
    if not isinstance(placed, Order) or placed.act != "place" or placed.matter != seen.matter:
        found.append(("REFUSED", f"entry {seen.index} is no refusal by {seen.matter}: {fact}"))
        return
    covered = any((seen.transfer, row) in walk.covered[fact.hold_index] for row in seen.rows)
    if (placed.kind == PRESERVE or not walk.was_in_force(fact.hold_index, seen.index)
            or not covered):
        found.append(("REFUSED", f"{seen.matter} did not freeze what entry {seen.index} refuses"))


class Bounds:
    """For a read without an index: between which entries of others it was answered."""

    def __init__(self, history):
        # Ends ascending, with the highest index that had ended by then; and starts the other way.
        indexed = [(seen, *index_range(seen)) for seen in history if index_range(seen)]
        self.ends, self.highest = [], []
        for seen, _, last in sorted(indexed, key=lambda item: item[0].end):
            self.ends.append(seen.end)
            self.highest.append(max(last, self.highest[-1] if self.highest else -1))
        self.starts, self.lowest = [], []
        for seen, first, _ in sorted(indexed, key=lambda item: -item[0].start):
            self.starts.append(-seen.start)
            self.lowest.append(min(first, self.lowest[-1] if self.lowest else first))

    def of(self, seen):
        """The last entry that it has to know of, and the first that it cannot; None: no such."""
        before = bisect.bisect_left(self.ends, seen.start)
        after = bisect.bisect_left(self.starts, -seen.end)
        return (self.highest[before - 1] if before else -1,
                self.lowest[after - 1] if after else None)


def check_list(walk, seen, bounds, found):
    low, high = bounds.of(seen)
    places = [index for index, _ in walk.versions]
    first = bisect.bisect_right(places, low) - 1
    last = len(places) if high is None else bisect.bisect_left(places, high)
    if not any(states == seen.holds for _, states in walk.versions[first:max(last, first + 1)]):
        found.append(("LISTED", f"{seen.client} was shown {seen.holds}, which was so at no moment "
                                f"between entries {low} and {high}"))


def index_range(seen):
    """First and last entry of what a call did, or None."""
    if isinstance(seen, SawKeys):
        return (seen.keys[0][1], seen.keys[-1][1]) if seen.keys else None
    return None if seen.index is None else (seen.index, seen.index)


def check_order(history, found):
    """Nothing that began after something else had ended is before it in the ledger."""
    placed = [(*index_range(seen), seen) for seen in history if index_range(seen)]
    placed.sort(key=lambda item: item[0])
    latest = None  # Of what stands lower in the ledger, what began last.
    for _, _, seen in placed:
        if latest is not None and seen.end < latest.start:
            found.append(("ORDER", f"{latest} began after the end of {seen}, and is before it"))
        if latest is None or seen.start > latest.start:
            latest = seen


def check_heads(leaves, history, found):
    heads = {}
    for seen in history:
        if isinstance(seen, SawReceipt) and seen.head is not None:
            heads.setdefault(seen.head[0], set()).add(seen.head[1])
    if heads and max(heads) > len(leaves):
        found.append(("PREFIX", f"a ledger of {max(heads)} entries was shown; it has {len(leaves)}"))
    stack = []  # (size, hash) of the perfect trees whose sizes sum to the number of leaves so far.
    for size in range(1, len(leaves) + 1):
        stack.append((1, leaves[size - 1]))
        while len(stack) > 1 and stack[-1][0] == stack[-2][0]:
            (width, right), (_, left) = stack.pop(), stack.pop()
            stack.append((2 * width, hashlib.sha256(b"\1" + left + right).digest()))
        if size in heads:
            root = stack[-1][1]
            for _, left in reversed(stack[:-1]):
                root = hashlib.sha256(b"\1" + left + root).digest()
            if heads[size] != {root}:
                found.append(("PREFIX", f"another root was shown for {size} entries"))


# ---- violations to plant, so that a test of the test can see that each is found

def _quiet_hold(history, lists):
    """A list, and a hold on it that had been placed before and that nobody had begun to lift."""
    placed = {seen.hold: seen.end for seen in history
              if isinstance(seen, SawReceipt) and seen.act == "place"}
    touched = {}
    for seen in history:
        if isinstance(seen, SawReceipt) and seen.act != "place":
            touched[seen.hold] = min(seen.start, touched.get(seen.hold, seen.start))
    for at in reversed(lists):
        seen = history[at]
        for hold in seen.holds:
            if (placed.get(hold, seen.start) < seen.start
                    and touched.get(hold, seen.end + 1) > seen.end):
                return at, hold
    return None


def planted(facts, leaves, records, cooling, history, dice):
    """Yields (name, rules of which one must be broken, facts, leaves, history), each with one lie.

    What cannot be planted for want of an example in the history is left out.
    """
    def of(kind, want=lambda seen: True):
        return [i for i, seen in enumerate(history) if isinstance(seen, kind) and want(seen)]

    def lie(at, **changed):
        return [dataclasses.replace(seen, **changed) if i == at else seen
                for i, seen in enumerate(history)]

    places = of(SawReceipt, lambda seen: seen.act == "place")
    keys = of(SawKeys, lambda seen: seen.keys)
    if keys:
        at = dice.choice(keys)
        (row, index), *rest = history[at].keys
        yield ("a key of another row", {"KEY"}, facts, leaves,
               lie(at, keys=[(row + 1, index), *rest]))
        yield ("a key of another lease", {"KEY"}, facts, leaves,
               lie(at, lease=history[at].lease + 1))
        yield ("a key without an entry", {"KEY"}, facts, leaves,
               lie(at, keys=[*history[at].keys, (row, len(facts))]))
        lost = list(facts)
        lost[index] = Other()
        yield "a release that the ledger lost", {"KEY"}, lost, leaves, history
    for at in dice.sample(places, min(1, len(places))):
        seen = history[at]
        lost = list(facts)
        lost[seen.index] = Other()
        # Whatever stood on it goes too, or the walk would stumble.
        lost = [Other() if isinstance(fact, Order) and fact.hold == seen.hold else fact
                for fact in lost]
        yield "a hold that the ledger lost", {"THERE"}, lost, leaves, history
        yield "a receipt with another hash", {"THERE"}, facts, leaves, lie(at, leaf=bytes(32))
        if seen.head:
            yield ("a head of another ledger", {"PREFIX"}, facts, leaves,
                   lie(at, head=(seen.head[0], bytes(32))))
        yield ("a ledger that was longer", {"PREFIX"}, facts, leaves,
               lie(at, head=(len(facts) + 1, bytes(32))))
    listing = of(SawReceipt, lambda seen: seen.leases)
    if listing:
        at = dice.choice(listing)
        (lease, count), *rest = history[at].leases.items()
        yield "a lease that is not listed", {"LEASES"}, facts, leaves, lie(at, leases=dict(rest))
        yield ("a lease with a record too few", {"LEASES"}, facts, leaves,
               lie(at, leases={lease: count - 1, **dict(rest)}))
    refused = of(SawRefusal)
    if refused:
        at = dice.choice(refused)
        yield ("a refusal in another matter", {"REFUSED"}, facts, leaves,
               lie(at, matter="no such matter"))
        yield "a refusal of other rows", {"REFUSED"}, facts, leaves, lie(at, rows=frozenset())
        # In place of the refusal, the key of a row that was frozen.
        seen = history[at]
        walk = Walk(facts, records, cooling)
        hold = facts[seen.index].hold_index
        row = next(row for row in seen.rows if (seen.transfer, row) in walk.covered[hold])
        lease = next((fact.number for fact in facts[:seen.index]
                      if isinstance(fact, Lease) and fact.transfer == seen.transfer), None)
        if lease is not None:
            leaked = list(facts)
            leaked[seen.index] = Key(lease, row)
            yield "a frozen key that left", {"FROZEN"}, leaked, leaves, history
    quiet = _quiet_hold(history, of(SawHolds, lambda seen: seen.holds))
    if quiet:
        at, hold = quiet
        holds = history[at].holds
        yield ("a hold that is not listed", {"LISTED"}, facts, leaves,
               lie(at, holds={h: state for h, state in holds.items() if h != hold}))
        yield ("a hold that nobody placed", {"LISTED"}, facts, leaves,
               lie(at, holds={**holds, "hold-of-nobody": IN_FORCE}))
        yield ("a hold in another state", {"LISTED"}, facts, leaves,
               lie(at, holds={**holds, hold: CONFIRMED}))
    if any(isinstance(fact, Order) and fact.act == "confirm" for fact in facts) and keys:
        # Nothing was ever lifted, as far as the ledger's own time goes.
        early = [dataclasses.replace(fact, early=0) if isinstance(fact, Time) else fact
                 for fact in facts]
        yield "lifts that came too early", {"FROZEN", "LISTED"}, early, leaves, history
    if len(keys) > 1:
        first, last = history[keys[0]], history[keys[-1]]
        if first.end < last.start:
            yield ("a later act with a lower entry", {"ORDER"}, facts, leaves,
                   lie(keys[0], start=last.end + 1, end=last.end + 2))
    if places and keys:
        # The answer to a hold came before the release of a lower entry was even asked for.
        at = places[-1]
        below = [i for i in keys if history[i].keys[-1][1] < history[at].index]
        if below:
            yield ("a release after the answer to a hold, with a lower entry", {"ORDER"}, facts,
                   leaves, lie(below[-1], start=history[at].end + 1, end=history[at].end + 2))
