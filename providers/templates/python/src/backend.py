"""One exchange, as requests to the practice backend and back. To be replaced by what your backend speaks.

It lists first, for only the listing can say that this device was away for too long (`expired`), and after that nothing
may have been written. Then it sends a PUT for each record; the guard in its header makes check and write one step.
"""

import base64
import json
from dataclasses import dataclass
from typing import Any, Callable, Optional, Sequence, TypeVar
from urllib.parse import quote

from componentize_py_types import Err, Ok, Result
from wit_world.imports import http, types
from wit_world.imports.types import Change, Cursor, Head, Mutation, Outcome, RejectReason, Rejection, Reply, Stored

T = TypeVar("T")


@dataclass
class Page:
    changes: list[Change]
    position: str
    more: bool
    head: Head


@dataclass
class Commit:
    revision: str
    position: int
    head: Head


def exchange(request: types.Request) -> types.Answer:
    """The changes since the cursor, and what became of each mutation."""
    cursor, limit = request.cursor, request.limit
    listed = sent(lambda: http.send(listing(cursor, limit)))
    if listed.status == 410 and says(listed, "expired"):
        return types.Answer_Expired()
    if listed.status == 409 and says(listed, "new-epoch"):
        return types.Answer_NewEpoch()
    if listed.status != 200:
        raise Err(failure(listed))
    page = body(listed, read_page)

    puts = [sent(lambda: unwrap(reply)) for reply in http.send_all([put(m, cursor) for m in request.mutations])]
    if any(reply.status == 409 and says(reply, "new-epoch") for reply in puts):
        return types.Answer_NewEpoch()
    results = [result(reply) for reply in puts]

    commits = [commit for _, commit in results if commit]
    own = {mutation.id for mutation, (_, commit) in zip(request.mutations, results) if commit}
    wants_page = limit > 0
    return types.Answer_Page(
        Reply(
            outcomes=[outcome for outcome, _ in results],
            # What was just written is newer than what the page has of it.
            changes=[change for change in page.changes if change.id not in own] if wants_page else [],
            cursor=Cursor(
                position=page.position if wants_page else cursor.position,
                head=max([page.head, *(commit.head for commit in commits)], key=lambda head: head.number),
            ),
            more=wants_page and page.more,
            written=span([commit.position for commit in commits]),
            request_id=header(listed, "x-request-id"),
        )
    )


def wait(cursor: Cursor, wait_ms: int) -> bool:
    """Whether there is something after the cursor, as soon as there is; False when the time is over."""
    # Before the first listing there is all to ask for.
    if cursor.position is None:
        return True
    query = f"after={quote(cursor.position, safe='')}&wait={wait_ms // 1000}"
    reply = sent(lambda: http.send(ask("GET", f"/changes/wait?{query}", cursor)))
    # The next exchange says what it is.
    if reply.status == 410 and says(reply, "expired") or reply.status == 409 and says(reply, "new-epoch"):
        return True
    if reply.status != 200:
        raise Err(failure(reply))
    return body(reply, read_waited)


def listing(cursor: Cursor, limit: int) -> http.Request:
    after = "" if cursor.position is None else f"after={quote(cursor.position, safe='')}&"
    # A push alone (limit 0) wants no page, but has to hear of `expired` all the same.
    return ask("GET", f"/changes?{after}limit={limit}", cursor)


def put(mutation: Mutation, cursor: Cursor) -> http.Request:
    condition = ("if-none-match", "*") if mutation.guard is None else ("if-match", f'"{mutation.guard}"')
    headers = [condition, ("content-type", "application/octet-stream")]
    return ask("PUT", f"/records/{mutation.id}", cursor, headers, mutation.envelope)


def ask(
    method: str, url: str, cursor: Cursor, headers: Sequence[tuple[str, str]] = (), envelope: bytes = b""
) -> http.Request:
    """Every request names the newest commit that this device knows, so that a backend out of a backup notices."""
    head = [("x-practice-head", f"{cursor.head.number}.{cursor.head.tag}")] if cursor.head else []
    return http.Request(method, url, [*headers, *head], envelope, credential="login", compress=False, timeout_ms=None)


def result(reply: http.Response) -> tuple[Outcome, Optional[Commit]]:
    """What became of one PUT: its outcome, and its commit if there was one."""
    if reply.status == 200:
        commit = body(reply, read_commit)
        return types.Outcome_Accepted(commit.revision), commit
    if reply.status == 412:
        return types.Outcome_Conflict(held(reply)), None
    # These are for one record, if the backend itself says so: a proxy has the same numbers.
    if reply.status == 413 and says(reply, "too-large"):
        return rejected(RejectReason.TOO_LARGE, "the server takes no record of this size"), None
    if reply.status == 422 and says(reply, "invalid"):
        return rejected(RejectReason.INVALID, "the server does not take this record"), None
    raise Err(failure(reply))


def rejected(reason: RejectReason, message: str) -> Outcome:
    return types.Outcome_Rejected(Rejection(reason, message))


def held(reply: http.Response) -> Optional[Stored]:
    """The version that the backend holds; None: it has no such record."""
    etag = header(reply, "etag")
    if etag is None and not reply.body:
        return None
    if etag is None or len(etag) < 3 or etag[0] != '"' or etag[-1] != '"':
        raise Err(types.Failure_Protocol("a conflict came without the revision that is held"))
    return Stored(etag[1:-1], reply.body)


def span(positions: list[int]) -> Optional[types.Span]:
    """A position is the number of a commit. If ours have no gap, nobody else's are among them."""
    if not positions or max(positions) - min(positions) + 1 != len(positions):
        return None
    return types.Span(after=str(min(positions) - 1), until=str(max(positions)))


def failure(reply: http.Response) -> types.Failure:
    """The failure that a status means where it has no meaning of its own."""
    status = reply.status
    if status == 401:
        return types.Failure_AuthRequired("the server refused the sign-in")
    if status == 403:
        return types.Failure_Forbidden("the server does not allow this")
    if status in (429, 503):
        wait = header(reply, "retry-after") or ""
        return types.Failure_Busy(int(wait) * 1000 if wait.isascii() and wait.isdigit() and len(wait) < 10 else None)
    says_status = f"the server answered with status {status}"
    return types.Failure_Backend(says_status) if status >= 500 else types.Failure_Protocol(says_status)


def sent(call: Callable[[], http.Response]) -> http.Response:
    """The reply, or the failure that Orkee's own refusal is."""
    try:
        return call()
    except Err as error:
        why = error.value
        text = str(getattr(why, "value", type(why).__name__))
        if isinstance(why, http.Error_AuthRequired):
            raise Err(types.Failure_AuthRequired(text)) from None
        raise Err(types.Failure_Http(text)) from None


def unwrap(reply: Result[http.Response, http.Error]) -> http.Response:
    if isinstance(reply, Ok):
        return reply.value
    raise reply


def header(reply: http.Response, name: str) -> Optional[str]:
    return next((value for given, value in reply.headers if given == name), None)


def says(reply: http.Response, reason: str) -> bool:
    """Whether it is the backend that gives this reason."""
    try:
        return body(reply, lambda said: said["error"]) == reason
    except Err:
        return False


# What a body holds, checked: what is not as expected is the server's failure, not this provider's.


def body(reply: http.Response, read: Callable[[Any], T]) -> T:
    try:
        return read(json.loads(reply.body))
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise Err(types.Failure_Protocol(f"the server's reply cannot be read: {error!r}")) from None


def read_page(said: Any) -> Page:
    changes = [
        Change(text(c["id"]), text(c["revision"]), base64.b64decode(text(c["envelope"]), validate=True))
        for c in said["changes"]
    ]
    return Page(changes, text(said["position"]), said["more"] is True, read_head(said["head"]))


def read_commit(said: Any) -> Commit:
    return Commit(text(said["revision"]), int(text(said["position"])), read_head(said["head"]))


def read_head(said: Any) -> Head:
    number = said["number"]
    if type(number) is not int or not 0 <= number < 1 << 64:
        raise TypeError("a number is missing")
    return Head(number, text(said["tag"]))


def read_waited(said: Any) -> bool:
    changed = said["changed"]
    if not isinstance(changed, bool):
        raise TypeError("yes or no is missing")
    return changed


def text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("a text is missing")
    # JSON may hold half a character, which the contract's texts may not.
    value.encode()
    return value
