"""What a test may say of a socket, and what is made of it."""

from collections.abc import Iterable, Mapping
from inspect import isawaitable
from typing import Any, TypeAlias

from wstest_core import communicator
from wstest_core.codecs import CamelCaseCodec, JsonCodec, ModelCodec
from wstest_core.drivers import AsgiApplication, Driver
from wstest_core.scope import HeadersInput
from wstest_django._visit import Browser
from wstest_django.communicator import (
    driver_of,
    is_url,
    refuse_test_client,
    with_origin,
)
from wstest_django.configuration import camel_case
from wstest_django.logins import session_headers

__all__ = [
    "Application",
    "Handshake",
    "User",
    "completed",
    "path_of_fixture",
    "refuse_unknown",
    "require_path",
]

Application: TypeAlias = AsgiApplication | str | Driver
User: TypeAlias = Any  # of the project's own class, or anonymous
# What a communicator takes; a codec's messages are the user's.
_Arguments: TypeAlias = dict[str, Any]


class Handshake(communicator.Options, total=False):
    """What a test may say of a socket beside its application and path."""

    headers: HeadersInput | None
    subprotocols: Iterable[str] | None
    user: User | None
    test_client: Browser | None
    messages: object
    codec: object


def refuse_unknown(handshake: Mapping[str, object], *, who: str, path: str) -> None:
    """Raise TypeError for an argument that there is not.

    `who` takes the others, and `path` says how its path is given.
    """
    known = Handshake.__annotations__
    if unknown := handshake.keys() - known.keys():
        raise TypeError(
            f"{who} takes no {', '.join(sorted(unknown))}: its path {path}, and "
            f"beside it there are {', '.join(known)}"
        )


def require_path(path: object) -> None:
    """Raise TypeError for what is no text: perhaps it is the application."""
    if not isinstance(path, str):
        raise TypeError(
            f'ws_path={path!r} is no path, as in "/ws/chat/": an application is '
            "given as router="
        )


def path_of_fixture(name: str, path: str | None, others: Mapping[str, object]) -> str:
    """Return the path that the function of a fixture was given.

    Raises:
        TypeError: if there is none, or for an argument that there is not.
    """
    if path is None:
        raise TypeError(f'{name}() takes its path first: {name}("/ws/chat/")')
    refuse_unknown(others, who=f"{name}()", path="comes first")
    return path


def completed(
    application: Application, path: str, handshake: Handshake
) -> tuple[Application, _Arguments, User | None]:
    """Return what a communicator is made of, and whose it is.

    Raises:
        TypeError: for what is no user, or no test client.
        ValueError: for a user, where the application is a server.
    """
    options: _Arguments = dict(handshake)
    user, test_client = options.pop("user", None), options.pop("test_client", None)
    refuse_test_client(options.get("client"), instead="test_client=")
    _require_user(user)
    _require_test_client(test_client)
    options["headers"] = with_origin(options.get("headers"), application, path)
    if is_url(application):
        options["headers"] += session_headers(test_client) if test_client else []
        if user is not None:
            raise ValueError(
                "user= is put into the scope of an application in this process; a "
                "server knows a user by a session: headers=session_headers_for(user)"
            )
    if camel_case() and not (options.get("messages") or options.get("codec")):
        options["codec"] = _camel_case(options.get("consumer"))
    return driver_of(application, test_client), options, user


def _require_user(user: User) -> None:
    """Refuse what authentication leaves nowhere; a stand-in of any class is let in."""
    # What a lazy user is must not be asked: it would be looked up.
    is_class = issubclass(type(user), type)
    if user is None or (hasattr(user, "__dict__") and not is_class):
        return
    if is_class or not hasattr(user, "is_authenticated"):
        advice = "give one of the project's model, as create_user() returns it"
        if isawaitable(user):
            advice = "await it"
        raise TypeError(f"user={user!r} is no user: {advice}")


def _require_test_client(test_client: object) -> None:
    if test_client is not None and not hasattr(test_client, "cookies"):
        raise TypeError(
            f"test_client={test_client!r} is no test client of Django's: give "
            "self.client, or the fixture client or async_client"
        )


def _camel_case(consumer: object) -> CamelCaseCodec[Any] | ModelCodec[Any]:
    if not hasattr(consumer, "outgoing_message_adapter"):
        return CamelCaseCodec(JsonCodec())
    own: ModelCodec[Any] = ModelCodec(consumer)
    decided = own.camel_case or getattr(consumer, "camelize", None) is not None
    return own if decided else CamelCaseCodec(own)
