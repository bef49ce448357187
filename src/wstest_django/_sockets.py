"""The communicators of one test: how they are made, and closed together."""

import asyncio
import math
import traceback
from asyncio import Task
from collections.abc import Collection, Iterable
from contextlib import AsyncExitStack, ExitStack
from types import TracebackType
from typing import Any, Protocol, Self, TypeAlias, final

from typing_extensions import Unpack

from wstest_core import communicator, quiescence
from wstest_core.codecs import CamelCaseCodec, JsonCodec, ModelCodec
from wstest_core.drivers import AsgiApplication, Driver
from wstest_core.errors import warn
from wstest_core.scope import HeadersInput
from wstest_django._visit import Browser
from wstest_django.communicator import (
    SyncWebsocketCommunicator,
    WebsocketCommunicator,
    driver_of,
    is_url,
    with_origin,
)
from wstest_django.configuration import camel_case
from wstest_django.logins import session_headers

__all__ = [
    "Application",
    "Connect",
    "ConnectSync",
    "Handshake",
    "LeakedTaskWarning",
    "Sockets",
    "User",
    "add_later",
]

Application: TypeAlias = AsgiApplication | str | Driver
User: TypeAlias = Any  # of the project's own class, or anonymous
# What a communicator takes; a codec's messages are the user's.
_Arguments: TypeAlias = dict[str, Any]


class LeakedTaskWarning(UserWarning):
    """The application has left a task running that it began."""

    __module__ = "wstest_django"


class Handshake(communicator.Options, total=False):
    """What a test may say of a socket beside its application and path."""

    headers: HeadersInput | None
    subprotocols: Iterable[str] | None
    user: User | None
    test_client: Browser | None
    messages: object
    codec: object


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
        reached, options, user = _arguments(application, path, handshake)
        socket = WebsocketCommunicator(reached, path, **options)
        _place(user, socket.scope)
        self.made.append(socket)
        return socket

    def make_sync(
        self, application: Application, path: str, /, **handshake: Unpack[Handshake]
    ) -> SyncWebsocketCommunicator:
        reached, options, user = _arguments(application, path, handshake)
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


def _arguments(
    application: Application, path: str, handshake: Handshake
) -> tuple[Application, _Arguments, User | None]:
    options: _Arguments = dict(handshake)
    known = Handshake.__annotations__
    if unknown := options.keys() - known.keys():
        raise TypeError(
            f"a communicator takes no {', '.join(sorted(unknown))}: its path is "
            f"ws_path, and beside it there are {', '.join(known)}"
        )
    user, test_client = options.pop("user", None), options.pop("test_client", None)
    options["headers"] = with_origin(options.get("headers"), application, path)
    if is_url(application):
        options["headers"] += session_headers(test_client) if test_client else []
        if user is not None:
            raise ValueError(
                "user= is put into the scope of an application in this process; a "
                "server knows a user by a session: headers=session_headers_for(user)"
            )
    if camel_case() and not (options.get("messages") or options.get("codec")):
        options["codec"] = _camel_case(options.get("consumer"))
    return driver_of(application, test_client), options, user


def _camel_case(consumer: object) -> CamelCaseCodec[Any] | ModelCodec[Any]:
    if not hasattr(consumer, "outgoing_message_adapter"):
        return CamelCaseCodec(JsonCodec())
    own: ModelCodec[Any] = ModelCodec(consumer)
    decided = own.camel_case or getattr(consumer, "camelize", None) is not None
    return own if decided else CamelCaseCodec(own)


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
