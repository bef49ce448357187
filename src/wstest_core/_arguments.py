"""Checks what a communicator is given, and makes of it what it needs."""

from collections.abc import Mapping
from typing import Any, TypeAlias, TypedDict, TypeVar

from wstest_core.codecs import Codec, JsonCodec, ModelCodec
from wstest_core.drivers import AsgiApplication, AsgiDriver, Driver
from wstest_core.settings import Unread

__all__ = [
    "AnyMessage",
    "Options",
    "codec_of",
    "driver_of",
    "require_frame",
    "require_options",
]

# The class of a message is the user's; without models it is what JSON holds.
AnyMessage: TypeAlias = Any
F = TypeVar("F", str, bytes)


class Options(TypedDict, total=False):
    """What a communicator takes beside application, path and codec."""

    consumer: type[object] | None
    name: str | None
    timeout: float | None
    unread: Unread | None
    client: tuple[str, int] | None
    state: Mapping[str, object] | None
    extensions: Mapping[str, object] | None


def require_options(client: object, consumer: object) -> None:
    """Refuse what no communicator can do anything with.

    Raises:
        TypeError: saying what to give.
    """
    match client:
        case None | (str(), int()):
            pass
        case _:
            raise TypeError(
                f"client={client!r} is no address: give host and port, "
                "client=('127.0.0.1', 50000)"
            )
    if consumer is not None and not isinstance(consumer, type):
        raise TypeError(f"consumer={consumer!r} is no class: give the consumer's class")


def require_frame(frame: object, kind: type[F], verb: str) -> F:
    if isinstance(frame, kind):
        return frame
    raise TypeError(f"{verb} takes {kind.__name__}, not {type(frame).__name__}")


def driver_of(application: AsgiApplication | str | Driver) -> Driver:
    if isinstance(application, str) and application.startswith(("ws://", "wss://")):
        from wstest_core.drivers.network import NetworkDriver

        return NetworkDriver(application)
    if callable(application) or isinstance(application, str):
        return AsgiDriver(application)
    if hasattr(application, "receive"):
        return application
    raise TypeError(
        f"{application!r} is no ASGI application: give an ASGI 3 callable, an import "
        "string 'package.module:app', a ws:// or wss:// URL, or a Driver"
    )


def codec_of(
    codec: Codec[AnyMessage] | None, messages: object, consumer: object
) -> Codec[AnyMessage]:
    if codec is not None:
        _refuse_class(codec)
        return codec
    if messages is not None:
        return ModelCodec(messages)
    if hasattr(consumer, "outgoing_message_adapter"):
        return ModelCodec(consumer)
    return _JSON


def _refuse_class(codec: object) -> None:
    if isinstance(codec, type):
        name = codec.__name__
        raise TypeError(f"codec={name} is a class: give an instance, {name}()")


_JSON = JsonCodec()
