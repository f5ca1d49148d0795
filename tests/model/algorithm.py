"""The sync algorithm of `docs/sync.md` as a model: versions, a backend, a store, a session. `sync_model.py` runs schedules over it.

Each rule that matters has a name; one that is in BROKEN is not followed, so that the schedules can be seen to notice.
"""

from sealing import FLOOR_DOES_NOT_FALL, FORKS_ARE_REFUSED, KEYS, OLDER_IS_NOT_ADOPTED, Form, Keys, Refused

BROKEN = set()          # the rules that are switched off in this run
RULES = {}              # name -> what it says
SPARE = set()           # those that save requests, or that others stand in for: breaking one alone must do no harm


def rule(name, text, spare=False):
    RULES[name] = text
    if spare:
        SPARE.add(name)
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
    """Three ways, field by field; what loses to ours goes to `log`."""
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

PAGE, EXPIRED, NEW_EPOCH, FORBIDDEN = "page", "expired", "new-epoch", "forbidden"


class Backend:
    """A sequence of commits. A position is (mark, where the listing began, or None); a head is (commit, tag). A plain backend, such as a
    folder of files, knows neither: each sync lists everything, and nobody notices that it was put back. One that `guards` refuses plain
    records once the account is sealed; with any other, who has no key looks before anything is sent."""

    def __init__(self, plain=False, guards=False):
        self.guards, self.withheld = guards, None
        self.plain, self.commits, self.horizon, self.held, self.tags, self.replica = plain, 0, 0, {}, {0: "0"}, None

    def exchange(self, position, head, mutations, limit, rng):
        if head and self.tags.get(head[0]) != head[1] and HEAD_IS_CHECKED not in BROKEN:
            return NEW_EPOCH, None
        mark, listing = position or (0, self.commits)
        since = mark if listing is None else max(mark, listing)
        if since < self.horizon and EXPIRED_IS_SAID not in BROKEN:
            return EXPIRED, None
        if self.guards and self.seals() and any(rid != KEYS and form.epoch == 0 and form.fields is not None for rid, _, form in mutations):
            return FORBIDDEN, None
        outcomes, before, own = [], self.commits, set()
        for rid, guard, version in mutations:
            _, revision, current = self.held.get(rid, (0, None, None))
            if revision == guard or (GUARD in BROKEN and rid != KEYS):
                revision = self.put(rid, version, rng)
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

    def put(self, rid, version, rng):
        self.commits += 1
        self.tags[self.commits] = f"{rng.random()}"
        revision = f"{self.commits}.{self.tags[self.commits]}" if self.plain else self.commits
        self.held[rid] = (self.commits, revision, version)
        return revision

    def document(self):
        return self.held[KEYS][2] if KEYS in self.held else None

    def seals(self):
        return KEYS in self.held and self.document().seals

    def records(self):
        return {rid: form for rid, (_, _, form) in self.held.items() if rid != KEYS}

    def list_changes(self, reply, mark, listing, own, limit, rng):
        top, held = self.commits, self.held
        may_lag = listing is None or LISTINGS_DO_NOT_LAG in BROKEN
        if self.replica and may_lag and self.replica[0] >= mark and rng.random() < .4:
            top, held = self.replica
        newer = sorted((seq, rid) for rid, (seq, _, _) in held.items() if seq > mark and seq not in own and rid != self.withheld)
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
        self.epoch = 0                             # under which the other side holds `revision`
        self.listed = self.forgotten = 0

    def at(self, number):
        if number is None:
            return Version(None, {})
        return self.local if number == self.number else self.past[number]

    @property
    def dirty(self):
        return self.number != self.clean_at

    @property
    def has_news(self):
        """Whether it says something that the other side does not have; what goes in another form alone does not."""
        is_form_alone = self.clean_at == ANOTHER_FORM and self.base_at == self.number and FORM_IS_NO_EDIT not in BROKEN
        return self.dirty and not is_form_alone

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

    def agree(self, base_at, revision, clean_at, epoch=None):
        self.base_at, self.revision, self.clean_at, self.sent_at = base_at, revision, clean_at, None
        self.epoch = self.epoch if epoch is None else epoch

    def change_form(self):
        """What is agreed goes again in another form."""
        if self.revision is not None and not self.dirty:
            self.clean_at = ANOTHER_FORM

    def common(self, theirs):
        """The newest version here that both sides contain: the base, unless one that contains it is known to be theirs, too."""
        shared = self.base if self.base_at and contains(theirs.seen, self.base.seen) else None
        if shared is None and BASE_IS_ANCESTOR in BROKEN:
            shared = self.base
        for _, version in sorted(self.past.items()):
            both = contains(theirs.seen, version.seen) and contains(self.local.seen, version.seen)
            if both and (shared is None or contains(version.seen, shared.seen)) and COMMON_IS_SOUGHT not in BROKEN:
                shared = version
        return shared

    def trim(self, writer, chosen):
        """Forgets older versions, but none that sync may still ask for."""
        base = self.local if self.base_at == self.number else self.past.get(self.base_at)
        known = base.seen.get(writer, 0) if base else 0
        for number in [n for n in self.past if n not in (self.base_at, self.sent_at) and chosen()]:
            clock = self.past[number].seen.get(writer, 0)
            if base and clock <= known or TRIM_KEEPS_UNSENT in BROKEN:
                del self.past[number]
                if TRIM_LEAVES_A_MARK not in BROKEN:
                    self.forgotten = max(self.forgotten, clock)

    def mend(self):
        """Forgets what cannot be true of what is known of the other side."""
        known = {self.number, *self.past}
        if self.base_at not in known:
            self.base_at = self.revision = self.clean_at = None
        if self.sent_at not in known:
            self.sent_at = None
        if self.clean_at is not None and (self.clean_at > self.number or self.revision is None and self.local.fields is not None):
            self.clean_at = None


ANOTHER_FORM = 0        # in place of the number that was agreed


class Store:
    def __init__(self, name):
        self.name, self.writer, self.clock = name, name, 0
        self.keys, self.aside, self.resealing = Keys(), {}, None
        self.behind = False                        # the backend has an older document than we, or none
        self.looked_through, self.document_listed = None, 0     # the number of the document that records were looked through for
        self.rows = {}
        self.waiting, self.ended = {}, set()       # conflicts: id -> field -> the other values; and those that are over
        self.position, self.head = None, None
        self.listing, self.listing_done = 0, True
        self.found_copied, self.is_damaged, self.mistrusts, self.offers = 0, False, False, False
        self.says_yes = False                      # a person lets the next listing delete

    def tick(self, now):
        self.clock = max(self.clock + 1, now)
        return self.clock

    def edit(self, rid, change, now):
        clock = self.tick(now)
        if rid in self.rows:
            row = self.rows[rid]
            before = row.local.fields or {}
            row.replace(Version(change(row.local.fields), row.local.seen | {self.writer: clock}))
            self.settle(rid, before, row.local.fields)
        else:
            self.rows[rid] = Row(Version(change(None), {self.writer: clock}))

    def settle(self, rid, before, after):
        """The fields have another value now: their conflicts are over, and with a tombstone all of the record's."""
        waiting = self.waiting.get(rid, {})
        for field in list(waiting):
            if after is None or before.get(field) != after.get(field):
                self.ended |= waiting.pop(field)

    def follow(self, rid, before, after):
        """What arrived settles nothing, unless it is the other value itself, or a tombstone."""
        if after is None:
            self.settle(rid, before or {}, None)
        waiting = self.waiting.get(rid, {})
        for field in list(waiting):
            if ONLY_PEOPLE_SETTLE in BROKEN and (before or {}).get(field) != after.get(field):
                del waiting[field]
            else:
                waiting[field].discard(after.get(field))

    def conflicts(self):
        return {value for fields in self.waiting.values() for values in fields.values() for value in values}

    def become_another(self, now):
        """This store turned out to be a copy of itself. What it has not sent is the copy's, under a name of its own."""
        self.found_copied += 1
        old, self.writer = self.writer, f"{self.name}'{now}"
        for row in self.rows.values():
            if row.has_news and UNSENT_IS_RENAMED not in BROKEN:
                seen = {w: c for w, c in row.local.seen.items() if w != old}
                seen |= {w: c for w, c in row.base.seen.items() if w == old}
                row.replace(Version(row.local.fields, seen | {self.writer: self.tick(now)}))
                row.sent_at = None

    def arrive(self, rid, revision, form, now, instead=False):
        """A version of the other side, in some form. False: it cannot be read, or may not be, and was set aside."""
        keys, row = self.keys, self.rows.get(rid)
        is_below = not keys.is_fit(form.epoch) and keys.seals and FLOOR_REFUSES not in BROKEN
        if is_below and row is not None and contains(row.local.seen, form.version.seen) and OURS_GOES_OVER not in BROKEN:
            self.go_over(row, revision, form)
            self.aside.pop(rid, None)
            return True
        if is_below or not keys.can_open(form):
            self.aside[rid] = (revision, form)
            if row is not None:
                row.listed = self.listing
            return False
        self.aside.pop(rid, None)
        self.incorporate(rid, revision, form.version, form.epoch, now, instead)
        if not self.is_fit(form.epoch):
            self.rows[rid].change_form()
        return True

    def go_over(self, row, revision, form):
        """Nothing of what it says is taken over; ours, which contains all that it claims to, goes over it."""
        row.listed = self.listing
        same = [n for n, v in [*sorted(row.past.items()), (row.number, row.local)] if v.seen == form.version.seen]
        base_at = row.base_at if row.base_at is not None else same[-1] if same else None
        if base_at is None:
            row.agree(row.slip_in(Version(None, form.version.seen)), revision, None, form.epoch)
            return
        is_agreed = not row.has_news and base_at == row.number
        row.base_at, row.revision, row.epoch = base_at, revision, form.epoch
        row.clean_at = ANOTHER_FORM if is_agreed else None

    def drop(self, rid, now):
        """A person gives up what was set aside. Ours, whatever it is, goes over it; where we have none, a deletion that contains nothing of
        it. Whoever can read it finds that it does not come before that, and has it stand again."""
        revision, form = self.aside.pop(rid)
        row = self.rows.get(rid)
        if row is None:
            row = self.rows[rid] = Row(Version(None, {}))
            row.replace(Version(None, {self.writer: self.tick(now)}))
            row.agree(1, revision, None, form.epoch)
            return
        if OURS_IS_NOT_DROPPED in BROKEN:
            row.replace(Version(None, row.local.seen | {self.writer: self.tick(now)}))
        is_agreed = not row.has_news and row.base_at == row.number
        row.base_at = row.base_at if row.base_at is not None else row.slip_in(Version(None, {}))
        row.revision, row.epoch, row.clean_at = revision, form.epoch, ANOTHER_FORM if is_agreed else None

    def is_fit(self, epoch):
        if epoch == self.keys.form:
            return True
        is_resealed = self.resealing is None or not self.keys.seals or epoch >= self.resealing
        return self.keys.is_fit(epoch) and is_resealed

    def reseal(self, epoch):
        """No record is to stay on the other side in an older form than this epoch's; 0: none sealed."""
        self.resealing = epoch
        for row in self.rows.values():
            if row.epoch < epoch or (epoch == 0 and row.epoch > 0):
                row.change_form()

    def seal_anew(self):
        """The keys that were here turned out not to be the account's: everything goes again."""
        self.resealing, self.looked_through = None, 0
        for row in self.rows.values():
            row.change_form()

    def left_to_reseal(self):
        there = [row.epoch for row in self.rows.values() if row.revision is not None]
        # What is accepted now and cannot be read here would be shut out unread.
        floor = self.keys.document.floor if self.keys.seals else 0
        there += [form.epoch for _, form in self.aside.values() if floor <= form.epoch and self.resealing]
        return sum(epoch > 0 if self.resealing == 0 else epoch < self.resealing for epoch in there)

    def look_through(self, now):
        """All that there is was listed. Under another document than before, everything is looked at again."""
        is_other = (self.looked_through or 0) != self.keys.number
        self.looked_through = self.keys.number
        if not is_other:
            return
        if ASIDE_IS_TRIED_AGAIN not in BROKEN:
            for rid, (revision, form) in list(self.aside.items()):
                self.arrive(rid, revision, form, now)
        if self.resealing is not None and ((self.resealing > 0) != self.keys.seals or self.resealing > self.keys.form):
            self.resealing = None
        for row in self.rows.values():
            if self.keys.document and not self.keys.is_fit(row.epoch) and STRAGGLERS_GO_AGAIN not in BROKEN:
                row.change_form()

    def incorporate(self, rid, revision, theirs, epoch, now, instead=False):
        """A version of the other side, on a page or in the place of ours."""
        row = self.rows.get(rid)
        self.notice_a_copy(row, theirs, now)
        if row is None:
            row = self.rows[rid] = Row(theirs)
            row.listed = self.listing
            row.agree(1, revision, 1, epoch)
            return
        if not instead or ARRIVED_IS_LISTED not in BROKEN:
            row.listed = self.listing
        if revision == row.revision and (not self.mistrusts or FORCE_TRUSTS_NOTHING in BROKEN):
            return
        if row.sent_at and contains(theirs.seen, row.at(row.sent_at).seen) and SENT_INSIDE_IS_ACCEPTED not in BROKEN:
            row.agree(row.sent_at, row.revision, row.sent_at)
        ours = row.local
        if theirs.seen == ours.seen and theirs.fields == ours.fields:
            row.agree(row.number, revision, row.number, epoch)
        elif contains(theirs.seen, ours.seen) and not (row.has_news and theirs.seen == ours.seen):
            row.replace(theirs)
            self.follow(rid, ours.fields, theirs.fields)
            row.agree(row.number, revision, row.number, epoch)
        elif contains(ours.seen, theirs.seen):
            if OLDER_IS_ANSWERED in BROKEN:
                row.revision, row.epoch = revision, epoch
            elif contains(row.base.seen, theirs.seen):
                row.agree(row.base_at, revision, None, epoch)
            else:
                row.agree(row.slip_in(theirs), revision, None, epoch)
        else:
            self.merge_in(rid, row, revision, theirs, epoch, now)

    def notice_a_copy(self, row, theirs, now):
        """It holds a write under our name, newer than the base's, that no version here remembers: someone else is us, too."""
        newest = theirs.seen.get(self.writer, 0)
        if newest <= (max(row.base.seen.get(self.writer, 0), row.forgotten) if row else 0):
            return
        remembered = row and any(v.seen.get(self.writer) == newest for v in (row.local, *row.past.values()))
        if not remembered and COPIES_ARE_NOTICED not in BROKEN:
            self.become_another(now)

    def merge_in(self, rid, row, revision, theirs, epoch, now):
        ours, lost, shared = row.local, [], row.common(theirs)
        merged = merge(shared and shared.fields, ours.fields, theirs.fields, lost)
        self.follow(rid, ours.fields, merged)
        for field, value in lost:
            if value is not None:
                self.waiting.setdefault(rid, {}).setdefault(field, set()).add(value)
        if merged == theirs.fields:
            row.replace(theirs)
            row.agree(row.number, revision, row.number, epoch)
            return
        seen = join(ours.seen, theirs.seen)
        if MERGE_IS_A_WRITE not in BROKEN:
            seen |= {self.writer: self.tick(now)}
        row.replace(theirs)
        base_at = row.number
        row.replace(Version(merged, seen))
        row.agree(base_at, revision, None, epoch)

    def absent(self, row):
        """The other side has no such record (any more): ours goes up as a new one, a tombstone rests. What goes again in another form
        alone is agreed as it was: the end of the listing tells that it is gone."""
        if not row.has_news and row.local.fields is not None:
            row.agree(row.base_at, row.revision, row.number)
            return
        row.agree(row.base_at, None, row.number if row.local.fields is None else None)

    def begin_listing(self):
        self.listing += 1
        self.listing_done = False

    def end_listing(self):
        """All was listed. What both sides once had and was not met is gone there. Where a deletion would have to be sealed, a backend
        that shows none says nothing, and a person is asked."""
        gone = [row for row in self.rows.values() if row.revision is not None and row.listed != self.listing]
        would_delete = not self.mistrusts and any(not row.has_news and row.local.fields is not None for row in gone)
        if self.keys.seals and self.keys.document.floor and would_delete and not self.says_yes and ABSENCE_IS_ASKED not in BROKEN:
            raise Refused("records are gone")
        for rid, row in self.rows.items():
            if row.revision is None or row.listed == self.listing:
                continue
            rests = not row.has_news and row.local.fields is None
            if (row.has_news and GONE_BUT_EDITED_STAYS not in BROKEN) or self.mistrusts:
                row.agree(row.base_at, None, row.number if rests else None)
            elif GONE_IS_DELETED not in BROKEN:
                # A version of it that could not be read is gone there, too.
                self.aside.pop(rid, None)
                self.follow(rid, row.local.fields, None)
                row.replace(Version(None, row.local.seen))
                row.agree(row.number, None, row.number)
        self.listing_done, self.mistrusts, self.says_yes = True, False, False

    def offer_everything(self):
        """The backend was put back: say all of it again, delete nothing."""
        self.position = self.head = None
        for row in self.rows.values():
            keep = row.revision if NEW_EPOCH_FORGETS_REVISIONS in BROKEN else None
            row.agree(row.base_at, keep, row.clean_at if NEW_EPOCH_OFFERS_ALL in BROKEN else None)

    def force(self):
        """Everything is compared again, whatever is thought to be known of the other side; nothing is deleted."""
        self.position, self.is_damaged, self.mistrusts = None, False, True
        for row in self.rows.values():
            row.listed = 0 if row.listed > self.listing else row.listed
            row.mend()

    def trim(self, rng):
        for row in self.rows.values():
            row.trim(self.writer, lambda: rng.random() < .7)

    def damage(self, rng):
        """A disk that lies, or a bug: whatever is known of the other side may be anything. What people wrote is whole."""
        for row in self.rows.values():
            any_number = lambda: rng.choice([None, row.number, rng.randint(1, row.number + 2)])
            row.base_at = any_number() if rng.random() < .4 else row.base_at
            row.clean_at = any_number() if rng.random() < .4 else row.clean_at
            row.sent_at = any_number() if rng.random() < .2 else row.sent_at
            row.revision = rng.choice([None, "nonsense", 1, 2, 3]) if rng.random() < .4 else row.revision
            row.listed = rng.randint(0, self.listing + 1)
        self.position, self.is_damaged = rng.choice([None, self.position, (0, None)]), True

    def raise_head(self, head):
        if head and (self.head is None or head[0] > self.head[0] or HEAD_IS_THE_LARGEST in BROKEN):
            self.head = head

    def holds(self):
        kept = set()
        for row in self.rows.values():
            kept |= row.local.values()
            for number in {row.base_at, row.sent_at} & row.past.keys():
                kept |= row.past[number].values()
        return kept


# ---------------------------------------------------------------- one sync, which dies with its process

class Flight:
    def __init__(self, batch, limit, position, asks=False):
        self.batch, self.limit, self.position = batch, limit, position     # batch: (rid, guard, number of the version sent, epoch)
        self.asks = asks                                                   # for the key document alone


class Session:
    """Asks, and applies what comes back. Any number of pushes are in flight, one page at a time."""

    def __init__(self, store, rng, now, force=False, looks_first=False):
        self.store, self.rng = store, rng
        if force:
            store.force()
        self.was_put_back = False
        self.asked, self.met, self.listed_with, self.waiting, self.has_looked = None, None, None, [], False
        lost_keys = store.looked_through is not None and store.keys.number < store.looked_through
        if lost_keys and LOST_KEYS_LIST_ANEW not in BROKEN:
            store.position = None
        self.lists_first = store.looked_through is None or lost_keys or (looks_first and not store.keys.seals)
        self.lists_first = self.lists_first and LOOK_FIRST not in BROKEN
        self.batch, self.page, self.pushes = rng.randint(1, 3), rng.randint(1, 3), rng.randint(1, 3)
        self.list_first = rng.random() < .5      # after new-epoch: compare before offering
        self.flights, self.answered, self.spans = {}, {}, {}
        self.held, self.wants_page, self.next_flight, self.relisting, self.failed = None, True, 0, False, False
        self.parked, self.holds_back = set(), False

    def page_under_way(self):
        return self.held is not None or any(f.limit for f in self.flights.values())

    def in_flight(self):
        return {rid for f in self.flights.values() for rid, *_ in f.batch}

    def next(self):
        """The next request, or None: something has to arrive first."""
        store = self.store
        if self.waiting:
            if any(flight.asks for flight in self.flights.values()):
                return None
            return self.fly(Flight([], 0, store.position, asks=True), [(KEYS, "nothing", Form(Version(None, {})))])
        if self.held is not None and HELD_PAGE_STOPS_PUSHES not in BROKEN:
            return None
        ask = self.wants_page and not self.page_under_way()
        batch = []
        if len(self.flights) < self.pushes and not (self.relisting and self.list_first) and not self.lists_first and not self.holds_back:
            busy = self.in_flight()
            ready = sorted(rid for rid, row in store.rows.items() if row.dirty and rid not in busy and not self.is_parked(rid))
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
            mutations.append((rid, row.revision, store.keys.seal(version)))
            flown.append((rid, row.revision, row.sent_at, store.keys.form))
            if SENT_IS_STORED in BROKEN:
                row.sent_at = None
        if ask:
            self.wants_page, self.answered = False, {}
            if store.position is None:
                store.begin_listing()
                self.listed_with = store.keys.number
                self.relisting = self.relisting and self.list_first
        return self.fly(Flight(flown, self.page if ask else 0, store.position), mutations)

    def fly(self, flight, mutations):
        number, self.next_flight = self.next_flight, self.next_flight + 1
        self.flights[number] = flight
        return number, (self.store.position, self.store.head, mutations, flight.limit)

    def receive(self, number, status, reply, now):
        """One reply: its key document first, and then the rest in one transaction."""
        flight = self.flights[number]
        if status == PAGE and flight.asks:
            self.flights.pop(number)
            self.take_document(reply["outcomes"][0], now)
        elif status == PAGE and (self.intercept(reply, flight.limit > 0 and not reply["more"]) or self.waiting):
            self.waiting.append((number, reply))
        else:
            self.take(number, status, reply, now)

    def intercept(self, reply, ends):
        """Whether the backend has to be asked for its document before this reply is applied."""
        store, is_older = self.store, False
        for rid, _, document in reply["changes"]:
            if rid == KEYS:
                is_older |= self.meet(document) == "older"
                store.document_listed = store.listing
        if DOCUMENT_COMES_FIRST not in BROKEN:
            reply["changes"] = [change for change in reply["changes"] if change[0] != KEYS]
        forms = [form for rid, _, form in reply["changes"] if rid != KEYS]
        forms += [form for (_, revision, form) in reply["outcomes"] if revision is not None and form is not None]
        unknown = any(not store.keys.is_fit(form.epoch) or not store.keys.can_open(form) for form in forms)
        number = store.keys.number
        # One that we put there ourselves has to come on a page; else the backend was put back in between, and did not say so.
        is_missing = ends and number not in (store.looked_through or 0, self.met) and OURS_IS_SEEN_THERE not in BROKEN
        return self.asked != number and (is_older or is_missing or unknown and UNKNOWN_FORMS_ASK not in BROKEN)

    def meet(self, document):
        met = self.store.keys.meet(document, self.may_be_put_back(), BROKEN)
        if met != "older":
            self.met, self.store.behind = self.store.keys.number, False
        return met

    def take_document(self, outcome, now):
        _, revision, document = outcome
        if revision is None:
            if self.store.keys.number:
                self.bear("gone")
        elif self.meet(document) == "older":
            self.bear("rolled back")
        self.asked = self.store.keys.number
        waiting, self.waiting = self.waiting, []
        for number, reply in waiting:
            if number in self.flights:
                self.take(number, PAGE, reply, now)

    def bear(self, why):
        """The backend has less of the document than this device: said in the end where that can be, else the sync stops."""
        if not self.may_be_put_back():
            raise Refused(why)
        self.store.behind = True

    def may_be_put_back(self):
        return self.was_put_back or self.store.mistrusts or self.store.offers

    def miss_document(self):
        store = self.store
        if not store.keys.number or store.document_listed == store.listing:
            return
        if store.keys.number in (store.looked_through, self.listed_with) and GONE_IS_REFUSED not in BROKEN:
            self.bear("gone")

    def look(self):
        """The request was refused as a whole: it may be that the account was sealed, or unsealed."""
        if self.has_looked and not self.lists_first or FORBIDDEN_LOOKS in BROKEN:
            if not self.store.behind:
                raise Refused("forbidden")
            self.holds_back = True                     # until the backend has our document
            return
        self.has_looked = self.lists_first = True
        self.wants_page = self.wants_page or not self.page_under_way()

    def take(self, number, status, reply, now):
        flight = self.flights.pop(number)
        store = self.store
        if status == FORBIDDEN:
            self.look()
            self.land(now)
            return
        if status != PAGE:
            self.waiting = []
            if LATE_REPLIES_ARE_DROPPED not in BROKEN:
                self.flights.clear()
            self.held, self.spans, self.wants_page, self.answered = None, {}, True, {}
            if status == NEW_EPOCH:
                store.offer_everything()
                self.relisting = self.was_put_back = store.offers = True
            store.position = None
            return
        for (rid, guard, sent, epoch), (what, revision, theirs) in zip(flight.batch, reply["outcomes"]):
            self.outcome(rid, sent, epoch, what, revision, theirs, now)
            if not flight.limit:
                self.answered[rid] = reply["head"] and reply["head"][0]
        store.raise_head(reply["head"])
        if reply["written"]:
            after, until = reply["written"]
            self.spans[after] = until
        if flight.limit:
            self.held = (reply, flight)
        self.land(now)

    def outcome(self, rid, sent, epoch, what, revision, theirs, now):
        row = self.store.rows[rid]
        if what == "accepted":
            number = row.number if ACCEPTED_IS_WHAT_WAS_SENT in BROKEN else sent
            if number == row.number or number in row.past:
                row.agree(number, revision, number, epoch)
                if not self.store.is_fit(epoch) and ACCEPTED_IN_ITS_FORM not in BROKEN:
                    row.change_form()
            self.store.aside.pop(rid, None)
            if ACCEPTED_IS_LISTED not in BROKEN:
                row.listed = self.store.listing
        elif revision is None:
            self.store.absent(row)
        elif not self.store.arrive(rid, revision, theirs, now, instead=True):
            row.sent_at, self.parked = None, self.parked | {(rid, row.number)}

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
            if rid != KEYS:
                store.arrive(rid, revision, theirs, now)
        if not reply["more"] and not store.listing_done:
            self.miss_document()
        store.position = reply["position"]
        if reply["more"]:
            self.wants_page = True
        else:
            self.relisting = self.lists_first = store.offers = False
            if not store.listing_done:
                store.end_listing()
            store.look_through(now)
            self.parked = {(rid, number) for rid, number in self.parked if rid in store.aside}

    def is_parked(self, rid):
        """Ours would go over a version that nobody here can read."""
        return (rid, self.store.rows[rid].number) in self.parked

    def finished(self):
        idle = not self.flights and not self.held and not self.wants_page
        return idle and self.holds_back or idle and not any(row.dirty and not self.is_parked(rid) for rid, row in self.store.rows.items())


# ---------------------------------------------------------------- the rules that can be broken

GUARD = rule("guard", "a write is stored only over the revision that it names")
HEAD_IS_CHECKED = rule("head is checked", "a backend that was put back says so")
EXPIRED_IS_SAID = rule("expired is said", "who was away for longer than tombstones live lists everything anew")
LISTINGS_DO_NOT_LAG = rule("listings do not lag", "a full listing is read from the newest state")
EDIT_BEATS_DELETE = rule("edit beats delete", "a record edited here and deleted there stays")
ONLY_PEOPLE_SETTLE = rule("only people settle", "what arrives ends no conflict but with the other value")
LOSER_IS_KEPT = rule("the loser is kept", "the value that loses a conflict is kept")
UNSENT_IS_RENAMED = rule("unsent is renamed", "a copied store's unsent writes get the new writer, too")
COPIES_ARE_NOTICED = rule("copies are noticed", "an unknown write of ours makes us another writer")
SENT_INSIDE_IS_ACCEPTED = rule("sent inside is accepted", "a version that contains what we sent accepts it", spare=True)
OLDER_IS_ANSWERED = rule("older is answered", "an older version of the other side is answered with ours")
BASE_IS_ANCESTOR = rule("base is ancestor", "a base that they do not know is no base")
COMMON_IS_SOUGHT = rule("common is sought", "a newer version that both sides contain is a better base", spare=True)
TRIM_KEEPS_UNSENT = rule("trim keeps unsent", "no write that the base lacks is forgotten")
TRIM_LEAVES_A_MARK = rule("trim leaves a mark", "the last write of ours that was forgotten is still known as ours")
FORCE_TRUSTS_NOTHING = rule("force trusts nothing", "a forced comparison says everything again")
MERGE_IS_A_WRITE = rule("merge is a write", "a merge gets a clock of its own", spare=True)
GONE_BUT_EDITED_STAYS = rule("gone but edited stays", "what is gone there and edited here is offered again")
GONE_IS_DELETED = rule("gone is deleted", "what is gone there and clean here is deleted here")
ABSENCE_IS_ASKED = rule("absence is asked", "in a sealed account, what a listing does not show is deleted if a person says so")
NEW_EPOCH_FORGETS_REVISIONS = rule("new epoch forgets revisions", "after new-epoch nothing is agreed any more", spare=True)
NEW_EPOCH_OFFERS_ALL = rule("new epoch offers all", "after new-epoch every record is said again")
HEAD_IS_THE_LARGEST = rule("head is the largest", "of two heads the larger number is kept")
HELD_PAGE_STOPS_PUSHES = rule("a held page stops pushes", "while a page waits, nothing new leaves", spare=True)
SENT_GOES_UNCHANGED = rule("sent goes unchanged", "what was not answered goes again as it was")
SENT_IS_STORED = rule("sent is stored", "what leaves is stored as sent before it leaves")
LATE_REPLIES_ARE_DROPPED = rule("late replies are dropped", "after expired or new-epoch older replies count as lost", spare=True)
ACCEPTED_IS_WHAT_WAS_SENT = rule("accepted is what was sent", "an answer is about what was sent, not what is here now")
ACCEPTED_IS_LISTED = rule("accepted is listed", "what is accepted during a listing is not gone")
ARRIVED_IS_LISTED = rule("arrived is listed", "what comes in the place of ours during a listing is not gone")
PAGE_WAITS_FOR_PUSHES = rule("a page waits for pushes", "a page with a record in flight waits for its answer", spare=True)
LAST_PAGE_WAITS = rule("the last page waits", "a listing ends when nothing is in flight", spare=True)
SPANS_WAIT_FOR_PAGES = rule("spans wait for pages", "the position does not jump while a page is under way", spare=True)
SPANS_FIT = rule("spans fit", "the position jumps only from where a span begins")
CURSOR_WITH_PAGE = rule("cursor with page", "a page and its position are one transaction")
ANSWERED_BY_HEAD = rule("answered by head", "a page's entry is skipped only if the answer is as new as the page")
DOCUMENT_COMES_FIRST = rule("the document comes first", "a key document is met before anything of its reply is applied", spare=True)
UNKNOWN_FORMS_ASK = rule("unknown forms ask", "a form that is not known here makes us ask for the document", spare=True)
rule(OLDER_IS_NOT_ADOPTED, "a device does not go back to an older key document")
rule(FORKS_ARE_REFUSED, "another document of the number that we hold is taken only where the backend was put back")
rule(FLOOR_DOES_NOT_FALL, "a later document accepts no less than ours did, unless the account went back to plain in between")
GONE_IS_REFUSED = rule("a missing document is refused", "a listing that shows no key document any more deletes nothing")
LOOK_FIRST = rule("look first", "who has no key sends nothing before the document would have been met")
FORBIDDEN_LOOKS = rule("forbidden looks", "a request that was refused as a whole is followed by a look at the document")
FLOOR_REFUSES = rule("the floor refuses", "what comes in a form below the floor is not taken in")
OURS_GOES_OVER = rule("ours goes over", "what is below the floor and contained in ours is replaced by ours")
STRAGGLERS_GO_AGAIN = rule("stragglers go again", "under a new document, what stays below its floor goes again")
ACCEPTED_IN_ITS_FORM = rule("accepted in its form", "what was accepted in a form that is below the floor by now goes again")
FORM_IS_NO_EDIT = rule("a form is no edit", "what goes again in another form alone gives way to a delete")
ASIDE_IS_TRIED_AGAIN = rule("aside is tried again", "under a new document, what was set aside is tried again")
LOST_KEYS_LIST_ANEW = rule("lost keys list anew", "who has older keys than the store met lists everything anew")
OURS_IS_SEEN_THERE = rule("ours is seen there", "who holds another document than the store met makes sure that the backend has it")
OURS_IS_NOT_DROPPED = rule("ours is not dropped", "where a version can be read here, it takes the place of what cannot")
