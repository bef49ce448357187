"""Puts one channel layer in the place of another, wherever that is kept."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any, Final, TypeAlias, TypeVar

from wstest_core.layers._memory import MemoryLayer

__all__ = ["in_place_of", "instead", "like", "settings_of", "standing_in"]

L = TypeVar("L", bound=MemoryLayer)
# What frameworks keep in their objects, and pass to layers.
Passed: TypeAlias = Any

_METHODS: Final = (
    *("send", "receive", "new_channel", "flush", "close"),
    *("group_add", "group_discard", "group_send"),
)
_STATE: Final = ("channels", "groups")
_SETTINGS: Final = ("expiry", "group_expiry", "capacity", "channel_capacity")
_ABSENT: Final = object()
# id of a layer that something stands in for now -> what does, innermost last
_stand_ins: Final[dict[int, list[object]]] = {}


def like(kind: type[L], layer: object) -> L:
    """Make a layer of a kind, with the capacities and expiry of another."""
    # Not getattr(): a pub/sub layer looks its attributes up in connections.
    return kind(**settings_of(_attributes(layer)))


def settings_of(arguments: Mapping[str, Passed]) -> dict[str, Passed]:
    """Return those arguments of a channel layer that any layer takes."""
    return {name: arguments[name] for name in _SETTINGS if name in arguments}


@contextmanager
def standing_in(layer: object, fresh: object) -> Generator[None, None, None]:
    """Let the methods of `layer` reach `fresh` within a block.

    So an application that has kept the layer object uses the fresh one too.
    """
    others = {name: _forward(fresh, name) for name in _METHODS}
    others |= {
        name: _attributes(fresh)[name]
        for name in _STATE
        if name in _attributes(layer).keys() & _attributes(fresh).keys()
    }
    stand_ins = _stand_ins.setdefault(id(layer), [])
    stand_ins.append(fresh)
    try:
        with _plainly(layer), instead(_attributes(layer), others):
            yield
    finally:
        stand_ins.remove(fresh)
        if not stand_ins:
            del _stand_ins[id(layer)]


def in_place_of(layer: object) -> object:
    """Return what stands in for a layer now, or the layer itself."""
    while id(layer) in _stand_ins:
        layer = _stand_ins[id(layer)][-1]
    return layer


@contextmanager
def instead(
    attributes: dict[str, Passed], others: Mapping[str, Passed]
) -> Generator[None, None, None]:
    """Replace attributes within a block, and put back what was found."""
    found = {name: attributes.get(name, _ABSENT) for name in others}
    attributes.update(others)
    try:
        yield
    finally:
        for name, value in found.items():
            if value is _ABSENT:
                attributes.pop(name, None)
            else:
                attributes[name] = value


@contextmanager
def _plainly(layer: object) -> Generator[None, None, None]:
    """Let a layer's own attributes come before what its class makes of them."""
    kind = type(layer)
    if kind.__getattribute__ is object.__getattribute__:
        yield
        return
    # A pub/sub layer hands each method to a connection of the running loop.
    plain = {"__getattribute__": object.__getattribute__, "__slots__": ()}
    layer.__class__ = type(kind.__name__, (kind,), plain)
    try:
        yield
    finally:
        layer.__class__ = kind


def _forward(fresh: object, name: str) -> Passed:
    # A coroutine function, for async_to_sync() looks; and the method is looked
    # up at each call, because a capture may stand there by then.
    async def forward(*args: Passed, **kwargs: Passed) -> Passed:
        return await getattr(fresh, name)(*args, **kwargs)

    forward.__name__ = name
    return forward


def _attributes(layer: object) -> dict[str, Passed]:
    # Where a class has none, because it uses __slots__, nothing can be replaced.
    return getattr(layer, "__dict__", {})
