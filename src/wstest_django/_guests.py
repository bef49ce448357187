"""Clients that a test has made by itself, in the event loop of a test case."""

from asyncio import AbstractEventLoop, get_running_loop
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from wstest_django.communicator import WebsocketCommunicator

__all__ = ["FindGuest", "await_guests", "nobody", "part_with_guests", "present"]

_Guest: TypeAlias = "WebsocketCommunicator[Any]"
FindGuest: TypeAlias = "Callable[[], _Guest | None]"

_of_loops: Final = WeakKeyDictionary[AbstractEventLoop, list[_Guest]]()


def await_guests() -> None:
    """From now on keep the clients that connect in the running loop."""
    _of_loops[get_running_loop()] = []


def part_with_guests() -> list[_Guest]:
    """Return those whom an application still serves, and keep none any more."""
    return _of_loops.pop(get_running_loop(), [])


@contextmanager
def present(find: FindGuest) -> Generator[None]:
    """Let a client be among the guests within a block, where any are awaited."""
    there = _of_loops.get(get_running_loop())
    # Elsewhere nothing may keep it: it warns when it is lost and still connected.
    guest = None if there is None else find()
    if there is None or guest is None:
        yield
        return
    there.append(guest)
    try:
        yield
    finally:
        if guest in there:
            there.remove(guest)


def nobody() -> None:
    """Find no guest: the client is closed by whoever has made it."""
