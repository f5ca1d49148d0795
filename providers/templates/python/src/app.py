"""What Orkee calls: the interfaces `provider` and `watch` of wit/orkee-sync.wit. What the backend wants to hear is in backend.py."""

import traceback
from typing import Callable, TypeVar

import backend
from componentize_py_types import Err
from wit_world import exports
from wit_world.exports.provider import Description, Limits, SignIn
from wit_world.imports import log
from wit_world.imports.types import Answer, Cursor, Request

T = TypeVar("T")


def told(call: Callable[[], T]) -> T:
    try:
        return call()
    except Err:
        # A failure of the contract, raised on purpose.
        raise
    except Exception:
        # A mistake in here, of which Orkee would see only that it happened: the log has where.
        log.write(log.Level.ERROR, traceback.format_exc())
        raise


class Provider(exports.Provider):
    def describe(self) -> Description:
        return Description(
            id="my-provider",
            name="My Provider",
            version="0.1.0",
            sign_in=SignIn.LOGIN,
            limits=Limits(
                # A request for each, and Orkee allows a call 1000.
                max_mutations=100,
                max_bytes=4 << 20,
                max_record_bytes=1 << 20,
                max_page=500,
            ),
        )

    def exchange(self, request: Request) -> Answer:
        return told(lambda: backend.exchange(request))


class Watch(exports.Watch):
    """Optional: without it, and without its line in wit/this-provider.wit, Orkee asks for changes now and then."""

    def wait(self, cursor: Cursor, wait_ms: int) -> bool:
        return told(lambda: backend.wait(cursor, wait_ms))
