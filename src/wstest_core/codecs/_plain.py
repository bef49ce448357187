"""Frames that are their own messages."""

from dataclasses import dataclass
from typing import cast, final

from wstest_core.codecs._protocol import kind_of, undecodable
from wstest_core.events import Frame

__all__ = ["BytesCodec", "TextCodec"]


@final
@dataclass(frozen=True, slots=True)
class TextCodec:
    """Text frames as they are.

    Example:
        >>> TextCodec().decode("hello")
        'hello'
    """

    __module__ = "wstest_core"

    def encode(self, message: object, /) -> str:
        """The message, which is the frame."""
        if isinstance(message, str):
            return message
        raise TypeError(f"TextCodec sends a str, not {kind_of(message)}")

    def decode(self, frame: Frame, /) -> str:
        """The frame, which is the message."""
        if isinstance(frame, str):
            return frame
        why = f"a binary frame of {len(frame)} bytes where text was meant"
        raise undecodable(frame, why, "receive_bytes() takes binary frames.")


@final
@dataclass(frozen=True, slots=True)
class BytesCodec:
    """Binary frames as they are.

    Example:
        >>> BytesCodec().encode(bytearray(b"hello"))
        b'hello'
    """

    __module__ = "wstest_core"

    def encode(self, message: object, /) -> bytes:
        """The message, which is the frame."""
        if isinstance(message, bytes | bytearray | memoryview):
            return bytes(cast(bytes, message))
        raise TypeError(f"BytesCodec sends bytes, not {kind_of(message)}")

    def decode(self, frame: Frame, /) -> bytes:
        """The frame, which is the message."""
        if isinstance(frame, bytes):
            return frame
        why = f"a text frame of {len(frame)} characters where bytes were meant"
        raise undecodable(frame, why, "receive_text() takes text frames.")
