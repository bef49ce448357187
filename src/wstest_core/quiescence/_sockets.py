"""Tells what the descriptors mean that an asyncio loop listens to.

The loop's own wake-up pipe means nothing. Any other descriptor means that the
outside world may answer, unless it is a connected socket that only waits for
data and no task waits for a socket: a connection pool at rest. Then only data
that nobody asked for could come. A signal that the loop handles comes from
outside as well, at any time.
"""

from asyncio import AbstractEventLoop
from collections.abc import Mapping
from dataclasses import dataclass
from selectors import SelectorKey
from typing import TypeAlias, final

from wstest_core.quiescence import _tasks

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
    if keys is None:
        return Sockets(idle=False, why="the event loop does not show its sockets")
    if getattr(loop, "_signal_handlers", None):
        return Sockets(idle=False, why="the event loop listens to signals")
    own = _own_descriptor(loop)
    if len(keys) == 1 and own in keys:
        return None
    foreign = [key for number, key in keys.items() if number != own]
    if not foreign:
        return None
    if not all(_only_listens(key) for key in foreign):
        return Sockets(idle=False, why=f"{_count(foreign)} in use")
    outside = _tasks.waits_for_outside(loop)
    if outside is not None:
        return Sockets(idle=False, why=f"{_count(foreign)} open and {outside}")
    return Sockets(idle=True, why=f"{_count(foreign)} open, and no task waits for one")


def _own_descriptor(loop: AbstractEventLoop) -> int:
    pipe = getattr(loop, "_ssock", None)
    return -1 if pipe is None else pipe.fileno()


def _only_listens(key: SelectorKey) -> bool:
    reader, writer = key.data
    if reader is None or writer is not None:
        return False
    transport: object = getattr(getattr(reader, "_callback", None), "__self__", None)
    return type(transport).__name__ == "_SelectorSocketTransport"


def _count(keys: list[SelectorKey]) -> str:
    return "a socket is" if len(keys) == 1 else f"{len(keys)} sockets are"
