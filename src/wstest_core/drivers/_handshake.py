"""The opening handshake on a network, by the `websockets` library.

The only module that imports it; loaded when a network driver connects.
"""

import math
from collections.abc import Iterable
from typing import Any, TypeAlias

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.http11 import Response

from wstest_core.events import Accept, Headers, Reject
from wstest_core.scope import Scope

__all__ = [
    "ClientConnection",
    "ConnectionClosed",
    "HandshakeFailed",
    "accept_of",
    "handshake_headers",
    "shake_hands",
]

# Keywords that `websockets` passes on to the event loop have no closer type.
_Options: TypeAlias = dict[str, Any]

# What a client library writes itself, and what a server answers it with.
_HANDSHAKE = (b"connection", b"host", b"upgrade")
_OWN = b"sec-websocket-"


class HandshakeFailed(Exception):
    """What answered does not speak WebSocket, or not as we asked it to."""


class _Connect(connect):
    """A browser follows no redirect here, so neither do we."""

    def process_redirect(self, exc: Exception) -> Exception:
        return exc


async def shake_hands(
    uri: str, scope: Scope, *, timeout: float, **options: object
) -> ClientConnection | Reject:
    """Connect; return what the server refused with, if it did.

    Raises:
        TimeoutError: if there is no answer in time.
        HandshakeFailed: for an answer that is none.
        OSError: if nobody can be reached.
    """
    patience = None if timeout == math.inf else timeout
    wanted: _Options = {
        "additional_headers": handshake_headers(scope),
        "subprotocols": scope["subprotocols"] or None,
        "open_timeout": patience,
        "close_timeout": patience,  # when it is the library that gives up
        "proxy": None,  # a test depends on no setting of the machine
        "max_size": None,  # in-process there is no limit either
        **options,
    }
    connecting = _Connect(uri, **wanted)
    try:
        return await connecting
    except InvalidStatus as refusal:
        return _reject_of(refusal.response)
    except InvalidHandshake as error:
        raise HandshakeFailed(f"the handshake failed: {error}") from error


def accept_of(connection: ClientConnection) -> Accept:
    """Read what the server accepted with, less what every handshake has."""
    response = connection.response
    headers = () if response is None else _headers(response.headers.raw_items())
    own = tuple(header for header in headers if not _is_handshake(header[0]))
    return Accept(connection.subprotocol, own)


def _reject_of(response: Response) -> Reject:
    headers = _headers(response.headers.raw_items())
    return Reject(None, response.status_code, headers, bytes(response.body or b""))


def handshake_headers(scope: Scope) -> list[tuple[str, str]]:
    """Return the headers of a scope that a client adds to its handshake.

    Raises:
        ValueError: for bytes that `websockets` cannot send.
    """
    headers: Headers = tuple(scope["headers"])
    return [
        (name.decode("ascii"), _text(name, value))
        for name, value in headers
        if not _is_handshake(name)
    ]


def _is_handshake(name: bytes) -> bool:
    return name in _HANDSHAKE or name.startswith(_OWN)


def _text(name: bytes, value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise ValueError(
            f"the header {name!r} has the value {value!r}, which is not UTF-8: "
            "over a network only UTF-8 can be sent in a header"
        ) from None


def _headers(pairs: Iterable[tuple[str, str]]) -> Headers:
    return tuple((_raw(name).lower(), _raw(value)) for name, value in pairs)


def _raw(text: str) -> bytes:
    # `websockets` keeps bytes that are not ASCII as surrogates.
    return text.encode("utf-8", "surrogateescape")
