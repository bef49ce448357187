"""fast-channels' layers in a test: fresh ones, and what goes over them."""

from collections import defaultdict
from collections.abc import Collection, Generator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, TypeAlias, final
from weakref import WeakValueDictionary

from fast_channels.exceptions import ChannelFull
from fast_channels.layers import BaseChannelLayer, channel_layers

from wstest_core import layers
from wstest_core.capture import CapturedMessage
from wstest_core.capture import capture_broadcasts as capture
from wstest_core.layers import (
    MemoryLayer,
    in_place_of,
    instead,
    like,
    standing_in,
    undisturbed,
)

__all__ = [
    "FreshLayer",
    "capture_broadcasts",
    "fresh_layers",
    "group_members",
    "pending",
    "send_to_channel",
    "send_to_group",
]

# What applications put on layers, and pass to the methods of theirs.
LayerMessage: TypeAlias = Any
# Layers by their ids, for they may be equal or have no hash.
_Layers: TypeAlias = WeakValueDictionary[int, BaseChannelLayer]
# The layers of each alias that an application may have kept. Fresh ones, too: it may
# have been imported within a test.
_kept: Final[defaultdict[str, _Layers]] = defaultdict(WeakValueDictionary)


@final
class FreshLayer(MemoryLayer, BaseChannelLayer):
    """fast-channels' layer for a test: in memory, fast, safe with threads.

    Takes the arguments of `InMemoryChannelLayer`.
    """

    __module__ = "wstest_fastapi.layers"

    full_error: ClassVar[type[Exception]] = ChannelFull


@contextmanager
def fresh_layers(
    *, keep: Collection[str] = ()
) -> Generator[Mapping[str, FreshLayer], None, None]:
    """Give each alias of fast-channels' registry a fresh layer in memory.

    Yields the fresh layers by alias, those of aliases registered within the
    block too. Each has the capacities and expiry of the one it stands in for.
    Where the application has kept a layer object, also that of an earlier
    test, its methods reach the fresh one. No layer of the application is asked
    for anything, so none connects to Redis. Afterwards, also on an error, the
    registry and the layers are as they were found. The aliases in `keep` are
    left alone.

    Example:
        >>> from fast_channels.layers import register_channel_layer
        >>> with fresh_layers() as fresh:
        ...     register_channel_layer("chat", FreshLayer(capacity=5))
        ...     fresh["chat"].capacity
        5
    """
    stack = ExitStack()
    try:
        with undisturbed():
            swap = _enter(keep, stack)
        yield swap.fresh
    finally:
        with undisturbed():
            stack.close()


def capture_broadcasts(
    layer: str | BaseChannelLayer, *, suppress: bool = False
) -> AbstractContextManager[list[CapturedMessage]]:
    """Record what a layer, given itself or by alias, is asked to send.

    See `wstest_core.capture_broadcasts`.

    Raises:
        LookupError: when no layer is registered under the alias.
    """
    return capture(_found(layer), suppress=suppress)


def group_members(layer: str | BaseChannelLayer, group: str) -> list[str]:
    """Return the channels in a group of a layer, given itself or by alias.

    Raises:
        LookupError: when no layer is registered under the alias.
        TypeError: when the layer does not keep its groups in memory.
    """
    return layers.group_members(_found(layer), group)


def pending(layer: str | BaseChannelLayer, channel: str) -> list[LayerMessage]:
    """Return the messages that wait on a channel of a fresh layer; take none."""
    return _fresh(layer).pending(channel)


def send_to_channel(
    layer: str | BaseChannelLayer, channel: str, message: LayerMessage
) -> None:
    """Put a message on a channel of a fresh layer, without waiting.

    For tests that are not coroutines, and from any thread; others may as well
    await the layer's `send`.

    Raises:
        ChannelFull: fast-channels', when the channel is over its capacity.
    """
    _fresh(layer).put(channel, message)


def send_to_group(
    layer: str | BaseChannelLayer, group: str, message: LayerMessage
) -> None:
    """Put a message on each channel of a group of a fresh layer, likewise."""
    _fresh(layer).put_to_group(group, message)


@dataclass(slots=True, eq=False)
class _Swap:
    """Fresh layers in the place of others, and how to undo it."""

    keep: frozenset[str]
    found: dict[str, BaseChannelLayer]
    earlier: dict[str, list[BaseChannelLayer]]
    fresh: dict[str, FreshLayer] = field(default_factory=dict[str, FreshLayer])
    undo: ExitStack = field(default_factory=ExitStack)
    _done: dict[int, tuple[BaseChannelLayer, FreshLayer]] = field(
        default_factory=dict[int, tuple[BaseChannelLayer, FreshLayer]]
    )

    def register(self, alias: str, layer: BaseChannelLayer) -> None:
        """Put a fresh layer into the registry instead of `layer`."""
        with undisturbed():
            put = layer if alias in self.keep else self._fresh(alias, layer)
            type(channel_layers).register(channel_layers, alias, put)

    def _fresh(self, alias: str, layer: BaseChannelLayer) -> FreshLayer:
        if id(layer) not in self._done:
            self._replace(layer, like(FreshLayer, layer))
        fresh = self.fresh[alias] = self._done[id(layer)][1]
        for earlier in self.earlier.pop(alias, ()):
            if id(earlier) not in self._done:
                self._replace(earlier, fresh)
        _kept[alias].update({id(layer): layer, id(fresh): fresh})
        return fresh

    def _replace(self, layer: BaseChannelLayer, fresh: FreshLayer) -> None:
        self.undo.enter_context(standing_in(layer, fresh))
        self._done[id(layer)] = layer, fresh
        # Registered again under another name, it stands for itself.
        self._done[id(fresh)] = fresh, fresh


_open: Final[list[_Swap]] = []  # innermost last


def _enter(keep: Collection[str], stack: ExitStack) -> _Swap:
    """Swap all layers; what `stack` then holds puts them back."""
    found = _registered()
    swap = _Swap(frozenset(keep), found, _of_earlier_tests(found))
    stack.enter_context(swap.undo)
    _open.append(swap)
    stack.callback(_leave, swap)
    for alias, layer in found.items():
        swap.register(alias, layer)
    stack.enter_context(instead(vars(channel_layers), {"register": swap.register}))
    return swap


def _leave(swap: _Swap) -> None:
    """Put back what was found; a later block that is still open does it else."""
    at = _open.index(swap)
    del _open[at]
    if at < len(_open):
        _open[at].found = swap.found
        return
    channel_layers.clear()
    for alias, layer in swap.found.items():
        channel_layers.register(alias, layer)


def _of_earlier_tests(
    found: Mapping[str, BaseChannelLayer],
) -> dict[str, list[BaseChannelLayer]]:
    """Return the layers that an alias once had, and that none has now."""
    now = set(map(id, found.values()))
    return {
        alias: [layer for layer in layers.values() if id(layer) not in now]
        for alias, layers in _kept.items()
    }


def _registered() -> dict[str, BaseChannelLayer]:
    return {alias: channel_layers[alias] for alias in channel_layers.list_aliases()}


def _found(layer: str | BaseChannelLayer) -> object:
    found = channel_layers.get(layer) if isinstance(layer, str) else layer
    if found is None:
        known = ", ".join(map(repr, channel_layers.list_aliases())) or "none"
        raise LookupError(
            f"no channel layer is registered as {layer!r} (there are: {known}); "
            "the application registers them with register_channel_layer()"
        )
    return in_place_of(found)


def _fresh(layer: str | BaseChannelLayer) -> FreshLayer:
    found = _found(layer)
    if isinstance(found, FreshLayer):
        return found
    raise TypeError(
        f"{type(found).__qualname__} is not a layer for tests: use fresh_layers(), "
        "or await the layer's own methods"
    )
