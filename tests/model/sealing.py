"""Sealing, in the model of `docs/sync.md`: key documents, the keys of a device, the form in which a record travels.

Nothing is enciphered here. A form says under which epoch it is sealed, and who lacks that epoch's key may not look inside.
"""

KEYS = "keys"           # the record that the document travels as


class Document:
    """How the account is sealed, in version `number`. It holds the keys of all its epochs, wrapped for every recipient. `sealings`: how
    often it was sealed again after it had gone back to plain."""
    fields, seen = {}, {}

    def __init__(self, account, number, seals, keys, floor, sealings=0):
        self.account, self.number, self.seals, self.keys, self.floor, self.sealings = account, number, seals, keys, floor, sealings

    @property
    def epoch(self):
        return len(self.keys)

    @property
    def standing(self):
        """What never falls from one document to the next."""
        return self.sealings, not self.seals, self.floor

    def next(self, **changes):
        return Document(**(vars(self) | {"number": self.number + 1} | changes))

    def values(self):
        return set()

    def __eq__(self, other):
        return other is not None and vars(self) == vars(other)


class Form:
    """A version as it travels: sealed under an epoch, or plain (0)."""
    __slots__ = ("version", "epoch", "key")

    def __init__(self, version, epoch=0, key=None):
        self.version, self.epoch, self.key = version, epoch, key

    @property
    def fields(self):
        return self.version.fields

    def values(self):
        return self.version.values()


class Refused(Exception):
    """A sync cannot go on with the keys that are here. Nothing of the reply was applied."""


class Keys:
    """What a device has of the account's keys, on disk. `made`: the account of a key that it made and that nobody confirmed."""

    def __init__(self):
        self.document, self.made = None, None

    @property
    def number(self):
        return self.document.number if self.document else 0

    @property
    def seals(self):
        return bool(self.document and self.document.seals)

    @property
    def form(self):
        """The epoch under which a version leaves now."""
        return self.document.epoch if self.seals else 0

    def is_fit(self, epoch):
        """Whether a record may stay on the other side in this form."""
        return epoch >= self.document.floor if self.seals else epoch == 0

    def seal(self, version):
        return Form(version, self.form, self.document.keys[self.form - 1]) if self.form else Form(version)

    def can_open(self, form):
        if form.epoch == 0:
            return True
        keys = self.document.keys if self.document else ()
        return form.epoch <= len(keys) and keys[form.epoch - 1] == form.key

    def may_come(self, form):
        """Whether it is sealed under a newer key than any that is here."""
        return form.epoch > (len(self.document.keys) if self.document else 0)

    def meet(self, document, was_put_back, broken):
        """"same", "newer" (it was adopted) or "older". `broken`: names of rules that are not followed."""
        if self.document is None:
            if self.made == document.account:
                self.document, self.made = document, None
                return "newer"
            if document.seals:
                raise Refused("sealed")
            return "same"
        if document.account != self.document.account:
            raise Refused("another key")
        if document == self.document:
            return "same"
        if document.number < self.number and OLDER_IS_NOT_ADOPTED not in broken:
            return "older"
        if document.number == self.number and not was_put_back and FORKS_ARE_REFUSED not in broken:
            # The backend was put back, and somebody went on from the older document, who did not know of ours.
            raise Refused("fork")
        if document.keys[:self.document.epoch] != self.document.keys and OLDER_IS_NOT_ADOPTED not in broken:
            raise Refused("another branch")
        if document.standing < self.document.standing and not broken & {OLDER_IS_NOT_ADOPTED, FLOOR_DOES_NOT_FALL}:
            raise Refused("another branch")
        self.document = document
        return "newer"


OLDER_IS_NOT_ADOPTED, FORKS_ARE_REFUSED, FLOOR_DOES_NOT_FALL = "older is not adopted", "forks are refused", "the floor does not fall"
