"""Credentials, in the ways that a client can bring them to a WebSocket.

A browser can send cookies, a query and subprotocols, but no header of its
own: the first two helpers are for other clients.
"""

from base64 import b64encode
from typing import TypeAlias
from urllib.parse import quote, urlencode

__all__ = [
    "HeaderList",
    "basic_headers",
    "bearer_headers",
    "cookie_headers",
    "with_query_token",
]

HeaderList: TypeAlias = list[tuple[bytes, bytes]]

# What may stand in the value of a cookie as it is (RFC 6265 section 4.1.1).
_COOKIE_SAFE = "!#$&'()*+-./:<=>?@[]^_`{|}~"


def bearer_headers(token: str) -> HeaderList:
    """Return the header of a bearer token (RFC 6750 section 2.1).

    >>> bearer_headers("t0ken")
    [(b'authorization', b'Bearer t0ken')]
    """
    return [(b"authorization", f"Bearer {token}".encode("latin-1"))]


def basic_headers(user: str, password: str) -> HeaderList:
    """Return the header of a user and a password (RFC 7617), in UTF-8.

    Raises:
        ValueError: for a colon in the user's name, which the RFC forbids.

    >>> basic_headers("Aladdin", "open sesame")
    [(b'authorization', b'Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==')]
    """
    if ":" in user:
        raise ValueError(f"{user!r}: a user's name has no colon in basic credentials")
    return [(b"authorization", b"Basic " + b64encode(f"{user}:{password}".encode()))]


def cookie_headers(**cookies: str) -> HeaderList:
    """Return one header with all the cookies; values are quoted if need be.

    >>> cookie_headers(session="abc", theme="dark blue")
    [(b'cookie', b'session=abc; theme=dark%20blue')]
    """
    pairs = [f"{name}={quote(value, _COOKIE_SAFE)}" for name, value in cookies.items()]
    return [(b"cookie", "; ".join(pairs).encode("ascii"))] if pairs else []


def with_query_token(path: str, token: str, *, name: str = "token") -> str:
    """Return the path with a token in its query, after what stands there.

    >>> with_query_token("/ws?room=1", "a b")
    '/ws?room=1&token=a+b'
    """
    return f"{path}{'&' if '?' in path else '?'}{urlencode({name: token})}"
