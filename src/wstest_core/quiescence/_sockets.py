"""Tells what the descriptors mean that an asyncio loop listens to.

The loop's own wake-up pipe means nothing. Any other descriptor means that the
outside world may answer, unless it is a connected socket that only waits for
data, no task waits for a socket, and none waits for something that the
connection's protocol could wake: a connection pool at rest. Then only data
that nobody asked for could come. A signal that the loop handles comes from
outside as well, at any time.
"""

from asyncio import AbstractEventLoop
from collections.abc import Iterable, Mapping
from contextvars import Context
from dataclasses import dataclass
from itertools import chain
from selectors import SelectorKey
from typing import TypeAlias, final

from wstest_core.quiescence import _reach, _tasks

__all__ = ["Sockets", "look"]

_Keys: TypeAlias = Mapping[int, SelectorKey]


@final
@dataclass(frozen=True, slots=True)
class Sockets:
    """Descriptors that are registered beside the loop's own."""

    idle: bool
    why: str


def look(loop: AbstractEventLoop, selector: object) -> Sockets | None:
    """Judge the descriptors of `loop`; None if there are only its own."""
    get_map = getattr(selector, "get_map", None)
    keys: _Keys | None = None if get_map is None else get_map()
    own = _own_descriptor(loop)
    if keys is None or own is None:
        return Sockets(idle=False, why="the event loop does not show its sockets")
    if getattr(loop, "_signal_handlers", None):
        return Sockets(idle=False, why="the event loop listens to signals")
    if len(keys) == 1 and own in keys:
        return None
    foreign = [key for number, key in keys.items() if number != own]
    if not foreign:
        return None
    if any(_listening(key) is None for key in foreign):
        return Sockets(idle=False, why=f"{_count(foreign)} in use")
    outside = _tasks.waits_for_outside(loop) or _fed_by(foreign, loop)
    if outside is not None:
        return Sockets(idle=False, why=f"{_count(foreign)} open and {outside}")
    return Sockets(idle=True, why=f"{_count(foreign)} open, and no task waits for one")


def _fed_by(keys: list[SelectorKey], loop: AbstractEventLoop) -> str | None:
    """Say which task a protocol could wake though it does not wait for a socket."""
    protocols = [getattr(_listening(key), "_protocol", None) for key in keys]
    if None in protocols:
        return "its protocol is unknown"
    known = [*protocols, *chain.from_iterable(map(_context, keys))]
    at = _reach.reached(known, _tasks.awaited_inside(loop))
    return None if at is None else f"may wake what waits {at}"


def _own_descriptor(loop: AbstractEventLoop) -> int | None:
    pipe = getattr(loop, "_ssock", None)
    return None if pipe is None else pipe.fileno()


def _listening(key: SelectorKey) -> object:
    """Return the transport of a connection that only waits for data, else None."""
    reader, writer = key.data
    if reader is None or writer is not None:
        return None
    transport: object = getattr(getattr(reader, "_callback", None), "__self__", None)
    listens = type(transport).__name__ == "_SelectorSocketTransport"
    return transport if listens else None


def _context(key: SelectorKey) -> Iterable[object]:
    """Return the values of context variables that the protocol runs with."""
    context: Context | None = getattr(key.data[0], "_context", None)
    return () if context is None else context.values()


def _count(keys: list[SelectorKey]) -> str:
    return "a socket is" if len(keys) == 1 else f"{len(keys)} sockets are"
