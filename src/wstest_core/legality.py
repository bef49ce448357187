"""What an application may send, and when.

The rules are those of the ASGI specification for WebSocket and of the
extension "websocket.http.response" (denial response).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum
from typing import Any, TypeAlias, TypeGuard, cast

from wstest_core.events import (
    ABNORMAL_CLOSURE,
    Accept,
    Close,
    Frame,
    Reject,
)

__all__ = [
    "Event",
    "State",
    "accept_of",
    "close_of",
    "denial_of",
    "frame_of",
    "name_of",
    "plain_frame",
    "raw_event",
    "require_goodbye",
    "require_unicode",
    "violation",
]

# ASGI events are mappings of str to whatever the event's type says.
Event: TypeAlias = Mapping[str, Any]


class State(Enum):
    """Where a connection stands, seen from the application's side."""

    CONNECTING = "before accept"
    OPEN = "after accept"
    DENYING = "within a denial response"
    CLOSED = "after close"


def violation(event: Event, state: State, *, denial: bool = True) -> str | None:
    """Say which rule of ASGI an event breaks; None if it breaks none.

    `denial` tells whether the scope offers "websocket.http.response".
    """
    kind = _kind_of(event)
    if kind in _LEGAL[state] and (denial or kind != _DENIAL):
        if kind == "websocket.close" and state is State.CONNECTING:
            return None  # servers answer HTTP 403, and look at nothing else in it
        return _FIELDS[kind](event)
    return _broken_rule(event, state)


def accept_of(event: Event) -> Accept:
    """Read a legal websocket.accept."""
    if len(event) == 1:
        return _PLAIN_ACCEPT
    headers = tuple((bytes(n), bytes(v)) for n, v in event.get("headers") or ())
    return Accept(event.get("subprotocol"), headers)


def close_of(event: Event) -> Close:
    """Read a legal websocket.close."""
    code, reason = event.get("code"), event.get("reason")
    return Close(
        code if isinstance(code, int) else 1000,
        reason if isinstance(reason, str) else "",
    )


def denial_of(event: Event) -> Reject:
    """Read a legal websocket.http.response.start."""
    headers = tuple((bytes(n), bytes(v)) for n, v in event.get("headers") or ())
    return Reject(None, event["status"], headers)


def frame_of(event: Event) -> Frame:
    """Read a legal websocket.send."""
    text = event.get("text")
    frame: Frame = event["bytes"] if text is None else text
    return frame


def plain_frame(event: Event) -> Frame | None:
    """Read an ordinary websocket.send, and None from anything that is not one.

    This is asked for every frame, so it does not say what is wrong.
    """
    try:
        if event["type"] != "websocket.send":
            return None
    except (KeyError, TypeError):
        return None
    text: object = event.get("text")
    binary: object = event.get("bytes")
    if binary is None:
        return text if isinstance(text, str) else None
    return binary if text is None and isinstance(binary, bytes) else None


def name_of(event: object) -> str:
    """Name an event in a sentence, whatever it is."""
    return repr(event.get("type") if _is_mapping(event) else event)


def raw_event(what: Frame | Accept | Close | Reject) -> Event:
    """Return the ASGI event that said this."""
    match what:
        case str():
            return {"type": "websocket.send", "text": what}
        case bytes():
            return {"type": "websocket.send", "bytes": what}
        case Accept(subprotocol, headers):
            accept = {"type": "websocket.accept", "subprotocol": subprotocol}
            return {**accept, "headers": list(headers)} if headers else accept
        case Reject(None, status, headers, body):
            response = {"status": status, "headers": list(headers), "body": body}
            return {"type": "websocket.http.response.start", **response}
        case Close(code, reason) | Reject(code=code, reason=reason):
            close = {"type": "websocket.close", "code": code}
            return {**close, "reason": reason} if reason else close


def require_unicode(text: str) -> None:
    """Refuse what no text frame can hold (RFC 6455 section 5.6).

    Raises:
        ValueError: for a lone surrogate.
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        why = f"{error}: a text frame holds Unicode; a browser sends U+FFFD there"
        raise ValueError(why) from None


def require_goodbye(code: object, reason: str) -> None:
    """Refuse a code and a reason with which no client's connection ends.

    Raises:
        TypeError, ValueError: saying which there are.
    """
    if not isinstance(code, int):
        raise TypeError(f"code={code!r}: a close code is a whole number")
    if not may_be_sent(code) and code not in (_NO_STATUS, ABNORMAL_CLOSURE):
        raise ValueError(
            f"code={code}: a client closes with 1000 to 1003, 1007 to 1014 or 3000 to "
            "4999; 1005 is no code at all, and 1006 a connection that is lost "
            "(RFC 6455 section 7.4)"
        )
    if (size := len(reason.encode())) > _LONGEST_REASON:
        raise ValueError(
            f"the reason has {size} bytes: a close frame holds {_LONGEST_REASON} at "
            "most (RFC 6455 section 5.5)"
        )


def _kind_of(event: Event) -> str:
    try:
        kind: str = event["type"]
    except (KeyError, TypeError):  # it may be anything, whatever its type says
        return ""
    return kind


def _broken_rule(event: object, state: State) -> str | None:
    if not _is_mapping(event):
        return f"an event is a dict, not {type(event).__name__}"
    kind = event.get("type")
    if not isinstance(kind, str):
        return "an event has a 'type', which is a str"
    if kind not in _FIELDS:
        known = ", ".join(sorted(_FIELDS))
        return f"there is no such event; an application may send {known}"
    if kind not in _LEGAL[state]:
        allowed = " or ".join(_LEGAL[state]) or "nothing"
        return f"{state.value} only {allowed} may be sent"
    if kind == _DENIAL:
        return f"the server does not offer the extension {_EXTENSION!r}"
    return _FIELDS[kind](event)


def _is_mapping(event: object) -> TypeGuard[Event]:
    return isinstance(event, Mapping)


def _check_accept(event: Event) -> str | None:
    subprotocol = event.get("subprotocol")
    if not (subprotocol is None or isinstance(subprotocol, str)):
        return f"'subprotocol' is a str or None, not {subprotocol!r}"
    return _check_headers(event)


def _check_send(event: Event) -> str | None:
    text, binary = event.get("text"), event.get("bytes")
    if (text is None) == (binary is None):
        both = "neither" if text is None else "both"
        return f"exactly one of 'text' and 'bytes' is given, not {both}"
    if binary is not None and not isinstance(binary, bytes):
        return f"'bytes' is bytes, not {type(binary).__name__}"
    if text is not None and not isinstance(text, str):
        return f"'text' is a str, not {type(text).__name__}"
    return None


def _check_close(event: Event) -> str | None:
    code, reason = event.get("code"), event.get("reason")
    if not (code is None or may_be_sent(code)):
        # RFC 6455 section 7.4: 1004 to 1006 and 1015 never travel.
        return f"'code' is 1000 to 1003, 1007 to 1014 or 3000 to 4999, not {code!r}"
    if not (reason is None or isinstance(reason, str)):
        return f"'reason' is a str, not {reason!r}"
    if reason is not None and len(reason.encode()) > _LONGEST_REASON:
        return f"'reason' has at most {_LONGEST_REASON} bytes in UTF-8"
    return None


def may_be_sent(code: object) -> bool:
    """Whether a close frame can carry this code (RFC 6455 section 7.4)."""
    if not isinstance(code, int) or isinstance(code, bool):
        return False
    return 1000 <= code <= 1003 or 1007 <= code <= 1014 or 3000 <= code <= 4999


def _check_response_start(event: Event) -> str | None:
    status = event.get("status")
    if not (isinstance(status, int) and 100 <= status < 600):
        return f"'status' is an HTTP status code, not {status!r}"
    return _check_headers(event)


def _check_response_body(event: Event) -> str | None:
    body = event.get("body", b"")
    return None if isinstance(body, bytes) else f"'body' is bytes, not {body!r}"


def _check_headers(event: Event) -> str | None:
    headers = event.get("headers")
    if not headers:
        return None
    if not isinstance(headers, Iterable):
        return f"'headers' is a list of pairs of bytes, not {headers!r}"
    for header in cast("Iterable[object]", headers):
        if not _is_header(header):
            return f"a header is a pair of bytes, not {header!r}"
    return None


def _is_header(header: object) -> bool:
    if not isinstance(header, tuple | list):
        return False
    parts = cast("Sequence[object]", header)
    return len(parts) == 2 and all(isinstance(part, bytes) for part in parts)


_PLAIN_ACCEPT = Accept()
_NO_STATUS = 1005  # what is seen of a close frame without a code
_EXTENSION = "websocket.http.response"
_DENIAL = "websocket.http.response.start"
_LONGEST_REASON = 123  # RFC 6455 section 5.5: 125 bytes less two for the code
_LEGAL: dict[State, tuple[str, ...]] = {
    State.CONNECTING: (
        "websocket.accept",
        "websocket.close",
        "websocket.http.response.start",
    ),
    State.OPEN: ("websocket.send", "websocket.close"),
    State.DENYING: ("websocket.http.response.body",),
    State.CLOSED: (),
}
_FIELDS: dict[str, Callable[[Event], str | None]] = {
    "websocket.accept": _check_accept,
    "websocket.close": _check_close,
    "websocket.send": _check_send,
    "websocket.http.response.start": _check_response_start,
    "websocket.http.response.body": _check_response_body,
}
