"""The communicators of one test: how they are made, and closed together."""

import asyncio
import math
import traceback
from asyncio import Task
from collections.abc import Collection, Iterable
from contextlib import AsyncExitStack, ExitStack
from types import TracebackType
from typing import Any, Protocol, Self, final

from typing_extensions import Unpack

from wstest_core import quiescence
from wstest_core.errors import warn
from wstest_core.scope import HeadersInput
from wstest_django._handshake import Application, Handshake, User, completed
from wstest_django.communicator import (
    SyncWebsocketCommunicator,
    WebsocketCommunicator,
)

__all__ = ["Connect", "ConnectSync", "LeakedTaskWarning", "Sockets", "add_later"]


class LeakedTaskWarning(UserWarning):
    """The application has left a task running that it began."""

    __module__ = "wstest_django"


class Connect(Protocol):
    """The fixture `ws_connect`: makes a communicator of the application."""

    def __call__(
        self,
        path: str,
        headers: HeadersInput | None = None,
        subprotocols: Iterable[str] | None = None,
        **handshake: Any,
    ) -> WebsocketCommunicator:
        """Take what `WebsocketTestCase.create_communicator` takes, but its path."""
        ...


class ConnectSync(Protocol):
    """The fixture `ws_connect_sync`: makes one for plain tests."""

    def __call__(
        self,
        path: str,
        headers: HeadersInput | None = None,
        subprotocols: Iterable[str] | None = None,
        **handshake: Any,
    ) -> SyncWebsocketCommunicator:
        """Take what `Connect` takes."""
        ...


for _public in (Connect, ConnectSync):
    _public.__module__ = "wstest_django"


@final
class Sockets:
    """Makes the communicators of a test, and closes those that it leaves open."""

    def __init__(self) -> None:
        self.made: list[WebsocketCommunicator] = []
        self._made_sync: list[SyncWebsocketCommunicator] = []
        self._tasks: set[Task[Any]] = set()  # of the test's own surroundings

    def make(
        self, application: Application, path: str, /, **handshake: Unpack[Handshake]
    ) -> WebsocketCommunicator:
        reached, options, user = completed(application, path, handshake)
        socket = WebsocketCommunicator(reached, path, **options)
        _place(user, socket.scope)
        self.made.append(socket)
        return socket

    def make_sync(
        self, application: Application, path: str, /, **handshake: Unpack[Handshake]
    ) -> SyncWebsocketCommunicator:
        reached, options, user = completed(application, path, handshake)
        socket = SyncWebsocketCommunicator(reached, path, **options)
        _place(user, socket.scope)
        self._made_sync.append(socket)
        return socket

    async def __aenter__(self) -> Self:
        self._tasks = asyncio.all_tasks()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        if error is None:
            await self.close()
            return
        try:
            await self.close()
        except Exception as late:
            add_later(error, late)

    async def close(self) -> None:
        """Close all as `async with` does, and report tasks that stay behind."""
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._report_leaks)
            for socket in self.made:
                stack.push_async_callback(_finish, socket)

    def close_sync(self) -> None:
        """Close those for plain tests, as `with` does."""
        with ExitStack() as stack:
            for socket in self._made_sync:
                stack.callback(_finish_sync, socket)

    async def _report_leaks(self) -> None:
        """Warn of tasks that go on though every connection has ended."""
        if asyncio.all_tasks() - self._tasks:
            await _come_to_rest()
        left = asyncio.all_tasks() - self._tasks
        if left:
            places = "; ".join(sorted(map(_place_of, left)))
            warn(
                f"the application has left {_count(left)} running: {places}. Cancel "
                "what a consumer begins in its disconnect(), or await it.",
                LeakedTaskWarning,
                stacklevel=2,
            )


def add_later(first: BaseException, later: BaseException) -> None:
    """Let an error that came later be shown beneath the first."""
    text = "".join(traceback.format_exception(later)).rstrip()
    first.add_note(f"Then, while the test was being cleaned up:\n{text}")


def _place(user: User | None, scope: dict[str, Any]) -> None:
    if user is not None:
        scope["user"] = user


async def _finish(socket: WebsocketCommunicator) -> None:
    if socket.close_code is None:
        await socket.__aexit__(None, None, None)
    else:
        await socket.disconnect()


def _finish_sync(socket: SyncWebsocketCommunicator) -> None:
    if socket.close_code is None:
        socket.__exit__(None, None, None)
    else:
        socket.disconnect()


async def _come_to_rest() -> None:
    """Let end what is about to end, without letting time pass."""
    watch = quiescence.watch()
    watch.attach()
    try:
        await watch.bell().wait_until(deadline=watch.now() + 1, horizon=-math.inf)
    finally:
        watch.detach()


def _count(tasks: Collection[object]) -> str:
    return "a task" if len(tasks) == 1 else f"{len(tasks)} tasks"


def _place_of(task: Task[Any]) -> str:
    name = getattr(task.get_coro(), "__qualname__", task.get_name())
    stack = task.get_stack()
    if not stack:
        return name
    return f"{name} at {stack[-1].f_code.co_filename}:{stack[-1].f_lineno}"
