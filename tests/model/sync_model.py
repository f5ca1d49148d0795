#!/usr/bin/env python3
"""The sync algorithm as a model that random schedules can check. `docs/sync.md` tells it in words, `core/src/sync` is it in Rust.

    python3 sync_model.py [SCHEDULES] [FIRST SEED] [--mutants]

Messages travel on their own: requests of one device overtake each other, those of a killed sync arrive after the next one began, replies are
lost, people edit at any moment, a store is put back to an older copy of itself, forgets history, has what it knows of the other side damaged
and mended, the backend prunes tombstones, lags, and is put back too. In every other schedule the account is sealed meanwhile: a device
makes the key, others get it sooner or later, the key is rotated, records are sealed anew, all goes back to plain; the backend shows old
versions as plain ones, and people give up what cannot be read on their device.
When that is over every device syncs until it is quiet, and then must hold:

  converged     every device and the backend have the same records, and nothing is left to send
  nothing lost  what a person wrote stands in the end, or a person who saw it replaced or deleted it, or it waits in a
                conflict, or did until a person settled it or the record was deleted; only what was on no disk any more may be gone
  no revival    without deletes and restored copies, a value that a person replaced knowingly does not come back
  no noise      one device alone never sees a conflict, whatever is lost on the way
  sealed        no record stays in a form below the floor, or in one that a member cannot open; what nobody sealed is nowhere; no device
                went back to an older key document, was led to one that never came to stand, or made a second key

`--mutants` breaks one rule at a time and expects a schedule that notices.
"""
import argparse
import copy
import random
import sys

from backend import Backend
from rules import BROKEN, RULES, SPARE
from sealing import KEYS, Document, Form, Refused
from session import Session
from store import Store
from version import Version, contains


class World:
    """Devices, people, messages on their way. Every choice comes from one seed."""

    def __init__(self, seed):
        self.rng = rng = random.Random(seed)
        self.now = 0
        self.seals = rng.random() < .5
        self.backend = Backend(plain=rng.random() < .15, guards=rng.random() < .5)
        self.genuine = []                            # every key document that a member made, whether it came to stand or not
        self.newest, self.settling, self.has_forged, self.was_unsealed = {}, False, False, False       # device -> number of the newest key document that it had
        self.rough = rng.random() < .5               # everything that goes wrong goes wrong more often
        self.narrow = rng.random() < .3              # few fields of one record, nothing deleted, no disk lost, but many answers
        self.stores = {name: Store(name) for name in "abc"[:rng.randint(2 if self.narrow else 1, 3)]}
        self.sessions, self.wire, self.backups, self.backend_backup = {}, [], {}, None
        self.deletes = not self.narrow and rng.random() < .6
        self.copies = not self.narrow and rng.random() < .5
        self.ids = [f"r{n}" for n in range(1 if self.narrow else rng.randint(1, 4))]
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
            force = self.stores[name].is_damaged or rng.random() < .03
            self.sessions[name] = Session(self.stores[name], rng, self.now, force, looks_first=not self.backend.guards)
            return True
        if session.finished():
            self.sessions[name] = None
            return self.see_to_the_key(name, session)
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
                    try:
                        session.receive(choice["flight"], *choice["answer"], self.tick())
                    except Refused as why:
                        return self.refused(name, str(why))
                    self.see_that_no_key_went_back(name)
                return True
        asked = session.next()
        if asked is not None:
            self.wire.append({"session": session, "flight": asked[0], "request": asked[1], "answer": None})
        elif not session.flights and not session.held and not session.finished():
            session.wants_page = True            # dirty records, but nothing to ask: cannot be
            raise AssertionError("sync stands still")
        return True

    # ------------------------------------------------------------ the account's key

    def put_document(self, name, document):
        """Compare and set: over the one that this device has seen last. The document is on this device's disk before it leaves."""
        keys, there = self.stores[name].keys, self.backend.document()
        self.genuine.append(document)
        if there != keys.document:
            return False
        self.backend.put(KEYS, document, self.rng)
        if self.settling or self.rng.random() < .8:                   # else it is killed before it hears of it
            keys.document, keys.made = document, None
        return True

    def handle_key(self, name):
        """A person says `key init`, `recover`, `rotate`, `unseal`, `init` again."""
        store, rng = self.stores[name], self.rng
        keys, there = store.keys, self.backend.document()
        if keys.document is None:
            if there is None:
                keys.made = keys.made or f"{name}{self.tick()}"
                if self.put_document(name, Document(keys.made, 1, True, (keys.made,), 0)) and keys.document:
                    store.reseal(1)
            elif there.account == keys.made or there.seals and rng.random() < .7:
                keys.document, keys.made = there, None                # with the phrase
            return
        document = keys.document
        if not document.seals:
            if self.put_document(name, self.again(name, document)) and keys.seals:
                store.reseal(keys.document.epoch)
        elif rng.random() < .25:
            self.was_unsealed = True
            if self.put_document(name, document.next(seals=False, floor=0)) and not keys.seals:
                store.reseal(0)
        elif self.put_document(name, document.next(keys=document.keys + (f"{name}{self.tick()}",))) and rng.random() < .6:
            store.reseal(keys.document.epoch)

    def again(self, name, document):
        keys = document.keys + ((f"{name}{self.tick()}",) if self.rng.random() < .5 else ())
        return document.next(seals=True, sealings=document.sealings + 1, keys=keys, floor=0)

    def see_to_the_key(self, name, session):
        """A sync came to its end. True: there is more to do."""
        store = self.stores[name]
        keys = store.keys
        if store.behind and keys.document:
            there = self.backend.document()
            if there is None or there.number < keys.number:
                self.backend.put(KEYS, keys.document, self.rng)
                return True
        if store.resealing is None or store.left_to_reseal():
            return False
        if store.resealing == 0 or keys.document.floor >= store.resealing:
            store.resealing = None
            return False
        return self.put_document(name, keys.document.next(floor=store.resealing))

    def refused(self, name, why):
        """The sync stops, and the person does what the message says."""
        store = self.stores[name]
        self.kill(name)
        if why in ("gone", "rolled back") or why == "fork" and "backend" in self.disks:
            store.is_damaged = True                                   # runs sync --force
            return True
        if why == "records are gone":
            # A person knows what was deleted.
            store.says_yes, store.is_damaged = self.backend.withheld is None, self.backend.withheld is not None
            return True
        if why == "sealed" and (self.settling or self.rng.random() < .3):
            store.keys.document, store.keys.made = self.backend.document(), None
            return True
        assert why in ("sealed", "forbidden") or "backend" in self.disks, f"{name}: {why}"
        if why in ("another branch", "another key"):
            store.keys.document = self.backend.document()             # with the phrase
            self.newest[name] = store.keys.number
            store.seal_anew()
            self.disks.add("device")                                  # the keys that it had are gone
            return True
        return False

    def see_that_no_key_went_back(self, name):
        number = self.stores[name].keys.number
        assert number >= self.newest.get(name, 0), f"{name} went back to an older key document"
        self.newest[name] = number

    def show_as_plain(self):
        """A hostile server shows a record that everybody has as a plain one that says something else."""
        floors = [store.keys.document.floor if store.keys.seals else 0 for store in self.stores.values()]
        here = [rid for rid in self.ids if all(rid in store.rows for store in self.stores.values())]
        if min(floors) > 0 and here:
            rid = self.rng.choice(here)
            self.has_forged = True
            there = self.backend.records().get(rid)
            is_known = there and all(contains(store.rows[rid].local.seen, there.version.seen) for store in self.stores.values())
            seen = there.version.seen if is_known else {}
            self.backend.put(rid, Form(Version({self.rng.choice(self.fields): "forged"}, seen)), self.rng)

    def withhold(self, name):
        """A hostile server says that too much is gone, and leaves a record out of the listing of everything."""
        store = self.stores[name]
        here = [rid for rid, row in store.rows.items() if row.local.fields is not None and not row.has_news and row.revision is not None]
        if not here or not store.keys.seals or not store.keys.document.floor or store.keys.document != self.backend.document():
            return
        store.says_yes = False
        self.kill(name)
        rid, store.position = self.rng.choice(here), None
        before, self.backend.withheld = store.rows[rid].local, rid
        for _ in range(60):
            if not self.step(name) or self.sessions.get(name) is None:
                break
        self.backend.withheld = None
        self.kill(name)
        store.is_damaged = True
        now = store.rows[rid].local
        assert now.fields is not None or contains(now.seen, before.seen) and now.seen != before.seen, f"{name} deletes what is not shown"

    def show_a_branch(self, name):
        """A hostile server has a member go on from a document that it showed nobody else, and shows another device what came of it."""
        keys = self.stores[name].keys
        ours = keys.document
        branches = [one for one in self.genuine if ours and one.account == ours.account and one.keys == ours.keys]
        if branches:
            one = self.rng.choice(branches)
            branch = Document(**(vars(one) | {"number": ours.number + self.rng.randint(0, 2)}))
            # One that accepts no less than ours, and goes on from it, is as good as ours.
            if branch.number == ours.number or branch.standing < ours.standing:
                try:
                    keys.meet(branch, False, BROKEN)
                except Refused:
                    pass
                assert keys.document == ours, f"{name} was led to a key document that never came to stand"

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

    def drop(self, name):
        """A person gives up a record that cannot be read on this device. What nobody else can read is lost with it."""
        store = self.stores[name]
        hopeless = sorted(rid for rid, (_, form) in store.aside.items() if not store.keys.may_come(form))
        if hopeless:
            self.kill(name)
            rid = self.rng.choice(hopeless)
            gone = store.aside[rid][1].values()
            store.drop(rid, self.tick())
            self.excused |= gone - self.on_disks()

    def restore_device(self, name):
        gone = self.stores[name].holds()
        self.excused |= self.stores[name].conflicts() | self.stores[name].ended
        self.sessions[name] = None
        self.wire = [m for m in self.wire if m["session"] is None or m["session"].store is not self.stores[name]]
        self.stores[name] = copy.deepcopy(self.backups[name])
        self.newest[name] = self.stores[name].keys.number
        self.excused |= gone - self.on_disks()
        self.disks.add("device")

    def copy_device(self, name):
        """A home folder is copied to another machine, and both go on under one name."""
        others = [other for other in self.stores if other != name]
        if others:
            other = self.rng.choice(others)
            self.backups[other], before = self.stores[name], self.backups.get(other)
            self.restore_device(other)
            self.backups.pop(other)
            if before:
                self.backups[other] = before

    def restore_backend(self):
        """Whoever puts a backend back stops it first: every connection ends, and no answer from before comes after."""
        gone = self.backend.values()
        self.sessions, self.wire = {}, []
        self.backend = copy.deepcopy(self.backend_backup)
        self.excused |= gone - self.on_disks()
        # Nobody can tell what a plain backend that was put back has lost from what was deleted there.
        self.disks |= {"backend", "device"} if self.backend.plain else {"backend"}

    def on_disks(self):
        return {value for store in self.stores.values() for value in store.holds()}

    def disturb(self):
        rng, name = self.rng, self.rng.choice(list(self.stores))
        kinds = ["person", "sync", "kill", "orphan", "lag", "trim", "damage",
                 "back up", "restore", "copy", "prune", "back up backend", "restore backend", "key", "show as plain", "show a branch", "withhold", "drop"]
        usual, rough = [30, 54, 4, 3, 2, 2, .4, 2, 1, .5, 2, 1, .4, 5, 1, 1, .5, 2], [24, 36, 9, 5, 6, 4, 1, 4, 2.5, 1.5, 6, 5, 3, 8, 2, 2, 1, 3]
        narrow = [30, 40, 15, 10, 2, 4, 0, 0, 0, 0, 0, 0, 0, 6, 2, 2, 0, 2]
        what = rng.choices(kinds, narrow if self.narrow else rough if self.rough else usual)[0]
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
        elif what == "trim":
            self.stores[name].trim(rng)
        elif what == "damage" and self.copies:
            self.kill(name)
            self.stores[name].damage(rng)
            self.disks.add("state")
        elif what == "back up":
            self.backups[name] = copy.deepcopy(self.stores[name])
        elif what == "restore" and self.copies and name in self.backups:
            self.restore_device(name)
        elif what == "copy" and self.copies:
            self.copy_device(name)
        elif what == "prune":
            self.wire = [m for m in self.wire if m["session"] is not None]   # nobody waits longer than tombstones live
            self.backend.prune()
        elif what == "key" and self.seals:
            self.kill(name)
            self.handle_key(name)
        elif what == "show as plain":
            self.show_as_plain()
        elif what == "show a branch":
            self.show_a_branch(name)
        elif what == "withhold":
            self.withhold(name)
        elif what == "drop":
            self.drop(name)
        elif what == "back up backend":
            self.backend_backup = copy.deepcopy(self.backend)
        elif what == "restore backend" and self.copies and self.backend_backup:
            self.restore_backend()

    def settle(self):
        self.backend.replica, self.wire = None, [m for m in self.wire if m["session"] is not None]
        self.settling = True
        for _ in range(10):
            for name in self.stores:
                for n in range(3000):
                    if not self.step(name):
                        break
                else:
                    raise AssertionError(f"the sync of {name} does not end")

    def check_seals(self):
        document = self.backend.document()
        for name, store in self.stores.items():
            mine = store.keys.document
            assert mine == document or (mine is None and not document.seals), f"{name} has another key document"
            # What was sent below the floor by a device that has lost its disk since cannot be vouched for by anybody.
            assert not store.aside or "device" in self.disks, f"set aside at {name}: {store.aside}"
            assert store.resealing is None or store.aside, f"{name} is still changing over"
            kept = [v for row in store.rows.values() for v in (row.local, *row.past.values())]
            # Who has lost a disk may not know of the floor any more; and an account that is plain again believes what is plain.
            excused = self.disks or self.was_unsealed
            assert excused or not any("forged" in v.values() for v in kept), f"{name} believes what nobody sealed"
        for rid, form in self.backend.records().items():
            is_fit = form.epoch == 0 if not self.backend.seals() else document.floor <= form.epoch <= document.epoch
            assert is_fit or rid in self.aside(), f"{rid} stays in epoch {form.epoch}"

    def aside(self):
        return {rid: form for store in self.stores.values() for rid, (_, form) in store.aside.items()}

    def check(self):
        live = {rid: form.fields for rid, form in self.backend.records().items() if form.fields is not None}
        self.check_seals()
        aside = self.aside()
        live = {rid: fields for rid, fields in live.items() if rid not in aside}
        for name, store in self.stores.items():
            rows = {rid: row for rid, row in store.rows.items() if rid not in aside}
            mine = {rid: row.local.fields for rid, row in rows.items() if row.local.fields is not None}
            assert mine == live, f"diverged: {name}\n  here  {mine}\n  there {live}"
            assert not any(row.dirty for row in rows.values()), f"left to send: {name}"
        final = {value for fields in live.values() for value in fields.values()}
        waiting = {value for store in self.stores.values() for value in store.conflicts()}
        waiting |= {value for form in aside.values() for value in form.values()}
        waiting |= {value for store in self.stores.values() for rid in aside if rid in store.rows for value in store.rows[rid].local.values()}
        ended = {value for store in self.stores.values() for value in store.ended}
        lost = self.written - final - waiting - ended - self.known - self.excused
        believed = self.has_forged and self.was_unsealed
        assert len(self.disks) > 1 or believed or not lost, f"silently lost: {sorted(lost)}"
        back = final & self.replaced
        assert self.disks or self.has_forged or self.deletes or not back, f"revived: {sorted(back)}"
        if len(self.stores) == 1 and not self.disks:
            assert not waiting | ended, f"noise: {waiting | ended}"
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
        if (failure is None) != (name in SPARE):
            wrong.append(name)
        outcome = f"noticed by seed {failure[0]}" if failure else "does no harm" if name in SPARE else "NOT NOTICED"
        print(f"  {name:28} {outcome:24} {text}", flush=True)
    rules = len(RULES) - len(SPARE)
    print(f"{rules - len(set(wrong) - SPARE)} of {rules} rules broken on purpose are noticed within {schedules} schedules")
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("schedules", type=int, nargs="?", default=4000)
    parser.add_argument("seed", type=int, nargs="?", default=1)
    parser.add_argument("--mutants", action="store_true")
    options = parser.parse_args()
    if options.mutants:
        sys.exit(1 if try_mutants(options.schedules, options.seed) else 0)
    failure = first_failure(options.schedules, options.seed)
    if failure:
        sys.exit(f"seed {failure[0]}: {failure[1]}")
    print(f"{options.schedules} schedules from seed {options.seed}: converged, nothing lost, nothing revived, no noise")


if __name__ == "__main__":
    main()
