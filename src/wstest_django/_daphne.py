"""Runs daphne in a thread, as often as tests want.

daphne runs on Twisted, whose reactor can be run once in a process, and ended
once. But its reactor stands on an event loop of asyncio, which can be run and
left again. So the reactor is started with the first server, and goes on while
any server's thread runs the loop; between servers it stands still.
"""

import asyncio
import atexit
import socket
from asyncio import AbstractEventLoop, Event, Future
from importlib import import_module
from typing import Any, TypeAlias, final

from wstest_core.drivers import AsgiApplication
from wstest_core.lazy import require

__all__ = ["DaphneServer"]

# Neither daphne nor Twisted says what its things are.
_Untyped: TypeAlias = Any


@final
class DaphneServer:
    """daphne with uvicorn's interface; see `wstest_core.live.Server`."""

    def __init__(self, application: AsgiApplication) -> None:
        require("the live server of wstest_django", "daphne", "daphne")
        # This installs the reactor, and must come before other uses of it.
        daphne: _Untyped = import_module("daphne.server")
        self._reactor: _Untyped = daphne.reactor
        # It wants an endpoint, and is given its socket otherwise.
        self._daphne = daphne.Server(application, endpoints=["none"], verbosity=0)
        self._loop: AbstractEventLoop | None = None
        self._leave = Event()
        self.started: bool = False
        self.should_exit: bool = False

    def __setattr__(self, name: str, value: object) -> None:
        super().__setattr__(name, value)
        if name == "should_exit" and value and self._loop is not None:
            self._loop.call_soon_threadsafe(self._leave.set)

    def run(self, sockets: list[socket.socket]) -> None:
        """Serve until `should_exit` is set."""
        self._loop = loop = self._loop_of_the_reactor()
        asyncio.set_event_loop(loop)
        try:
            loop.run_until_complete(self._serve(sockets[0]))
        finally:
            asyncio.set_event_loop(None)

    def _loop_of_the_reactor(self) -> AbstractEventLoop:
        # daphne finds it there, too.
        loop: AbstractEventLoop = self._reactor._asyncioEventloop  # noqa: SLF001
        # Twisted takes the thread that runs it now for its own.
        threads: _Untyped = import_module("twisted.python.threadable")
        threads.registerAsIOThread()
        if not self._reactor.running:
            self._reactor.startRunning(installSignalHandlers=False)
            atexit.register(_close, loop)
        return loop

    async def _serve(self, listener: socket.socket) -> None:
        self._daphne.endpoints = []
        self._daphne.abort_start = True  # all but to run the reactor
        self._daphne.run()
        listener.setblocking(False)  # Twisted expects it
        port = self._reactor.adoptStreamPort(
            listener.fileno(), listener.family, self._daphne.http_factory
        )
        self.started = True
        try:
            if not self.should_exit:
                await self._leave.wait()
        finally:
            await _settled(port.stopListening())
            await self._part()

    async def _part(self) -> None:
        """Cut all connections, and end the applications."""
        # They call themselves again and again.
        self._daphne.application_checker = self._daphne.timeout_checker = _nothing
        connections: dict[_Untyped, dict[str, _Untyped]] = self._daphne.connections
        for protocol in list(connections):
            if protocol.transport is not None:  # it has not ended by itself
                protocol.transport.abortConnection()
        await asyncio.sleep(0)  # which tells the applications
        running: list[Future[object]] = [
            details["application_instance"]
            for details in connections.values()
            if "application_instance" in details
        ]
        for application in running:
            application.cancel()
        await asyncio.gather(*running, return_exceptions=True)


def _close(loop: AbstractEventLoop) -> None:
    if not loop.is_running():  # a server that hangs may still run it
        loop.close()


def _nothing() -> None:
    """Instead of what has nothing to do any more."""


def _settled(deferred: _Untyped) -> "Future[object]":
    done: Future[object] = asyncio.get_running_loop().create_future()
    if deferred is None:
        done.set_result(None)
    else:
        deferred.addBoth(done.set_result)
    return done
