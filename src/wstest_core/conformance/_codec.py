"""Checks what a codec promises."""

from collections.abc import Iterable
from typing import Never, TypeGuard, TypeVar

from wstest_core.codecs import Codec
from wstest_core.errors import UndecodableFrame
from wstest_core.events import Frame

__all__ = ["check_codec"]

T = TypeVar("T")
_ODD_FRAMES: tuple[Frame, ...] = (
    *("", b"", "\x00", b"\xff\xfe", "{", "nonsense", "null", "[]", "{}"),
    *('{"action": 7}', '{"action": "no such action"}', "[" * 5000, b"\x00" * 20),
)


# What a codec need not have.
_ATTRIBUTES = (("field", str), ("camel_case", bool))


def check_codec(codec: Codec[T], messages: Iterable[T]) -> None:
    """Check that a codec keeps all that `Codec` promises.

    `messages` are some that it must carry: each has to come back equal.

    Raises:
        AssertionError: saying what is broken, and with which message or frame.
        ValueError: if there are no messages.

    >>> from wstest_core import JsonCodec
    >>> check_codec(JsonCodec(), [{"action": "ping"}, [1, 2], None])
    """
    checked = 0
    for message in messages:
        checked += 1
        _check_round_trip(codec, message)
    if not checked:
        raise ValueError("messages is empty: give some that the codec must carry")
    for frame in _ODD_FRAMES:
        _check_odd_frame(codec, frame)
    _check_refusal(codec)
    _check_attributes(codec)


def _check_round_trip(codec: Codec[T], message: T) -> None:
    frame = _encoded(codec, message)
    if _encoded(codec, message) != frame:
        _fail(f"encode({message!r}) gives the same frame each time")
    for _ in range(2):
        found = _decoded(codec, frame)
        if found != message:
            _fail(f"{message!r} comes back equal, not as {found!r}, from {frame!r}")


def _check_odd_frame(codec: Codec[T], frame: Frame) -> None:
    shown = repr(frame[:40])
    try:
        codec.decode(frame)
    except UndecodableFrame as error:
        if error.frame != frame:
            _fail(f"UndecodableFrame.frame is the frame, {shown}, not {error.frame!r}")
    except Exception as error:
        _fail(f"decode({shown}) may raise only UndecodableFrame: {error!r}", error)


def _check_refusal(codec: Codec[T]) -> None:
    nothing = object()
    try:
        codec.encode(nothing)
    except TypeError:
        return
    except Exception as error:
        _fail(f"encode({nothing!r}) may raise only TypeError: {error!r}", error)


def _check_attributes(codec: Codec[T]) -> None:
    for name, kind in _ATTRIBUTES:
        if not isinstance(found := getattr(codec, name, kind()), kind):
            _fail(f"{name}, where it has one, is a {kind.__name__}, not {found!r}")


def _encoded(codec: Codec[T], message: T) -> Frame:
    try:
        frame = codec.encode(message)
    except Exception as error:
        _fail(f"encode({message!r}) raised {error!r}", error)
    if not _is_frame(frame):
        _fail(f"encode({message!r}) returns str or bytes, not {frame!r}")
    return frame


def _is_frame(encoded: object) -> TypeGuard[Frame]:
    return isinstance(encoded, str | bytes)


def _decoded(codec: Codec[T], frame: Frame) -> T:
    try:
        return codec.decode(frame)
    except Exception as error:
        _fail(f"decode({frame!r}) raised {error!r}", error)


def _fail(text: str, error: Exception | None = None) -> Never:
    raise AssertionError(f"This codec breaks a rule: {text}") from error


check_codec.__module__ = "wstest_core.conformance"
