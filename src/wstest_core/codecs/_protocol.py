"""What a codec promises, and the words in which it refuses a frame."""

from typing import Final, Protocol, TypeVar

from wstest_core.errors import UndecodableFrame
from wstest_core.events import Frame

__all__ = ["Codec", "kind_of", "on_the_wire", "undecodable"]

COLUMNS: Final = 72

M_co = TypeVar("M_co", covariant=True)


class Codec(Protocol[M_co]):
    """Turns messages into frames and frames into messages.

    A codec is a value: it remembers nothing between calls.

    It may say more of its messages in two attributes, which communicators
    read. `field`, a str, names the field by which messages are told apart, as
    `decode` spells it: "action" without it. `camel_case`, a bool, says whether
    keys are in camelCase on the wire and in snake_case in messages. A codec
    around another passes both on.

    Example:
        >>> class Lines:
        ...     def encode(self, message: object, /) -> str:
        ...         return f"{message};"
        ...
        ...     def decode(self, frame: str | bytes, /) -> list[str]:
        ...         return str(frame).split(";")
        >>> codec: Codec[list[str]] = Lines()
    """

    def encode(self, message: object, /) -> Frame:
        """The frame that carries `message`.

        Raises:
            TypeError: when this codec cannot send such a message.
        """
        ...

    def decode(self, frame: Frame, /) -> M_co:
        """The message in `frame`.

        Raises:
            UndecodableFrame: when there is none that this codec understands.
        """
        ...


Codec.__module__ = "wstest_core"


def undecodable(frame: Frame, why: str, remedy: str) -> UndecodableFrame:
    """The error that says what the frame was, why it failed, what to do."""
    text = f"undecodable frame: {why}\n\n   {on_the_wire(frame)}\n\n{remedy}"
    return UndecodableFrame(text, frame=frame)


def on_the_wire(frame: Frame) -> str:
    """A frame on one line of at most 72 columns."""
    # Cut first: a frame may have megabytes.
    beginning = frame[: COLUMNS + 1]
    if isinstance(beginning, bytes):
        shown = repr(beginning)
    elif beginning.isprintable():
        shown = beginning or "(an empty text frame)"
    else:
        shown = repr(beginning)
    return shown if len(shown) <= COLUMNS else shown[: COLUMNS - 1] + "…"


def kind_of(value: object) -> str:
    """What a value is, for a sentence that says it is the wrong one."""
    if isinstance(value, type):
        return f"the class {value.__qualname__}"
    return "None" if value is None else f"a {type(value).__qualname__}"
