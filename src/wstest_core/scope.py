"""Builds the scope that a server would give, and checks what it is built from."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, TypeAlias, cast
from urllib.parse import quote, unquote, urlsplit

__all__ = ["HeadersInput", "Scope", "build_scope", "normalise_headers"]

# ASGI gives the scope no closer type: servers and middleware add what they like.
Scope: TypeAlias = dict[str, Any]
_Pair: TypeAlias = tuple[bytes | str, bytes | str]
HeadersInput: TypeAlias = Mapping[str, str] | Iterable[_Pair]

_SPEC_VERSION = "2.4"
_SERVER = ("testserver", 80)
_CLIENT = ("127.0.0.1", 50000)
# What every client sends in its handshake (RFC 6455 section 4.1). The key is
# the example of section 1.3; in-process nobody checks it.
_HANDSHAKE = (
    (b"upgrade", b"websocket"),
    (b"connection", b"Upgrade"),
    (b"sec-websocket-version", b"13"),
    (b"sec-websocket-key", b"dGhlIHNhbXBsZSBub25jZQ=="),
)


def build_scope(
    path: object,
    headers: HeadersInput | None = None,
    subprotocols: Iterable[str] | None = None,
    spec_version: str | float | None = None,
    *,
    client: tuple[str, int] | None = None,
    state: Mapping[str, Any] | None = None,
    extensions: Mapping[str, Any] | None = None,
) -> Scope:
    """Return a websocket scope (ASGI HTTP and WebSocket spec, section Websocket).

    `path` is a path with an optional query, or a whole `ws://` URL. Header
    names are lower-cased, and what a client's handshake always has is added.

    Raises:
        TypeError, ValueError: for what no client could have sent.
    """
    if not isinstance(path, str):
        raise TypeError(f"Expected str, got {type(path)} as the path of a connection")
    scheme, server, decoded, raw_path, query = _split(path)
    given = normalise_headers(headers) if headers else []
    protocols = _check_subprotocols(subprotocols) or _offered(given)
    version = _SPEC_VERSION if spec_version is None else str(spec_version)
    scope: Scope = {
        "type": "websocket",
        "asgi": {"version": "3.0", "spec_version": version},
        "http_version": "1.1",
        "scheme": scheme,
        "server": server,
        "client": _CLIENT if client is None else client,
        "root_path": "",
        "path": decoded,
        "raw_path": raw_path,
        "query_string": query,
        "headers": _complete(given, server, protocols),
        "subprotocols": protocols,
        "state": {} if state is None else dict(state),
        "extensions": _extensions(extensions or {}),
    }
    if spec_version is not None:
        scope["spec_version"] = spec_version  # where Channels puts it
    return scope


def normalise_headers(headers: HeadersInput | None) -> list[tuple[bytes, bytes]]:
    """Return headers as ASGI wants them: lower-cased names, bytes throughout.

    Raises:
        TypeError: for a header that is not a pair of `bytes` or `str`.
    """
    if not headers:
        return []
    _refuse_one(headers)
    if isinstance(headers, Mapping):
        headers = cast("Mapping[str, str]", headers).items()
    return [_normalise(pair) for pair in headers]


def _refuse_one(headers: object) -> None:
    if isinstance(headers, str | bytes):
        raise TypeError(
            f"headers={headers!r} is one {type(headers).__name__}: "
            f"give a dict, {{'authorization': {headers!r}}}, or pairs"
        )


def _extensions(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the extensions of a server; None takes one away."""
    merged: dict[str, Any] = {"websocket.http.response": {}, **given}
    return {name: offer for name, offer in merged.items() if offer is not None}


def _normalise(pair: object) -> tuple[bytes, bytes]:
    match pair:
        case (bytes() as name, bytes() as value):
            return name.lower(), value
        case (str() | bytes() as name, str() | bytes() as value):
            return _latin(name).lower(), _latin(value)
        case _:
            raise TypeError(
                f"{pair!r} is not a header: give pairs of bytes, "
                "such as (b'origin', b'http://testserver'), or of str"
            )


def _latin(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode("latin-1")


@lru_cache(maxsize=256)
def _split(path: str) -> tuple[str, tuple[str, int], str, bytes, bytes]:
    """Return scheme, server, decoded path, raw path and query string."""
    if path.startswith("/") and not path.startswith("//"):
        scheme, server, rest = "ws", _SERVER, path
    else:
        scheme, server, rest = _split_url(path)
    target, _, fragment = rest.partition("#")
    if fragment:  # RFC 6455 section 3
        raise ValueError(f"{path!r} has a fragment, which a WebSocket URL must not")
    raw_path, _, query = target.partition("?")
    quoted, query = quote(raw_path, _UNQUOTED), quote(query, _UNQUOTED)
    return scheme, server, unquote(quoted), quoted.encode(), query.encode()


def _split_url(path: str) -> tuple[str, tuple[str, int], str]:
    url = urlsplit(path)
    if url.scheme not in ("ws", "wss") or not url.hostname:
        raise ValueError(
            f"{path!r} is no path of a WebSocket: start it with '/', as in "
            f"'/{path.split('://')[-1].lstrip('/')}', or give a ws:// or wss:// URL"
        )
    default = 443 if url.scheme == "wss" else 80
    server = (url.hostname, url.port or default)
    return url.scheme, server, path.split(url.netloc, 1)[1] or "/"


def _check_subprotocols(subprotocols: Iterable[str] | None) -> list[str]:
    if subprotocols is None:
        return []
    if isinstance(subprotocols, str | bytes):
        raise TypeError(
            f"subprotocols={subprotocols!r} is one str: give a list, "
            f"subprotocols=[{subprotocols!r}]"
        )
    return list(subprotocols)


def _offered(headers: list[tuple[bytes, bytes]]) -> list[str]:
    """Read the subprotocols that were given as a header, as a server does."""
    return [
        name.strip()
        for header, value in headers
        if header == b"sec-websocket-protocol"
        for name in value.decode("latin-1").split(",")
    ]


def _complete(
    given: list[tuple[bytes, bytes]], server: tuple[str, int], protocols: list[str]
) -> list[tuple[bytes, bytes]]:
    wanted = list(_of_every_client(server))
    if protocols:
        offer = ", ".join(protocols).encode("latin-1")
        wanted.append((b"sec-websocket-protocol", offer))
    if not given:
        return wanted
    names = {name for name, _ in given}
    return [header for header in wanted if header[0] not in names] + given


@lru_cache(maxsize=16)
def _of_every_client(server: tuple[str, int]) -> tuple[tuple[bytes, bytes], ...]:
    host, port = server
    shown = host if port in (80, 443) else f"{host}:{port}"
    return ((b"host", shown.encode("latin-1")), *_HANDSHAKE)


# Everything that may stand unquoted in a path or query, "%" of what is quoted
# already included (RFC 3986 sections 2.2 and 2.3).
_UNQUOTED = "/%:?@!$&'()*+,;=~[]"
