"""`exchange` and `wait` with a backend that answers what a test says. `python3 build.py` writes the bindings that it needs."""

import sys
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(HERE / "src"), str(HERE / "build" / "bindings")]

import backend
from componentize_py_types import Err, Ok
from wit_world.imports import http, types
from wit_world.imports.types import Cursor, Head, Mutation

LISTED = b"""{"changes": [{"id": "aaaaaaaa", "revision": "1.x", "envelope": "AP8="}],
    "position": "1", "more": false, "head": {"number": 1, "tag": "x"}}"""


class Exchange(unittest.TestCase):
    def answered(self, mutation: Mutation, put: http.Response, listed: bytes = LISTED) -> types.Answer:
        """What `exchange` answers if the PUT is answered so. `self.sent` has the PUTs."""

        def send_all(requests: list[http.Request]) -> list:
            self.sent = requests
            return [Ok(put) for _ in requests]

        backend.http.send = lambda request: http.Response(200, [], listed)
        backend.http.send_all = send_all
        return backend.exchange(types.Request(Cursor("0", Head(1, "x")), [mutation], 10))

    def test_what_was_written_is_accepted_told_and_not_listed(self) -> None:
        taken = b'{"revision": "2.y", "position": "2", "head": {"number": 2, "tag": "y"}}'
        answer = self.answered(Mutation("aaaaaaaa", "1.x", b"\0\xff", False), http.Response(200, [], taken))
        self.assertEqual(answer.value.outcomes, [types.Outcome_Accepted("2.y")])
        self.assertEqual(answer.value.changes, [])
        self.assertEqual(answer.value.written, types.Span("1", "2"))
        self.assertEqual(answer.value.cursor, Cursor("1", Head(2, "y")))
        self.assertEqual(self.sent[0].body, b"\0\xff")
        self.assertIn(("if-match", '"1.x"'), self.sent[0].headers)
        self.assertIn(("x-practice-head", "1.x"), self.sent[0].headers)

    def test_a_conflict_brings_the_version_that_is_held(self) -> None:
        answer = self.answered(Mutation("aaaaaaaa", None, b"", False), http.Response(412, [("etag", '"1.x"')], b"theirs"))
        self.assertEqual(answer.value.outcomes, [types.Outcome_Conflict(types.Stored("1.x", b"theirs"))])
        self.assertEqual([change.envelope for change in answer.value.changes], [b"\0\xff"])
        self.assertIn(("if-none-match", "*"), self.sent[0].headers)

    def test_a_reason_counts_in_the_backends_own_words_alone(self) -> None:
        mutation = Mutation("bbbbbbbb", None, b"", False)
        rejected = self.answered(mutation, http.Response(413, [], b'{"error": "too-large"}'))
        self.assertIsInstance(rejected.value.outcomes[0], types.Outcome_Rejected)
        with self.assertRaises(Err) as raised:
            self.answered(mutation, http.Response(413, [], b"<html>"))
        self.assertIsInstance(raised.exception.value, types.Failure_Protocol)
        epoch = self.answered(mutation, http.Response(409, [], b'{"error": "new-epoch"}'))
        self.assertEqual(epoch, types.Answer_NewEpoch())

    def test_a_wait_asks_for_what_comes_after_the_cursor_and_hears_of_it(self) -> None:
        def waited(reply: http.Response) -> bool:
            def send(request: http.Request) -> http.Response:
                self.assertEqual(request.url, "/changes/wait?after=7&wait=20")
                return reply

            backend.http.send = send
            return backend.wait(Cursor("7", Head(7, "x")), 20_500)

        self.assertTrue(waited(http.Response(200, [], b'{"changed": true}')))
        self.assertFalse(waited(http.Response(200, [], b'{"changed": false}')))
        self.assertTrue(waited(http.Response(410, [], b'{"error": "expired"}')))
        self.assertTrue(backend.wait(Cursor(None, None), 20_500))
        for wrong in [http.Response(410, [], b"<html>"), http.Response(200, [], b'{"changed": "no"}')]:
            with self.assertRaises(Err) as raised:
                waited(wrong)
            self.assertIsInstance(raised.exception.value, types.Failure_Protocol)

    def test_what_cannot_be_read_is_the_servers_failure(self) -> None:
        for listed in [b"<html>", LISTED[:-9], LISTED.replace(b'"1"', b"1"), LISTED.replace(b"AP8=", b"AP8"), b"[" * 9999]:
            with self.subTest(listed=listed[:20]), self.assertRaises(Err) as raised:
                self.answered(Mutation("bbbbbbbb", None, b"", False), http.Response(200, [], b""), listed)
            self.assertIsInstance(raised.exception.value, types.Failure_Protocol)


if __name__ == "__main__":
    unittest.main()
