"""What a device keeps on disk, in the model of `docs/sync.md`: its records, and what it knows of the other side."""

from rules import (
    BROKEN, ABSENCE_IS_ASKED, ARRIVED_IS_LISTED, ASIDE_IS_TRIED_AGAIN, BASE_IS_ANCESTOR, COMMON_IS_SOUGHT, COPIES_ARE_NOTICED,
    FLOOR_REFUSES, FORCE_TRUSTS_NOTHING, FORM_IS_NO_EDIT, GONE_BUT_EDITED_STAYS, GONE_IS_DELETED, HEAD_IS_THE_LARGEST, MERGE_IS_A_WRITE,
    NEW_EPOCH_FORGETS_REVISIONS, NEW_EPOCH_OFFERS_ALL, OLDER_IS_ANSWERED, ONLY_PEOPLE_SETTLE, OURS_GOES_OVER, OURS_IS_NOT_DROPPED,
    SENT_INSIDE_IS_ACCEPTED, STRAGGLERS_GO_AGAIN, TRIM_KEEPS_UNSENT, TRIM_LEAVES_A_MARK, UNSENT_IS_RENAMED,
)
from sealing import Keys, Refused
from version import Version, merge, contains, join


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
