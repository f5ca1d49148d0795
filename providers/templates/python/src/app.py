"""What Orkee calls: the interface `provider` of wit/orkee-sync.wit. What the backend wants to hear is in backend.py."""

import traceback

import backend
from componentize_py_types import Err
from wit_world import exports
from wit_world.exports.provider import Description, Limits, SignIn
from wit_world.imports import log
from wit_world.imports.types import Answer, Request


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
        try:
            return backend.exchange(request)
        except Err:
            # A failure of the contract, raised on purpose.
            raise
        except Exception:
            # A mistake in here, of which Orkee would see only that it happened: the log has where.
            log.write(log.Level.ERROR, traceback.format_exc())
            raise
