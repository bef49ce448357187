"""Clients that a test has made by itself, in the event loop of a test case."""

from asyncio import AbstractEventLoop, get_running_loop
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Final, Protocol, TypeAlias
from weakref import WeakKeyDictionary

__all__ = ["FindGuest", "await_guests", "nobody", "part_with_guests", "present"]


class Guest(Protocol):
    """A client that can be asked to leave: a communicator."""

    async def disconnect(self) -> None: ...


FindGuest: TypeAlias = Callable[[], Guest | None]

_of_loops: Final = WeakKeyDictionary[AbstractEventLoop, list[Guest]]()


def await_guests() -> None:
    """From now on keep the clients that connect in the running loop."""
    _of_loops[get_running_loop()] = []


def part_with_guests() -> list[Guest]:
    """Return those whom an application still serves, and keep none any more."""
    return _of_loops.pop(get_running_loop(), [])


@contextmanager
def present(find: FindGuest) -> Generator[None]:
    """Let a client be among the guests within a block, where any are awaited."""
    there = None if find is nobody else _of_loops.get(get_running_loop())
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
