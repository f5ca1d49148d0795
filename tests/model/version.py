"""Versions of a record, in the model of `docs/sync.md`: what each has seen, and how two of them are merged."""

from rules import BROKEN, EDIT_BEATS_DELETE, LOSER_IS_KEPT


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
