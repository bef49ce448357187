"""Fixtures for Django projects, beside those of pytest-django.

They are plain functions, so they work under any plugin that runs coroutines.
"""

from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

from wstest_core import settings
from wstest_core.pytest_plugin import open_around

if TYPE_CHECKING:
    from wstest_core.drivers import AsgiApplication
    from wstest_core.scope import HeadersInput
    from wstest_django._handshake import Application
    from wstest_django._sockets import Connect, ConnectSync, Sockets
    from wstest_django.communicator import (
        SyncWebsocketCommunicator,
        WebsocketCommunicator,
    )
    from wstest_django.layers import FreshLayer
    from wstest_django.live import LiveServer

__all__ = [
    "django_capture_on_commit_callbacks",
    "ws_app",
    "ws_connect",
    "ws_connect_sync",
    "ws_database",
    "ws_layers",
    "ws_live_server",
]

_Capture: TypeAlias = Callable[..., AbstractContextManager[list[Callable[[], Any]]]]
# pytest-django's, which begin the test's transaction.
_DATABASE = (
    *("db", "transactional_db"),
    *("django_db_reset_sequences", "django_db_serialized_rollback"),
)


@pytest.fixture
def ws_app() -> "Application":
    """The application under test; override it to test another.

    It is what the setting `ASGI_APPLICATION` names.
    """
    from wstest_django.applications import websocket_application

    return websocket_application()


@pytest.fixture
def ws_database(request: pytest.FixtureRequest) -> Generator[None]:
    """One database for the test and for all threads of the application.

    Access to it is asked for as ever: `@pytest.mark.django_db`, or `db`.
    """
    from wstest_django.database import one_database

    for name in _DATABASE:
        if name in request.fixturenames:
            request.getfixturevalue(name)
    with one_database():
        yield


@pytest.fixture
def django_capture_on_commit_callbacks() -> _Capture:
    """pytest-django's; in any order of fixtures hooks are left to it."""
    from django.test import TestCase

    def capture(**options: Any) -> AbstractContextManager[list[Callable[[], Any]]]:
        # Looked up late: ws_database puts another in its place.
        return TestCase.captureOnCommitCallbacks(**options)

    return capture


@pytest.fixture
def ws_layers() -> "Generator[Mapping[str, FreshLayer]]":
    """Fresh channel layers of this test, by alias."""
    from wstest_django.layers import fresh_layers

    with fresh_layers() as fresh:
        yield fresh


@pytest.fixture
def _ws_sockets(ws_database: None, ws_layers: object) -> "Generator[Sockets]":
    from wstest_django._sockets import Sockets
    from wstest_django.channel_client import clients_closed
    from wstest_django.configuration import configuration

    sockets = Sockets()
    with settings.override(**configuration().defaults()), clients_closed():
        try:
            yield sockets
        finally:
            sockets.close_sync()


@pytest.fixture
def ws_connect(
    request: pytest.FixtureRequest, ws_app: "Application", _ws_sockets: "Sockets"
) -> "Connect":
    """A function that makes a socket of the application.

    As in `async with ws_connect("/ws/chat/", user=ann) as ws`. It takes what
    `WebsocketTestCase.create_communicator` takes, path and headers first.
    Sockets that are left open are closed when the test ends.
    """
    from wstest_django._handshake import path_of_fixture

    open_around(request.node, _ws_sockets, plain="ws_connect_sync")

    def connect(
        path: str | None = None,
        headers: "HeadersInput | None" = None,
        subprotocols: Iterable[str] | None = None,
        **others: Any,
    ) -> "WebsocketCommunicator[Any]":
        others |= {"headers": headers, "subprotocols": subprotocols}
        where = path_of_fixture("ws_connect", path, others)
        return _ws_sockets.make(ws_app, where, **others)

    return connect


@pytest.fixture
def ws_connect_sync(ws_app: "Application", _ws_sockets: "Sockets") -> "ConnectSync":
    """The same as `ws_connect`, for plain tests and with `with`."""
    from wstest_django._handshake import path_of_fixture

    def connect(
        path: str | None = None,
        headers: "HeadersInput | None" = None,
        subprotocols: Iterable[str] | None = None,
        **others: Any,
    ) -> "SyncWebsocketCommunicator[Any]":
        others |= {"headers": headers, "subprotocols": subprotocols}
        where = path_of_fixture("ws_connect_sync", path, others)
        return _ws_sockets.make_sync(ws_app, where, **others)

    return connect


@pytest.fixture
def ws_live_server(
    ws_app: "AsgiApplication | str", ws_database: None, ws_layers: object
) -> "Generator[LiveServer]":
    """The application on a real server, daphne's; `url` and `ws_url` say where.

    Rows of the test are seen by it, and the layers are the fresh ones.
    """
    from wstest_django.live import live_websocket_server

    with live_websocket_server(ws_app) as live:
        yield live
