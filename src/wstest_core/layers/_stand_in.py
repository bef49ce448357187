"""Puts one channel layer in the place of another, wherever that is kept."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias, TypeVar

from wstest_core._alone import undisturbed
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


@dataclass(slots=True)
class _Replaced:
    """A layer that something stands in for now."""

    kind: type  # its own class
    by: list[object] = field(default_factory=list[object])  # innermost last


@dataclass(slots=True, eq=False)
class _Block:
    """What a block that is open has to put back."""

    found: dict[str, Passed]


# By the ids of layers, and of dictionaries of attributes; innermost last.
_replaced: Final[dict[int, _Replaced]] = {}
_blocks: Final[dict[int, list[_Block]]] = {}


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
    attributes = _attributes(layer)
    with undisturbed():
        replaced = _replaced.get(id(layer)) or _Replaced(type(layer))
        if not replaced.by:
            _make_plain(layer)
            _replaced[id(layer)] = replaced
        replaced.by.append(fresh)
        block = _enter(attributes, others)
    try:
        yield
    finally:
        with undisturbed():
            _leave(attributes, block)
            # Not by remove(): layers may be equal.
            del replaced.by[[*map(id, replaced.by)].index(id(fresh))]
            if not replaced.by:
                del _replaced[id(layer)]
                if type(layer) is not replaced.kind:
                    layer.__class__ = replaced.kind


def in_place_of(layer: object) -> object:
    """Return what stands in for a layer now, or the layer itself."""
    while id(layer) in _replaced:
        layer = _replaced[id(layer)].by[-1]
    return layer


@contextmanager
def instead(
    attributes: dict[str, Passed], others: Mapping[str, Passed]
) -> Generator[None, None, None]:
    """Replace attributes within a block, and put back what was found.

    Blocks may end in any order: one that was entered later, and is still open,
    keeps its own, and puts back what this one had found.
    """
    with undisturbed():
        block = _enter(attributes, others)
    try:
        yield
    finally:
        with undisturbed():
            _leave(attributes, block)


def _enter(attributes: dict[str, Passed], others: Mapping[str, Passed]) -> _Block:
    block = _Block({name: attributes.get(name, _ABSENT) for name in others})
    _blocks.setdefault(id(attributes), []).append(block)
    attributes.update(others)
    return block


def _leave(attributes: dict[str, Passed], block: _Block) -> None:
    later = _take_out(block, id(attributes))
    for name, value in block.found.items():
        heir = next((each for each in later if name in each.found), None)
        if heir is not None:
            heir.found[name] = value
        elif value is _ABSENT:
            attributes.pop(name, None)
        else:
            attributes[name] = value


def _take_out(block: _Block, key: int) -> list[_Block]:
    """Forget a block, and return those that were entered after it."""
    blocks = _blocks[key]
    at = blocks.index(block)
    del blocks[at]
    if not blocks:
        del _blocks[key]
    return blocks[at:]


def _make_plain(layer: object) -> None:
    """Let a layer's own attributes come before what its class makes of them."""
    kind = type(layer)
    if kind.__getattribute__ is object.__getattribute__:
        return
    # A pub/sub layer hands each method to a connection of the running loop.
    plain = {"__getattribute__": object.__getattribute__, "__slots__": ()}
    layer.__class__ = type(kind.__name__, (kind,), plain)


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
