"""Logs users in, as the headers of a connection."""

from http.cookies import SimpleCookie
from typing import Any, TypeAlias

from asgiref.sync import sync_to_async
from django.core.exceptions import SynchronousOnlyOperation
from django.test import AsyncClient, Client

from wstest_core.credentials import HeaderList

__all__ = [
    "force_login",
    "get_headers_for_user",
    "session_headers",
    "session_headers_for",
]

User: TypeAlias = Any  # of the project's own class


def session_headers(client: Client | AsyncClient) -> HeaderList:
    """Return the cookies of a Django test client, as the header of a socket."""
    kept = [f"{each.key}={each.coded_value}" for each in client.cookies.values()]
    return [(b"cookie", "; ".join(kept).encode())] if kept else []


def session_headers_for(user: User, backend: str | None = None) -> HeaderList:
    """Log a user in with a new session, and return its cookie as a header.

    As `Client.force_login`: no password is asked for, and any session engine
    will do. `backend` is the path of the authentication backend. It is for plain
    code; a coroutine awaits `get_headers_for_user`.

    Raises:
        SynchronousOnlyOperation: Django's, in a coroutine.
    """
    return session_headers(_logged_in(user, backend))


async def get_headers_for_user(user: User, backend: str | None = None) -> HeaderList:
    """The same from a coroutine; django-rest-live's name for it."""
    return await sync_to_async(session_headers_for)(user, backend)


async def force_login(user: User, backend: str | None = None) -> SimpleCookie:
    """Log a user in with a new session, and return its cookies."""
    client = await sync_to_async(_logged_in)(user, backend)
    return client.cookies


def _logged_in(user: User, backend: str | None) -> Client:
    client = Client()
    try:
        client.force_login(user, backend)
    except SynchronousOnlyOperation as error:
        raise SynchronousOnlyOperation(
            "session_headers_for() is for plain code: in a coroutine, await "
            "get_headers_for_user()"
        ) from error
    return client
