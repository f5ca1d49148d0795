"""A backend, in the model of `docs/sync.md`: a sequence of commits that answers one kind of request."""

from rules import BROKEN, EXPIRED_IS_SAID, GUARD, HEAD_IS_CHECKED, LISTINGS_DO_NOT_LAG
from sealing import KEYS

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
