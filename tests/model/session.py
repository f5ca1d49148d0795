"""One sync, in the model of `docs/sync.md`. It dies with its process."""

from backend import PAGE, NEW_EPOCH, FORBIDDEN
from rules import (
    BROKEN, ACCEPTED_IN_ITS_FORM, ACCEPTED_IS_LISTED, ACCEPTED_IS_WHAT_WAS_SENT, ANSWERED_BY_HEAD, CURSOR_WITH_PAGE,
    DOCUMENT_COMES_FIRST, FORBIDDEN_LOOKS, GONE_IS_REFUSED, HELD_PAGE_STOPS_PUSHES, LAST_PAGE_WAITS, LATE_REPLIES_ARE_DROPPED,
    LOOK_FIRST, LOST_KEYS_LIST_ANEW, OURS_IS_SEEN_THERE, PAGE_WAITS_FOR_PUSHES, SENT_GOES_UNCHANGED, SENT_IS_STORED, SPANS_FIT,
    SPANS_WAIT_FOR_PAGES, UNKNOWN_FORMS_ASK,
)
from sealing import KEYS, Form, Refused
from version import Version


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
