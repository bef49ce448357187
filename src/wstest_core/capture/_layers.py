"""The messages that a channel layer is asked to carry."""

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, TypeAlias, final

from wstest_core.capture._spy import (
    Ear,
    Method,
    Passed,
    Spy,
    check_call,
    listening,
    passed,
    stand_in_for,
)

__all__ = ["CapturedMessage", "capture_broadcasts"]

Kind: TypeAlias = Literal["send", "group_send"]


@final
@dataclass(frozen=True, slots=True)
class CapturedMessage:
    """One message that a channel layer was asked to carry.

    `message` is a copy made at the call.
    """

    __module__ = "wstest_core.capture"

    kind: Kind
    target: str
    message: Passed

    @property
    def channel(self) -> str | None:
        """The channel it was sent to, None if it went to a group."""
        return self.target if self.kind == "send" else None

    @property
    def group(self) -> str | None:
        """The group it was sent to, None if it went to a channel."""
        return self.target if self.kind == "group_send" else None


@contextmanager
def capture_broadcasts(
    layer: object, *, suppress: bool = False
) -> Generator[list[CapturedMessage], None, None]:
    """Record what a channel layer is asked to send within a block.

    Messages are delivered all the same, unless `suppress`. What a layer
    sends to the members of a group on its own account is not recorded.

    Raises:
        TypeError: when `layer` is not an object with `send` and `group_send`.

    Example:
        >>> import asyncio
        >>> class Layer:
        ...     async def send(self, channel, message): ...
        ...     async def group_send(self, group, message): ...
        >>> layer = Layer()
        >>> with capture_broadcasts(layer) as captured:
        ...     asyncio.run(layer.group_send("room", {"type": "chat"}))
        >>> captured
        [CapturedMessage(kind='group_send', target='room', message={'type': 'chat'})]
    """
    _check_layer(layer)
    captured: list[CapturedMessage] = []
    ear = Ear(captured, suppress)
    with (
        listening(layer, "send", _layer_spy, ear),
        listening(layer, "group_send", _layer_spy, ear),
    ):
        yield captured


_delivering: ContextVar[tuple[int, ...]] = ContextVar("wstest_delivering", default=())


def _layer_spy(layer: Any, name: str, replaced: Any) -> Spy[CapturedMessage]:
    spy = Spy[CapturedMessage](layer, name, replaced)
    original: Method = getattr(layer, name)
    kind: Kind = "send" if name == "send" else "group_send"
    keyword = "channel" if name == "send" else "group"

    def listen(*args: Any, **kwargs: Any) -> Method | None:
        call = partial(original, *args, **kwargs)
        if id(layer) in _delivering.get():
            return call
        check_call(original, args, kwargs)
        target = passed(args, kwargs, 0, keyword)
        message = deepcopy(passed(args, kwargs, 1, "message"))
        return call if spy.hear(CapturedMessage(kind, target, message)) else None

    during = partial(_delivery, id(layer))
    spy.stand_in = stand_in_for(spy, original, listen, during)
    return spy


@contextmanager
def _delivery(layer: int) -> Generator[None, None, None]:
    token = _delivering.set((*_delivering.get(), layer))
    try:
        yield
    finally:
        _delivering.reset(token)


def _check_layer(layer: object) -> None:
    methods = [getattr(layer, name, None) for name in ("send", "group_send")]
    if isinstance(layer, type) or not all(map(callable, methods)):
        raise TypeError(
            "capture_broadcasts takes a channel layer, an object with 'send' and "
            f"'group_send', not {layer!r}; get_channel_layer() gives you one"
        )
    if not hasattr(layer, "__dict__"):
        raise TypeError(
            f"{type(layer).__qualname__} has __slots__, so its methods cannot be "
            "captured; derive a class from it and use that"
        )
