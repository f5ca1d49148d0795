#!/usr/bin/env python3
"""The sync algorithm as a model that random schedules can check. `docs/sync.md` tells it in words, `core/src/sync` is it in Rust.

    python3 sync_model.py [--schedules N] [--seed FIRST] [--mutants]

Messages travel on their own: requests of one device overtake each other, those of a killed sync arrive after the next one began, replies are
lost, people edit at any moment, a store is put back to an older copy of itself, the backend prunes tombstones, lags, and is put back too.
When that is over every device syncs until it is quiet, and then must hold:

  converged     every device and the backend have the same records, and nothing is left to send
  nothing lost  what a person wrote stands in the end, or a person who saw it replaced or deleted it, or it is in a conflict log;
                only what was on no disk any more may be gone
  no revival    without deletes and restored copies, a value that a person replaced knowingly does not come back
  no noise      one device alone never sees a conflict, whatever is lost on the way
  no echo       (counted, not asserted) a device is not sent what it wrote itself

`--mutants` breaks one rule at a time and expects a schedule that notices.
"""
import argparse
import copy
import random
import sys

BROKEN = set()          # the rules that are switched off in this run
RULES = {}              # name -> what it says
ECONOMY = set()         # those that only save requests: breaking them must do no harm


def rule(name, text, economy=False):
    RULES[name] = text
    if economy:
        ECONOMY.add(name)
    return name


# ---------------------------------------------------------------- versions

def contains(a, b):
    """Ancestry `a` has seen every write that `b` has."""
    return all(a.get(writer, 0) >= clock for writer, clock in b.items())


def join(a, b):
    return {writer: max(a.get(writer, 0), b.get(writer, 0)) for writer in a | b}


class Version:
    """What a record is at one time: fields, or None for a tombstone; and the writes that went into it. Never changed once made."""
    __slots__ = ("fields", "seen")

    def __init__(self, fields, seen):
        self.fields, self.seen = fields, seen

    def values(self):
        return set((self.fields or {}).values())


def merge(base, ours, theirs, log):
    """Three ways, field by field; what loses to ours goes to the log."""
    if ours == theirs:
        return ours
    if theirs is None or ours is None:
        kept, gone_from = (ours, base) if theirs is None else (theirs, base)
        if EDIT_BEATS_DELETE in BROKEN:
            return None
        return None if kept == gone_from else kept
    base, merged = base or {}, {}
    for field in sorted(base.keys() | ours.keys() | theirs.keys()):
        b, o, t = base.get(field), ours.get(field), theirs.get(field)
        if o == t or t == b:
            value = o
        elif o == b:
            value = t
        else:
            value = o
            if LOSER_IS_KEPT not in BROKEN:
                log.append((field, t))
        if value is not None:
            merged[field] = value
    return merged


# ---------------------------------------------------------------- the backend

PAGE, EXPIRED, NEW_EPOCH = "page", "expired", "new-epoch"


class Backend:
    """A sequence of commits. A position is (mark, where the listing began, or None); a head is (commit, tag). A plain backend, such as a
    folder of files, knows neither: each sync lists everything, and nobody notices that it was put back."""

    def __init__(self, plain=False):
        self.plain, self.commits, self.horizon, self.held, self.tags, self.replica = plain, 0, 0, {}, {0: "0"}, None

    def exchange(self, position, head, mutations, limit, rng):
        if head and self.tags.get(head[0]) != head[1] and HEAD_IS_CHECKED not in BROKEN:
            return NEW_EPOCH, None
        mark, listing = position or (0, self.commits)
        since = mark if listing is None else max(mark, listing)
        if since < self.horizon and EXPIRED_IS_SAID not in BROKEN:
            return EXPIRED, None
        outcomes, before, own = [], self.commits, set()
        for rid, guard, version in mutations:
            _, revision, current = self.held.get(rid, (0, None, None))
            if revision == guard or GUARD in BROKEN:
                self.commits += 1
                self.tags[self.commits] = f"{rng.random()}"
                revision = f"{self.commits}.{self.tags[self.commits]}" if self.plain else self.commits
                self.held[rid] = (self.commits, revision, version)
                own.add(self.commits)
                outcomes.append(("accepted", revision, None))
            else:
                outcomes.append(("conflict", revision, current))
        reply = {"outcomes": outcomes, "changes": [], "position": position, "more": False,
                 "head": None if self.plain else (self.commits, self.tags[self.commits]),
                 "written": ((before, None), (self.commits, None)) if own and not self.plain else None}
        if limit:
            self.list_changes(reply, mark, listing, own, limit, rng)
        return PAGE, reply

    def list_changes(self, reply, mark, listing, own, limit, rng):
        top, held = self.commits, self.held
        may_lag = listing is None or LISTINGS_DO_NOT_LAG in BROKEN
        if self.replica and may_lag and self.replica[0] >= mark and rng.random() < .4:
            top, held = self.replica
        newer = sorted((seq, rid) for rid, (seq, _, _) in held.items() if seq > mark and seq not in own)
        reply["changes"] = [(rid, *held[rid][1:]) for _, rid in newer[:limit]]
        reply["more"] = len(newer) > limit
        if reply["more"]:
            reply["position"] = (newer[limit - 1][0], listing)
        else:
            reply["position"] = None if self.plain else (max(top, mark), None)

    def prune(self):
        for rid, (seq, _, version) in list(self.held.items()):
            if version.fields is None:
                self.horizon = max(self.horizon, seq)
                del self.held[rid]
        self.replica = None

    def values(self):
        return {value for _, _, version in self.held.values() for value in version.values()}


# ---------------------------------------------------------------- what a device keeps on disk

class Row:
    """A record: its newest version, the older ones by number, and what is known of the other side."""

    def __init__(self, version):
        self.local, self.number, self.past = version, 1, {}
        self.base_at = self.revision = self.clean_at = self.sent_at = None
        self.listed = 0

    def at(self, number):
        if number is None:
            return Version(None, {})
        return self.local if number == self.number else self.past[number]

    @property
    def dirty(self):
        return self.number != self.clean_at

    @property
    def base(self):
        return self.at(self.base_at)

    def replace(self, version):
        self.past[self.number] = self.local
        self.local, self.number = version, self.number + 1

    def slip_in(self, version):
        """Files a version that came before ours below it; ours gets a newer number."""
        self.past[self.number] = self.local
        self.past[self.number + 1] = version
        self.number += 2
        return self.number - 1

    def agree(self, base_at, revision, clean_at):
        self.base_at, self.revision, self.clean_at, self.sent_at = base_at, revision, clean_at, None


class Store:
    def __init__(self, name):
        self.name, self.writer, self.clock = name, name, 0
        self.rows, self.log = {}, []
        self.position, self.head = None, None
        self.listing, self.listing_done = 0, True
        self.found_copied = 0

    def tick(self, now):
        self.clock = max(self.clock + 1, now)
        return self.clock

    def edit(self, rid, change, now):
        clock = self.tick(now)
        if rid in self.rows:
            row = self.rows[rid]
            row.replace(Version(change(row.local.fields), row.local.seen | {self.writer: clock}))
        else:
            self.rows[rid] = Row(Version(change(None), {self.writer: clock}))

    def become_another(self, now):
        """This store turned out to be a copy of itself. What it has not sent is the copy's, under a name of its own."""
        self.found_copied += 1
        old, self.writer = self.writer, f"{self.name}'{now}"
        for row in self.rows.values():
            if row.dirty and UNSENT_IS_RENAMED not in BROKEN:
                seen = {w: c for w, c in row.local.seen.items() if w != old}
                seen |= {w: c for w, c in row.base.seen.items() if w == old}
                row.replace(Version(row.local.fields, seen | {self.writer: self.tick(now)}))
                row.sent_at = None

    def incorporate(self, rid, revision, theirs, now):
        """A version of the other side, on a page or in the place of ours."""
        row = self.rows.get(rid)
        self.notice_a_copy(row, theirs, now)
        if row is None:
            row = self.rows[rid] = Row(theirs)
            row.agree(1, revision, 1)
            return
        if revision == row.revision:
            return
        if row.sent_at and contains(theirs.seen, row.at(row.sent_at).seen) and SENT_INSIDE_IS_ACCEPTED not in BROKEN:
            row.agree(row.sent_at, row.revision, row.sent_at)
        ours = row.local
        if theirs.seen == ours.seen and theirs.fields == ours.fields:
            row.agree(row.number, revision, row.number)
        elif contains(theirs.seen, ours.seen) and not (row.dirty and theirs.seen == ours.seen):
            row.replace(theirs)
            row.agree(row.number, revision, row.number)
        elif contains(ours.seen, theirs.seen):
            if OLDER_IS_ANSWERED in BROKEN:
                row.revision = revision
            elif contains(row.base.seen, theirs.seen):
                row.agree(row.base_at, revision, None)
            else:
                row.agree(row.slip_in(theirs), revision, None)
        else:
            self.merge_in(row, revision, theirs, now)

    def notice_a_copy(self, row, theirs, now):
        """It holds a write under our name, newer than the base's, that no version here remembers: someone else is us, too."""
        newest = theirs.seen.get(self.writer, 0)
        if newest <= (row.base.seen.get(self.writer, 0) if row else 0):
            return
        remembered = row and any(v.seen.get(self.writer) == newest for v in (row.local, *row.past.values()))
        if not remembered and COPIES_ARE_NOTICED not in BROKEN:
            self.become_another(now)

    def merge_in(self, row, revision, theirs, now):
        ours = row.local
        shared = contains(theirs.seen, row.base.seen) or BASE_IS_ANCESTOR in BROKEN
        merged = merge(row.base.fields if shared else None, ours.fields, theirs.fields, self.log)
        if merged == theirs.fields:
            row.replace(theirs)
            row.agree(row.number, revision, row.number)
            return
        seen = join(ours.seen, theirs.seen)
        if MERGE_IS_A_WRITE not in BROKEN:
            seen |= {self.writer: self.tick(now)}
        row.replace(theirs)
        base_at = row.number
        row.replace(Version(merged, seen))
        row.agree(base_at, revision, None)

    def absent(self, row):
        """The other side has no such record (any more): ours goes up as a new one, a tombstone rests."""
        row.agree(row.base_at, None, row.number if row.local.fields is None else None)

    def begin_listing(self):
        self.listing += 1
        self.listing_done = False

    def end_listing(self):
        """All was listed. What both sides once had and was not met is gone there."""
        for row in self.rows.values():
            if row.revision is None or row.listed == self.listing:
                continue
            if row.dirty and GONE_BUT_EDITED_STAYS not in BROKEN:
                row.agree(row.base_at, None, None)
            elif GONE_IS_DELETED not in BROKEN:
                row.replace(Version(None, row.local.seen))
                row.agree(row.number, None, row.number)
        self.listing_done = True

    def offer_everything(self):
        """The backend was put back: say all of it again, delete nothing."""
        self.position = self.head = None
        for row in self.rows.values():
            keep = row.revision if NEW_EPOCH_FORGETS_REVISIONS in BROKEN else None
            row.agree(row.base_at, keep, row.clean_at if NEW_EPOCH_OFFERS_ALL in BROKEN else None)

    def raise_head(self, head):
        if head and (self.head is None or head[0] > self.head[0] or HEAD_IS_THE_LARGEST in BROKEN):
            self.head = head

    def holds(self):
        kept = set()
        for row in self.rows.values():
            kept |= row.local.values() | row.base.values() | row.at(row.sent_at).values()
        return kept


# ---------------------------------------------------------------- one sync, which dies with its process

class Flight:
    def __init__(self, batch, limit, position):
        self.batch, self.limit, self.position = batch, limit, position     # batch: (rid, guard, number of the version sent)


class Session:
    """Asks, and applies what comes back. Any number of pushes are in flight, one page at a time."""

    def __init__(self, store, rng, now):
        self.store, self.rng = store, rng
        self.batch, self.page, self.pushes = rng.randint(1, 3), rng.randint(1, 3), rng.randint(1, 3)
        self.list_first = rng.random() < .5      # after new-epoch: compare before offering
        self.flights, self.answered, self.spans = {}, {}, {}
        self.held, self.wants_page, self.next_flight, self.relisting, self.failed = None, True, 0, False, False

    def page_under_way(self):
        return self.held is not None or any(f.limit for f in self.flights.values())

    def in_flight(self):
        return {rid for f in self.flights.values() for rid, _, _ in f.batch}

    def next(self):
        """The next request, or None: something has to arrive first."""
        store = self.store
        if self.held is not None and HELD_PAGE_STOPS_PUSHES not in BROKEN:
            return None
        ask = self.wants_page and not self.page_under_way()
        batch = []
        if len(self.flights) < self.pushes and not (self.relisting and self.list_first):
            busy = self.in_flight()
            ready = sorted(rid for rid, row in store.rows.items() if row.dirty and rid not in busy)
            self.rng.shuffle(ready)
            batch = ready[:self.batch]
        if ask and self.rng.random() < .3:
            batch = []
        if not ask and not batch:
            return None
        mutations, flown = [], []
        for rid in batch:
            row = store.rows[rid]
            if row.sent_at is None or SENT_GOES_UNCHANGED in BROKEN:
                row.sent_at = row.number
            version = row.at(row.sent_at)
            mutations.append((rid, row.revision, version))
            flown.append((rid, row.revision, row.sent_at))
            if SENT_IS_STORED in BROKEN:
                row.sent_at = None
        if ask:
            self.wants_page, self.answered = False, {}
            if store.position is None:
                store.begin_listing()
                self.relisting = self.relisting and self.list_first
        flight, self.next_flight = self.next_flight, self.next_flight + 1
        self.flights[flight] = Flight(flown, self.page if ask else 0, store.position)
        return flight, (store.position, store.head, mutations, self.page if ask else 0)

    def receive(self, number, status, reply, now):
        """One reply, one transaction."""
        flight = self.flights.pop(number)
        store = self.store
        if status != PAGE:
            if LATE_REPLIES_ARE_DROPPED not in BROKEN:
                self.flights.clear()
            self.held, self.spans, self.wants_page, self.answered = None, {}, True, {}
            if status == NEW_EPOCH:
                store.offer_everything()
                self.relisting = True
            store.position = None
            return
        for (rid, guard, sent), (what, revision, theirs) in zip(flight.batch, reply["outcomes"]):
            self.outcome(rid, sent, what, revision, theirs, now)
            if not flight.limit:
                self.answered[rid] = reply["head"] and reply["head"][0]
        store.raise_head(reply["head"])
        if reply["written"]:
            after, until = reply["written"]
            self.spans[after] = until
        if flight.limit:
            self.held = (reply, flight)
        self.land(now)

    def outcome(self, rid, sent, what, revision, theirs, now):
        row = self.store.rows[rid]
        if what == "accepted":
            number = row.number if ACCEPTED_IS_WHAT_WAS_SENT in BROKEN else sent
            row.agree(number, revision, number)
            if ACCEPTED_IS_LISTED not in BROKEN:
                row.listed = self.store.listing
        elif revision is None:
            self.store.absent(row)
        else:
            self.store.incorporate(rid, revision, theirs, now)

    def land(self, now):
        """Applies the page that waits, once nothing in flight can cross it."""
        if self.held is not None:
            reply, flight = self.held
            ids = {rid for rid, _, _ in reply["changes"]}
            ends = not self.store.listing_done and not reply["more"]
            crossing = ids & self.in_flight() and PAGE_WAITS_FOR_PUSHES not in BROKEN
            if crossing or (ends and self.flights and LAST_PAGE_WAITS not in BROKEN):
                return
            self.held = None
            self.apply_page(reply, now)
        if not self.page_under_way() or SPANS_WAIT_FOR_PAGES in BROKEN:
            while self.store.position in self.spans:
                self.store.position = self.spans.pop(self.store.position)
            if SPANS_FIT in BROKEN and self.spans and self.store.position:
                self.store.position = self.spans.popitem()[1]

    def apply_page(self, reply, now):
        store = self.store
        if CURSOR_WITH_PAGE in BROKEN:
            store.position = reply["position"]
            if self.rng.random() < .2:
                self.failed = True
                return
        for rid, revision, theirs in reply["changes"]:
            known, head = self.answered.get(rid), reply["head"]
            if rid in self.answered and (ANSWERED_BY_HEAD in BROKEN or (known is not None and head and known >= head[0])):
                if rid in store.rows:
                    store.rows[rid].listed = store.listing
                continue                                   # older than the answer that came since
            store.incorporate(rid, revision, theirs, now)
            store.rows[rid].listed = store.listing
        store.position = reply["position"]
        if reply["more"]:
            self.wants_page = True
        else:
            self.relisting = False
            if not store.listing_done:
                store.end_listing()

    def finished(self):
        idle = not self.flights and not self.held and not self.wants_page
        return idle and not any(row.dirty for row in self.store.rows.values())


# ---------------------------------------------------------------- the rules that can be broken

GUARD = rule("guard", "a write is stored only over the revision that it names")
HEAD_IS_CHECKED = rule("head is checked", "a backend that was put back says so")
EXPIRED_IS_SAID = rule("expired is said", "who was away for longer than tombstones live lists everything anew")
LISTINGS_DO_NOT_LAG = rule("listings do not lag", "a full listing is read from the newest state")
EDIT_BEATS_DELETE = rule("edit beats delete", "a record edited here and deleted there stays")
LOSER_IS_KEPT = rule("the loser is kept", "the value that loses a conflict is kept")
UNSENT_IS_RENAMED = rule("unsent is renamed", "a copied store's unsent writes get the new writer, too")
COPIES_ARE_NOTICED = rule("copies are noticed", "an unknown write of ours makes us another writer")
SENT_INSIDE_IS_ACCEPTED = rule("sent inside is accepted", "a version that contains what we sent accepts it")
OLDER_IS_ANSWERED = rule("older is answered", "an older version of the other side is answered with ours")
BASE_IS_ANCESTOR = rule("base is ancestor", "a base that they do not know is no base")
MERGE_IS_A_WRITE = rule("merge is a write", "a merge gets a clock of its own")
GONE_BUT_EDITED_STAYS = rule("gone but edited stays", "what is gone there and edited here is offered again")
GONE_IS_DELETED = rule("gone is deleted", "what is gone there and clean here is deleted here")
NEW_EPOCH_FORGETS_REVISIONS = rule("new epoch forgets revisions", "after new-epoch nothing is agreed any more")
NEW_EPOCH_OFFERS_ALL = rule("new epoch offers all", "after new-epoch every record is said again")
HEAD_IS_THE_LARGEST = rule("head is the largest", "of two heads the larger number is kept")
HELD_PAGE_STOPS_PUSHES = rule("a held page stops pushes", "while a page waits, nothing new leaves", economy=True)
SENT_GOES_UNCHANGED = rule("sent goes unchanged", "what was not answered goes again as it was")
SENT_IS_STORED = rule("sent is stored", "what leaves is stored as sent before it leaves")
LATE_REPLIES_ARE_DROPPED = rule("late replies are dropped", "after expired or new-epoch older replies count as lost", economy=True)
ACCEPTED_IS_WHAT_WAS_SENT = rule("accepted is what was sent", "an answer is about what was sent, not what is here now")
ACCEPTED_IS_LISTED = rule("accepted is listed", "what is accepted during a listing is not gone")
PAGE_WAITS_FOR_PUSHES = rule("a page waits for pushes", "a page with a record in flight waits for its answer", economy=True)
LAST_PAGE_WAITS = rule("the last page waits", "a listing ends when nothing is in flight")
SPANS_WAIT_FOR_PAGES = rule("spans wait for pages", "the position does not jump while a page is under way", economy=True)
SPANS_FIT = rule("spans fit", "the position jumps only from where a span begins")
CURSOR_WITH_PAGE = rule("cursor with page", "a page and its position are one transaction")
ANSWERED_BY_HEAD = rule("answered by head", "a page's entry is skipped only if the answer is as new as the page")


# ---------------------------------------------------------------- schedules

class World:
    """Devices, people, messages on their way. Every choice comes from one seed."""

    def __init__(self, seed):
        self.rng = rng = random.Random(seed)
        self.now = 0
        self.backend = Backend(plain=rng.random() < .15)
        self.rough = rng.random() < .5               # everything that goes wrong goes wrong more often
        self.stores = {name: Store(name) for name in "abc"[:rng.randint(1, 3)]}
        self.sessions, self.wire, self.backups, self.backend_backup = {}, [], {}, None
        self.deletes = rng.random() < .6
        self.copies = rng.random() < .5
        self.ids = [f"r{n}" for n in range(rng.randint(1, 4))]
        self.fields = ["name", "status", "tag:x", "tag:y"][:rng.randint(1, 4)]
        self.written, self.replaced, self.known, self.excused, self.disks = set(), set(), set(), set(), set()

    def tick(self):
        self.now += 100                          # a merge or two within one event stay below the next
        return self.now

    def person(self, name):
        store, rng, now = self.stores[name], self.rng, self.tick()
        rid = rng.choice(self.ids)
        fields = store.rows[rid].local.fields if rid in store.rows else None
        if fields is not None and self.deletes and rng.random() < .2:
            self.known |= set(fields.values())
            store.edit(rid, lambda _: None, now)
            return
        field, value = rng.choice(self.fields), f"{name}{now}"
        self.written.add(value)
        if fields and field in fields:
            self.known.add(fields[field])
            self.replaced.add(fields[field])
        store.edit(rid, lambda old: (old or {}) | {field: value}, now)

    def step(self, name):
        """One thing happens to this device's sync. Returns False where nothing can."""
        session, rng = self.sessions.get(name), self.rng
        if session is None or session.failed:
            self.sessions[name] = Session(self.stores[name], rng, self.now)
            return True
        if session.finished():
            self.sessions[name] = None
            return False
        choices = ["ask"] if rng.random() < .5 else []
        choices += [m for m in self.wire if m["session"] is session]
        while choices:
            choice = choices.pop(rng.randrange(len(choices)))
            if choice == "ask":
                if (asked := session.next()) is not None:
                    self.wire.append({"session": session, "flight": asked[0], "request": asked[1], "answer": None})
                    return True
            elif choice["answer"] is None:
                self.serve(choice)
                return True
            else:
                self.wire.remove(choice)
                if choice["flight"] in session.flights:
                    session.receive(choice["flight"], *choice["answer"], self.tick())
                return True
        asked = session.next()
        if asked is not None:
            self.wire.append({"session": session, "flight": asked[0], "request": asked[1], "answer": None})
        elif not session.flights and not session.held:
            session.wants_page = True            # dirty records, but nothing to ask: cannot be
            raise AssertionError("sync stands still")
        return True

    def serve(self, message):
        message["answer"] = copy.deepcopy(self.backend.exchange(*message["request"], self.rng))

    def kill(self, name):
        """The process dies, or the network does. Requests that left may still arrive; their answers reach nobody."""
        session = self.sessions.get(name)
        if session is None:
            return
        self.sessions[name] = None
        for message in [m for m in self.wire if m["session"] is session]:
            if message["answer"] is not None or self.rng.random() < .5:
                self.wire.remove(message)
            else:
                message["session"] = None

    def restore_device(self, name):
        gone = self.stores[name].holds()
        self.excused |= {value for _, value in self.stores[name].log}
        self.sessions[name] = None
        self.wire = [m for m in self.wire if m["session"] is None or m["session"].store is not self.stores[name]]
        self.stores[name] = copy.deepcopy(self.backups[name])
        self.excused |= gone - self.on_disks()
        self.disks.add("device")

    def restore_backend(self):
        gone = self.backend.values()
        self.backend = copy.deepcopy(self.backend_backup)
        self.excused |= gone - self.on_disks()
        # Nobody can tell what a plain backend that was put back has lost from what was deleted there.
        self.disks |= {"backend", "device"} if self.backend.plain else {"backend"}

    def on_disks(self):
        return {value for store in self.stores.values() for value in store.holds()}

    def disturb(self):
        rng, name = self.rng, self.rng.choice(list(self.stores))
        kinds = ["person", "sync", "kill", "orphan", "lag", "back up", "restore", "prune", "back up backend", "restore backend"]
        usual, rough = [30, 54, 4, 3, 2, 2, 1, 2, 1, .4], [24, 36, 9, 5, 6, 4, 2.5, 6, 5, 3]
        what = rng.choices(kinds, rough if self.rough else usual)[0]
        if what == "person":
            self.person(name)
        elif what == "sync":
            for _ in range(rng.randint(1, 12)):
                if not self.step(name):
                    break
        elif what == "kill":
            self.kill(name)
        elif what == "orphan":
            orphans = [m for m in self.wire if m["session"] is None]
            if orphans:
                self.serve(orphans[0])
                self.wire.remove(orphans[0])
        elif what == "lag":
            self.backend.replica = (self.backend.commits, dict(self.backend.held))
        elif what == "back up":
            self.backups[name] = copy.deepcopy(self.stores[name])
        elif what == "restore" and self.copies and name in self.backups:
            self.restore_device(name)
        elif what == "prune":
            self.wire = [m for m in self.wire if m["session"] is not None]   # nobody waits longer than tombstones live
            self.backend.prune()
        elif what == "back up backend":
            self.backend_backup = copy.deepcopy(self.backend)
        elif what == "restore backend" and self.copies and self.backend_backup:
            self.wire = [m for m in self.wire if m["session"] is not None]
            self.restore_backend()

    def settle(self):
        self.backend.replica, self.wire = None, [m for m in self.wire if m["session"] is not None]
        for _ in range(6):
            for name in self.stores:
                for n in range(3000):
                    if not self.step(name):
                        break
                else:
                    raise AssertionError(f"the sync of {name} does not end")

    def check(self):
        live = {rid: version.fields for rid, (_, _, version) in self.backend.held.items() if version.fields is not None}
        for name, store in self.stores.items():
            mine = {rid: row.local.fields for rid, row in store.rows.items() if row.local.fields is not None}
            assert mine == live, f"diverged: {name}\n  here  {mine}\n  there {live}"
            assert not any(row.dirty for row in store.rows.values()), f"left to send: {name}"
        final = {value for fields in live.values() for value in fields.values()}
        logged = {value for store in self.stores.values() for _, value in store.log}
        lost = self.written - final - logged - self.known - self.excused
        assert len(self.disks) == 2 or not lost, f"silently lost: {sorted(lost)}"
        back = final & self.replaced
        assert self.disks or self.deletes or not back, f"revived: {sorted(back)}"
        if len(self.stores) == 1 and not self.disks:
            assert not logged, f"noise: {logged}"
        if not self.disks:
            assert not any(store.found_copied for store in self.stores.values()), "took itself for a copy"


def run(seed):
    world = World(seed)
    for _ in range(world.rng.randint(10, 120)):
        world.disturb()
    world.settle()
    world.check()


def first_failure(schedules, first):
    for seed in range(first, first + schedules):
        try:
            run(seed)
        except (AssertionError, KeyError, TypeError, RecursionError) as error:
            return seed, f"{type(error).__name__}: {error}"
    return None


def try_mutants(schedules, first):
    """Breaks each rule in turn. Returns those that should have been noticed, or should not."""
    wrong = []
    for name, text in RULES.items():
        BROKEN.add(name)
        failure = first_failure(schedules, first)
        BROKEN.clear()
        if (failure is None) != (name in ECONOMY):
            wrong.append(name)
        outcome = f"noticed by seed {failure[0]}" if failure else "does no harm" if name in ECONOMY else "NOT NOTICED"
        print(f"  {name:28} {outcome:24} {text}", flush=True)
    rules = len(RULES) - len(ECONOMY)
    print(f"{rules - len(set(wrong) - ECONOMY)} of {rules} rules broken on purpose are noticed within {schedules} schedules")
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--schedules", type=int, default=20000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--mutants", action="store_true")
    options = parser.parse_args()
    if options.mutants:
        try_mutants(options.schedules, options.seed)
        return
    failure = first_failure(options.schedules, options.seed)
    if failure:
        sys.exit(f"seed {failure[0]}: {failure[1]}")
    print(f"{options.schedules} schedules from seed {options.seed}: converged, nothing lost, nothing revived, no noise")


if __name__ == "__main__":
    main()
