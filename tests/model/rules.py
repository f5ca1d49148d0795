"""The rules of the sync algorithm that matter, each with a name. One that is in BROKEN is not followed, so that the schedules of
`sync_model.py` can be seen to notice.
"""

from sealing import FLOOR_DOES_NOT_FALL, FORKS_ARE_REFUSED, OLDER_IS_NOT_ADOPTED

BROKEN = set()          # the rules that are switched off in this run
RULES = {}              # name -> what it says
SPARE = set()           # those that save requests, or that others stand in for: breaking one alone must do no harm


def rule(name, text, spare=False):
    RULES[name] = text
    if spare:
        SPARE.add(name)
    return name


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
