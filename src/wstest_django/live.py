"""A real server for the project, in a thread of this process."""

from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from typing import Any, Literal, TypeAlias, cast, get_args

from django.apps import apps
from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler
from django.test import modify_settings

from wstest_core.drivers import AsgiApplication, single_callable
from wstest_core.lazy import missing, require
from wstest_core.live import LiveServer, Server, live_server
from wstest_core.scope import Scope
from wstest_django.applications import (
    hosts_of_tests,
    let_test_server_in,
    project_application,
)

__all__ = ["LiveServer", "ServerName", "live_websocket_server"]

ServerName: TypeAlias = Literal["daphne", "uvicorn"]
# ASGI types events no more closely.
_Receive: TypeAlias = Callable[[], Awaitable[Any]]
_Send: TypeAlias = Callable[[Any], Awaitable[None]]
# It handles static files, and leaves the rest to any application.
_Handler: TypeAlias = Callable[[AsgiApplication], AsgiApplication]


@contextmanager
def live_websocket_server(
    application: AsgiApplication | str | None = None,
    *,
    host: str = "localhost",
    server: ServerName = "daphne",
    serve_static: bool = True,
    timeout: float = 30.0,
) -> Generator[LiveServer]:
    """Serve the project, for HTTP and WebSockets, while a block lasts.

    `application` is what `ASGI_APPLICATION` names, unless one is given; with
    `apply_routes` others take its place. It runs in a thread of this process,
    on a free port of `host` that is bound once, and sees the test's rows
    within `WebsocketTestCase`, the fixtures, or `one_database`. `url` and
    `ws_url` of what is yielded say where. `host` is among `ALLOWED_HOSTS`
    meanwhile. Where `django.contrib.staticfiles` is installed, static files are
    served unless `serve_static` is False.
    `timeout`, in seconds, guards the start and the end, each.

    It is a plain `with`, in async tests too: disconnect within the block.

    Raises:
        RuntimeError: if the server does not start or end; see
            `wstest_core.live_server`.
    """
    served = _application(application)
    hosts_of_tests.add(host)
    if serve_static and apps.is_installed("django.contrib.staticfiles"):
        handler = cast("_Handler", ASGIStaticFilesHandler)
        served = handler(served)
    with (
        modify_settings(ALLOWED_HOSTS={"append": host}),
        live_server(_server(server, served), host=host, timeout=timeout) as live,
    ):
        yield live


def _application(application: AsgiApplication | str | None) -> AsgiApplication:
    given = None if application is None else single_callable(application)

    async def serve(scope: Scope, receive: _Receive, send: _Send) -> None:
        # Looked up for each connection: tests put others in its place.
        found = application or project_application(scope["type"])
        let_test_server_in(found)
        await (given or single_callable(found))(scope, receive, send)

    return serve


def _server(name: ServerName, application: AsgiApplication) -> Server:
    if name not in get_args(ServerName):
        raise ValueError(f"server={name!r}: there are 'daphne' and 'uvicorn'")
    require("the live server of wstest_django", "live", "websockets")
    if name == "daphne":
        from wstest_django._daphne import DaphneServer

        return DaphneServer(application)
    try:
        from wstest_django._uvicorn import uvicorn_server
    except ModuleNotFoundError as error:
        raise missing("the live server of wstest_django", "live", "uvicorn") from error
    return uvicorn_server(application)
