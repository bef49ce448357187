"""Fixtures for the tests of one application.

They are plain functions, so they work under any plugin that runs coroutines.
A client is opened within the coroutine of the test itself, by a wrapper
around it: startup, test and shutdown are one task, in whatever event loop the
test's own plugin has made. Only where a fixture connects before the test, in
its own coroutine, the client is opened there.
"""

import sys
from collections.abc import Callable, Generator, Mapping
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

from wstest_core.pytest_plugin import hidden, open_around

if TYPE_CHECKING:
    from wstest_core.communicator import WebsocketCommunicator
    from wstest_core.live import LiveServer
    from wstest_core.sync import SyncWebsocketCommunicator
    from wstest_fastapi._early import Early
    from wstest_fastapi.client import AppClient
    from wstest_fastapi.layers import FreshLayer
    from wstest_fastapi.sync_client import SyncAppClient

__all__ = [
    "ws_app",
    "ws_client",
    "ws_client_sync",
    "ws_connect",
    "ws_connect_sync",
    "ws_layers",
    "ws_live_server",
]

__tracebackhide__ = hidden

# Applications, tests and what tests take have no closer type here.
_Application: TypeAlias = Any
_Connect: TypeAlias = "Callable[..., WebsocketCommunicator[Any]]"
_ConnectSync: TypeAlias = "Callable[..., SyncWebsocketCommunicator[Any]]"

_early: "pytest.StashKey[Early]" = pytest.StashKey()


@pytest.fixture
def ws_app(request: pytest.FixtureRequest) -> _Application:
    """The application under test, or its import string: override this.

    Otherwise it is what the ini option `ws_app` names: "package.module:app".
    """
    name: object = request.config.getini("ws_app")
    if not name:
        pytest.fail(
            "which application? Define a fixture `ws_app` that returns it, or set "
            "the ini option ws_app = package.module:app",
            pytrace=False,
        )
    return name


@pytest.fixture
def _ws_loaded_app(ws_app: _Application) -> _Application:
    """The application object: its import must not happen between fresh layers."""
    from wstest_core.lifespan import Lifespan

    try:
        return Lifespan(ws_app).application
    except (TypeError, ValueError) as error:
        if _is_of_the_import(error):
            raise
        raise pytest.fail.Exception(f"ws_app: {error}", pytrace=False) from None


@pytest.fixture
def ws_layers(
    _ws_loaded_app: _Application,
) -> "Generator[Mapping[str, FreshLayer]]":
    """Fresh channel layers of this test, by alias; the clients use them too."""
    if "fast_channels" not in sys.modules:
        yield {}
        return
    from wstest_fastapi.layers import fresh_layers

    with fresh_layers() as fresh:
        yield fresh


@pytest.fixture
def ws_client(
    request: pytest.FixtureRequest,
    _ws_loaded_app: _Application,
    ws_layers: object,
) -> "Generator[AppClient]":
    """A client for HTTP and sockets, open while the (async) test runs.

    A fixture may use it too, and connect: it is opened then.
    """
    _require_http(request.config, "ws_client")
    from wstest_fastapi._early import usable_early
    from wstest_fastapi.client import AppClient, warn_unfinished

    client = AppClient(_ws_loaded_app)
    with usable_early(client) as early:
        request.node.stash[_early] = early
        open_around(request.node, early, plain="ws_client_sync or ws_connect_sync")
        yield client
        for name in early.left_open:
            warn_unfinished(name)


@pytest.fixture
def ws_connect(ws_client: "AppClient") -> _Connect:
    """A function that makes a socket of `ws_client`.

    As in `async with ws_connect("/ws/chat") as ws`; it takes what
    `WebsocketCommunicator` takes, but for the application.
    """
    return ws_client.websocket


@pytest.fixture
def ws_client_sync(
    request: pytest.FixtureRequest, _ws_loaded_app: _Application, ws_layers: object
) -> "Generator[SyncAppClient]":
    """The same as `ws_client`, for plain tests."""
    _require_http(request.config, "ws_client_sync")
    from wstest_fastapi.sync_client import SyncAppClient

    with SyncAppClient(_ws_loaded_app) as client:
        yield client


@pytest.fixture
def ws_connect_sync(ws_client_sync: "SyncAppClient") -> _ConnectSync:
    """The same as `ws_connect`, for plain tests and with `with`."""
    return ws_client_sync.websocket


@pytest.fixture
def ws_live_server(
    _ws_loaded_app: _Application, ws_layers: object
) -> "Generator[LiveServer]":
    """A real server of `ws_app`: its `ws_url` is for sockets, its `url` for pages.

    It runs while the test does, with an event loop and a lifespan of its own.
    """
    from wstest_fastapi.live import live_websocket_server

    with live_websocket_server(_ws_loaded_app) as server:
        yield server


def _is_of_the_import(error: Exception) -> bool:
    """Whether an error came up in the application's own modules."""
    where = error.__traceback__
    while where is not None and where.tb_next is not None:
        where = where.tb_next
    name: str = "" if where is None else where.tb_frame.f_globals.get("__name__", "")
    return not name.startswith("wstest_core.")


def _require_http(config: pytest.Config, fixture: str) -> None:
    """Check that the client's HTTP library is there; Django has clients of its own."""
    from wstest_fastapi._extras import need_http

    try:
        need_http()
    except ModuleNotFoundError:
        if not config.pluginmanager.has_plugin("wstest_django_fixtures"):
            raise
        sockets = fixture.replace("client", "connect")
        requests = "client" if fixture.endswith("_sync") else "async_client"
        text = (
            f"{fixture} is for FastAPI, and needs httpx2: in a Django project "
            f"{sockets} makes sockets, and pytest-django's {requests} sends requests"
        )
        raise pytest.fail.Exception(text, pytrace=False) from None


# --- hooks


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that names the application."""
    words = "the application that the ws_ fixtures test: package.module:app"
    parser.addini("ws_app", words, type="string", default="")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> None:
    """Let the client close with the fixtures, though the test may never have begun."""
    if _early in item.stash:
        item.stash[_early].is_over = True


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(
    fixturedef: "pytest.FixtureDef[object]", request: pytest.FixtureRequest
) -> Generator[None, object, object]:
    """Put back the overrides that a test, or a fixture of it, gives `ws_app`."""
    application = yield
    if fixturedef.argname == "ws_app" and hasattr(application, "routes"):
        from wstest_fastapi.overrides import dependency_overrides

        keeping = ExitStack()
        keeping.enter_context(dependency_overrides(application))
        request.addfinalizer(keeping.close)
    return application
