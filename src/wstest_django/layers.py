"""Channel layers in a test: fresh ones, and what goes over them."""

from collections import defaultdict
from collections.abc import Collection, Generator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any, ClassVar, Final, TypeAlias, final
from weakref import WeakValueDictionary

from channels.exceptions import ChannelFull
from channels.layers import BaseChannelLayer, channel_layers

from wstest_core import layers
from wstest_core.capture import CapturedMessage
from wstest_core.capture import capture_broadcasts as capture
from wstest_core.layers import (
    MemoryLayer,
    in_place_of,
    instead,
    settings_of,
    standing_in,
    undisturbed,
)

__all__ = [
    "FreshLayer",
    "capture_broadcasts",
    "contents",
    "fresh_layers",
    "group_members",
    "join_group",
    "next_message",
    "pending",
    "send_to_channel",
    "send_to_group",
]

# What applications put on layers.
LayerMessage: TypeAlias = Any
# Layers by their ids, for they may be equal or have no hash.
_Layers: TypeAlias = WeakValueDictionary[int, BaseChannelLayer]
# The layers of each alias that an application may have kept. Fresh ones, too: it may
# have been imported within a test.
_kept: Final[defaultdict[str, _Layers]] = defaultdict(WeakValueDictionary)


# Channels' own layers, too, take fractions of a second and any form of capacities.
@final
class FreshLayer(MemoryLayer, BaseChannelLayer):  # type: ignore[misc]
    """Channels' layer for a test: in memory, fast, safe with threads.

    Takes the arguments of `InMemoryChannelLayer`.
    """

    __module__ = "wstest_django.layers"

    full_error: ClassVar[type[Exception]] = ChannelFull


@contextmanager
def fresh_layers(
    aliases: Collection[str] | None = None, *, test_configs: bool = False
) -> Generator[Mapping[str, FreshLayer]]:
    """Give aliases of `CHANNEL_LAYERS`, by default all, a fresh layer in memory.

    Yields the fresh layers by alias. Each has the capacities and expiry of its
    `TEST_CONFIG`, or else `CONFIG`. Where the application has kept a layer
    object, also that of an earlier test, its methods reach the fresh one. No
    layer of the application is made or asked for anything, so none connects to
    Redis. Settings that are overridden within the block are honoured. With
    `test_configs`, an alias that has a `TEST_CONFIG` is given its own backend
    with that. Afterwards, also on an error, everything is as it was found.

    Raises:
        LookupError: for an alias that is not in `CHANNEL_LAYERS`.

    Example:
        >>> with fresh_layers(["default"]) as fresh:
        ...     fresh["default"].contents()
        {}
    """
    known = list(channel_layers.configs)
    for alias in aliases or ():
        if alias not in known:
            raise _unknown(alias)
    chosen, stack = known if aliases is None else aliases, ExitStack()
    try:
        with undisturbed():
            swap = _Swap(chosen, test_configs=test_configs)
            swap.enter(known, stack)
        yield swap.fresh
    finally:
        with undisturbed():
            stack.close()


def capture_broadcasts(
    layer: str | BaseChannelLayer = "default", *, suppress: bool = False
) -> AbstractContextManager[list[CapturedMessage]]:
    """Record what a layer, given itself or by alias, is asked to send.

    See `wstest_core.capture_broadcasts`.

    Raises:
        LookupError: when no layer is configured under the alias.
    """
    return capture(_found(layer), suppress=suppress)


def group_members(layer: str | BaseChannelLayer, group: str) -> list[str]:
    """Return the channels in a group of a layer, given itself or by alias.

    Raises:
        LookupError: when no layer is configured under the alias.
        TypeError: when the layer does not keep its groups in memory.
    """
    return layers.group_members(_found(layer), group)


def pending(layer: str | BaseChannelLayer, channel: str) -> list[LayerMessage]:
    """Return the messages that wait on a channel of a fresh layer; take none."""
    return _fresh(layer).pending(channel)


def next_message(layer: str | BaseChannelLayer, channel: str) -> LayerMessage | None:
    """Take the next message of a channel of a fresh layer; None if none waits."""
    return _fresh(layer).take(channel)


def send_to_channel(
    layer: str | BaseChannelLayer, channel: str, message: LayerMessage
) -> None:
    """Put a message on a channel of a fresh layer, without waiting.

    For tests that are not coroutines, and from any thread; others may as well
    await the layer's `send`.

    Raises:
        ChannelFull: Channels', when the channel is over its capacity.
    """
    _fresh(layer).put(channel, message)


def send_to_group(
    layer: str | BaseChannelLayer, group: str, message: LayerMessage
) -> None:
    """Put a message on each channel of a group of a fresh layer, without waiting."""
    _fresh(layer).put_to_group(group, message)


def join_group(layer: str | BaseChannelLayer, group: str, channel: str) -> None:
    """Add a channel to a group of a fresh layer, without waiting."""
    _fresh(layer).join(group, channel)


def contents(layer: str | BaseChannelLayer) -> dict[str, list[LayerMessage]]:
    """Return all messages that wait on a fresh layer, by channel; take none."""
    return _fresh(layer).contents()


class _Swap:
    """Makes fresh layers where Channels would make those of the settings."""

    def __init__(self, aliases: Collection[str], *, test_configs: bool) -> None:
        self.fresh: dict[str, FreshLayer] = {}
        self._aliases = frozenset(aliases)
        self._test_configs = test_configs
        self._plain = channel_layers.make_backend

    def make_backend(self, name: str) -> BaseChannelLayer:
        if name not in self._aliases:
            return self._plain(name)
        config = channel_layers.configs[name]
        if self._test_configs and "TEST_CONFIG" in config:
            made: BaseChannelLayer = channel_layers.make_test_backend(name)
            return made
        found = config.get("TEST_CONFIG", config.get("CONFIG", {}))
        self.fresh[name] = FreshLayer(**settings_of(found))
        return self.fresh[name]

    def enter(self, known: Collection[str], stack: ExitStack) -> None:
        """Swap the layers; what `stack` then holds puts them back."""
        before = dict(channel_layers.backends)
        others = {"make_backend": self.make_backend, "backends": before}
        stack.enter_context(instead(vars(channel_layers), others))
        channel_layers.backends = {}
        for alias, layer in before.items():
            _kept[alias][id(layer)] = layer
        for alias in known:
            self._put(alias, before.get(alias), stack)

    def _put(
        self, alias: str, before: BaseChannelLayer | None, stack: ExitStack
    ) -> None:
        """Put a fresh layer in the place of those that were made before."""
        if alias not in self._aliases:
            if before is not None:
                channel_layers.backends[alias] = before
            return
        kept = list(_kept[alias].values())
        made = channel_layers[alias]
        for layer in kept:
            stack.enter_context(standing_in(layer, made))
        _kept[alias][id(made)] = made


def _found(layer: str | BaseChannelLayer) -> object:
    if not isinstance(layer, str):
        return in_place_of(layer)
    if layer not in channel_layers:
        raise _unknown(layer)
    return in_place_of(channel_layers[layer])


def _unknown(alias: str) -> LookupError:
    known = ", ".join(map(repr, channel_layers.configs)) or "none"
    return LookupError(
        f"the setting CHANNEL_LAYERS has no alias {alias!r} (there are: {known})"
    )


def _fresh(layer: str | BaseChannelLayer) -> FreshLayer:
    found = _found(layer)
    if isinstance(found, FreshLayer):
        return found
    raise TypeError(
        f"{type(found).__qualname__} is not a layer for tests: use fresh_layers() "
        "(a test case does, for its test_channel_aliases), or await the layer's own "
        "methods"
    )
