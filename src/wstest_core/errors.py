"""What this library raises about the application under test.

All of it is `AssertionError`, so a test runner reports a failed test and not
an error in the test. Misuse of the library is `TypeError`, `ValueError` or
`RuntimeError`. Each failure has a note (PEP 678) with the address of its
section in the documentation, which runners show below its text.
"""

import warnings
from collections.abc import Sequence
from typing import TypeVar, final

from wstest_core._version import DOCUMENTATION
from wstest_core.events import ABNORMAL_CLOSURE, Headers

__all__ = [
    "ApplicationCrashed",
    "ConnectionClosed",
    "ConnectionRejected",
    "IllegalAsgiEvent",
    "LingeringApplicationWarning",
    "NoMessage",
    "UndecodableFrame",
    "UnexpectedMessage",
    "UnofferedSubprotocolWarning",
    "UnreadMessages",
    "UnreadMessagesWarning",
    "WebSocketTestError",
    "address",
    "hidden",
    "warn",
]

E = TypeVar("E", bound=BaseException)


def address(kind: type[BaseException]) -> str:
    """Return where the documentation tells of this failure or warning."""
    return f"{DOCUMENTATION}errors.html#{kind.__name__.lower()}"


def warn(text: str, kind: type[Warning], *, stacklevel: int = 1) -> None:
    """Warn with a text that ends with the address of its section.

    `stacklevel` is that of `warnings.warn`, counted from the caller.
    """
    warnings.warn(f"{text}\n{address(kind)}", kind, stacklevel=stacklevel + 1)


def hidden(shown: object) -> bool:
    """Whether pytest shows a failure that explains itself.

    As a module's `__tracebackhide__` it ends the traceback where the test
    called the library.
    """
    kind: object = getattr(shown, "type", None)
    return isinstance(kind, type) and issubclass(kind, WebSocketTestError)


class WebSocketTestError(AssertionError):
    """The application did not do what the test wanted.

    `messages` holds what a collection had received before it failed. A note
    tells where this documentation explains it; a class of your own has that of
    the class it is derived from.
    """

    __module__ = "wstest_core"

    def __init__(self, text: str, *, messages: Sequence[object] = ()) -> None:
        super().__init__(text)
        self.messages: list[object] = list(messages)
        home = WebSocketTestError.__module__
        own = (kind for kind in type(self).__mro__ if kind.__module__ == home)
        self.add_note(address(next(own)))

    def __reduce__(self) -> tuple[object, ...]:
        # Not by way of `__init__`, which has arguments that `args` does not hold.
        return _again, (type(self), self.args), vars(self)


class NoMessage(WebSocketTestError, TimeoutError):
    """What was waited for did not come, and cannot or may not come any more.

    It is a `TimeoutError` too, which is what Channels' communicators raise.
    """

    __module__ = "wstest_core"


@final
class ConnectionClosed(NoMessage):
    """The connection is closed, so nothing more can be sent or received.

    `code` and `reason` are the browser's view (RFC 6455 section 7.1.5).
    """

    __module__ = "wstest_core"

    def __init__(
        self,
        text: str,
        *,
        code: int = ABNORMAL_CLOSURE,
        reason: str = "",
        messages: Sequence[object] = (),
    ) -> None:
        super().__init__(text, messages=messages)
        self.code = code
        self.reason = reason


@final
class UnexpectedMessage(WebSocketTestError):
    """Something arrived that the test did not want, or not like this."""

    __module__ = "wstest_core"


@final
class UnreadMessages(WebSocketTestError):
    """The test ended without reading what the application sent."""

    __module__ = "wstest_core"


@final
class ConnectionRejected(WebSocketTestError):
    """The application refused the connection.

    `code` is the close code the application gave (None without one);
    `status`, `headers` and `body` are the HTTP response a server makes of
    it. A browser sees neither: its close event says `browser_code`, 1006.
    """

    __module__ = "wstest_core"

    def __init__(
        self,
        text: str,
        *,
        code: int | None = None,
        status: int = 403,
        headers: Headers = (),
        body: bytes = b"",
    ) -> None:
        super().__init__(text)
        self.code = code
        self.status = status
        self.headers = headers
        self.body = body
        self.browser_code = ABNORMAL_CLOSURE


@final
class ApplicationCrashed(WebSocketTestError):
    """The application raised. What it raised is `error` and `__cause__`."""

    __module__ = "wstest_core"

    def __init__(
        self, text: str, *, error: BaseException, messages: Sequence[object] = ()
    ) -> None:
        super().__init__(text, messages=messages)
        self.error = error


@final
class UndecodableFrame(WebSocketTestError):
    """A frame is not what the codec understands. It is kept in `frame`."""

    __module__ = "wstest_core"

    def __init__(
        self, text: str, *, frame: str | bytes, messages: Sequence[object] = ()
    ) -> None:
        super().__init__(text, messages=messages)
        self.frame = frame


@final
class IllegalAsgiEvent(WebSocketTestError, RuntimeError):
    """The application sent an event that ASGI does not allow there.

    Raised inside the application, at the `send` that did it, as a server
    does; a `RuntimeError` too, because that is what servers raise.
    """

    __module__ = "wstest_core"


class UnreadMessagesWarning(UserWarning):
    """The test ended without reading what the application sent."""

    __module__ = "wstest_core"


class LingeringApplicationWarning(UserWarning):
    """The application saw the disconnect and did not end."""

    __module__ = "wstest_core"


class UnofferedSubprotocolWarning(UserWarning):
    """The application chose a subprotocol that the client has not offered."""

    __module__ = "wstest_core"


def _again(kind: type[E], args: tuple[object, ...]) -> E:
    """Make an error that is pickled or copied; its attributes come after it."""
    # `kind.__new__` is that of `AssertionError`, which makes no `OSError`.
    native = OSError if issubclass(kind, OSError) else Exception
    error = native.__new__(kind)
    error.args = args
    return error
