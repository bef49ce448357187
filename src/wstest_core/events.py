"""What can happen on a connection, as values.

A frame is its payload: a text frame is a `str`, a binary frame a `bytes`.
Everything else that a driver reports is one of the frozen classes here.
"""

from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

__all__ = [
    "ABNORMAL_CLOSURE",
    "FRAME",
    "Accept",
    "Close",
    "Crash",
    "Frame",
    "Headers",
    "Reject",
    "Return",
    "Silence",
    "Terminal",
]

Frame: TypeAlias = str | bytes
Headers: TypeAlias = tuple[tuple[bytes, bytes], ...]

# For isinstance(), which takes a tuple faster than a union.
FRAME: Final = (str, bytes)

# RFC 6455 section 7.1.5: what a peer reports when no close frame reached it.
# A browser sees it for a refused handshake, a crash and a return without close.
ABNORMAL_CLOSURE = 1006


@dataclass(frozen=True, slots=True)
class Accept:
    """The application accepted the connection."""

    subprotocol: str | None = None
    headers: Headers = ()


@dataclass(frozen=True, slots=True)
class Close:
    """The application closed an accepted connection."""

    code: int = 1000
    reason: str = ""

    def __str__(self) -> str:
        reason = f" {self.reason!r}" if self.reason else ""
        return f"closed by the application, code {self.code}{reason}"


@dataclass(frozen=True, slots=True)
class Reject:
    """The application refused the connection.

    `code` is the close code it gave, or None for a denial response and for
    an application that ended without an answer; it never reaches a client.
    `status`, `headers` and `body` are the HTTP response a server sends.
    """

    code: int | None = None
    status: int = 403
    headers: Headers = ()
    body: bytes = b""
    reason: str = ""

    def __str__(self) -> str:
        code = "" if self.code is None else f", close code {self.code}"
        reason = f", reason {self.reason!r}" if self.reason else ""
        return f"refused by the application: HTTP {self.status}{code}{reason}"


@dataclass(frozen=True, slots=True)
class Crash:
    """The application raised."""

    error: BaseException = field(compare=False)
    accepted: bool = True

    def __str__(self) -> str:
        return f"the application raised {self.error!r}"


@dataclass(frozen=True, slots=True)
class Return:
    """The application returned without closing the connection.

    `asked` tells whether the client had said goodbye before. A client on a
    network cannot tell a return from a crash or a lost line: it only knows
    that there was no close frame, and `seen` is False.
    """

    asked: bool = False
    seen: bool = field(default=True, compare=False)

    def __str__(self) -> str:
        if self.seen:
            return "the application returned"
        return "the connection ended, without a close frame"


Terminal: TypeAlias = Close | Reject | Crash | Return


@dataclass(frozen=True, slots=True)
class Silence:
    """Nothing arrived, and how that is known.

    `proved`: the event loop shows that nothing can arrive before the
    deadline. `presumed`: only data nobody asked for could. `expired`: the
    deadline passed; `why` says what stood in the way of a proof.
    """

    kind: Literal["proved", "presumed", "expired"]
    why: str = ""
