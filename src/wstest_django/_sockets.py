"""The communicators of one test: how they are made, and closed together."""

import asyncio
import math
from asyncio import Task
from collections.abc import Callable, Collection, Generator, Iterable
from contextlib import AsyncExitStack, ExitStack, contextmanager
from types import TracebackType
from typing import Any, Final, Protocol, Self, TypeAlias, final

from typing_extensions import Unpack

from wstest_core import quiescence, settings
from wstest_core.errors import UnreadMessages, UnreadMessagesWarning, warn
from wstest_core.scope import HeadersInput
from wstest_django._guests import await_guests, part_with_guests
from wstest_django._handshake import Application, Handshake, User, completed
from wstest_django._notes import add_later, show_transcripts
from wstest_django._owner import Owner
from wstest_django.communicator import (
    SyncWebsocketCommunicator,
    WebsocketCommunicator,
)

__all__ = ["Connect", "ConnectSync", "LeakedTaskWarning", "Sockets"]

_Socket: TypeAlias = WebsocketCommunicator | SyncWebsocketCommunicator
_Warn: TypeAlias = Callable[[str, type[Warning]], None]
_PATIENCE: Final = 5.0  # seconds: a busy machine's threads may take that long
# What a communicator takes; a codec's messages are the user's.
_Options: TypeAlias = dict[str, Any]


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
    """Makes the communicators of a test, and closes those that it leaves open.

    Those that the test has made by itself are closed as well. Warnings name the
    `owner`, if there is one.
    """

    def __init__(self, owner: Owner | None = None) -> None:
        self._warn: _Warn = warn if owner is None else owner.warn
        self.made: list[WebsocketCommunicator] = []
        self._made_sync: list[SyncWebsocketCommunicator] = []
        self._by_default: set[_Socket] = set()  # those that say nothing of unread
        self._tasks: set[Task[Any]] = set()  # of the test's own surroundings

    def make(
        self, application: Application, path: str, /, **handshake: Unpack[Handshake]
    ) -> WebsocketCommunicator:
        reached, options, user = completed(application, path, handshake)
        socket = WebsocketCommunicator(reached, path, **options)
        self._note(socket, user, options)
        self.made.append(socket)
        return socket

    def make_sync(
        self, application: Application, path: str, /, **handshake: Unpack[Handshake]
    ) -> SyncWebsocketCommunicator:
        reached, options, user = completed(application, path, handshake)
        socket = SyncWebsocketCommunicator(reached, path, **options)
        self._note(socket, user, options)
        self._made_sync.append(socket)
        return socket

    async def __aenter__(self) -> Self:
        self._tasks = asyncio.all_tasks()
        await_guests()
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
            for guest in part_with_guests():
                stack.push_async_callback(guest.disconnect)
            for socket in self.made:
                stack.push_async_callback(self._finish, socket)

    def close_sync(self) -> None:
        """Close those for plain tests, as `with` does."""
        with ExitStack() as stack:
            for socket in self._made_sync:
                stack.callback(self._finish_sync, socket)

    def show_in(self, error: BaseException) -> None:
        """Let a test's failure show what its communicators have seen."""
        sockets: list[_Socket] = [*self.made, *self._made_sync]
        show_transcripts(error, [each.transcript for each in sockets])

    def _note(self, socket: _Socket, user: User | None, options: _Options) -> None:
        if user is not None:
            socket.scope["user"] = user
        if options.get("unread") is None:
            self._by_default.add(socket)

    async def _finish(self, socket: WebsocketCommunicator) -> None:
        if socket.close_code is not None:
            await socket.disconnect()
            return
        with self._unread_of(socket) as unread:
            await socket.__aexit__(None, None, None)
        self._warn_of(unread)

    def _finish_sync(self, socket: SyncWebsocketCommunicator) -> None:
        if socket.close_code is not None:
            socket.disconnect()
            return
        with self._unread_of(socket) as unread:
            socket.__exit__(None, None, None)
        self._warn_of(unread)

    @contextmanager
    def _unread_of(self, socket: _Socket) -> Generator[list[UnreadMessages]]:
        """Take what a socket would warn of in a name that is not the test's."""
        taken: list[UnreadMessages] = []
        if socket not in self._by_default or settings.current.unread != "warn":
            yield taken
            return
        with settings.override(unread="error"):
            try:
                yield taken
            except UnreadMessages as unread:
                taken.append(unread)

    def _warn_of(self, unread: Iterable[UnreadMessages]) -> None:
        for each in unread:
            self._warn(str(each), UnreadMessagesWarning)

    async def _report_leaks(self) -> None:
        """Warn of tasks that go on though every connection has ended."""
        if asyncio.all_tasks() - self._tasks:
            await _come_to_rest()
        left = asyncio.all_tasks() - self._tasks
        if left:
            places = "; ".join(sorted(map(_place_of, left)))
            text = (
                f"the application has left {_count(left)} running: {places}. Cancel "
                "what a consumer begins in its disconnect(), or await it."
            )
            self._warn(text, LeakedTaskWarning)


async def _come_to_rest() -> None:
    """Let end what is about to end, without letting time pass."""
    watch = quiescence.watch()
    watch.attach()
    try:
        deadline = watch.now() + _PATIENCE
        await watch.bell().wait_until(deadline=deadline, horizon=-math.inf)
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
