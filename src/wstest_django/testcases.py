"""Django's test cases, with WebSockets."""

from collections.abc import Awaitable, Callable, Collection, Generator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import wraps
from inspect import iscoroutinefunction, unwrap
from typing import Any, TypeAlias

from asgiref.sync import sync_to_async
from django.core.exceptions import SynchronousOnlyOperation
from django.test import SimpleTestCase, TestCase, TransactionTestCase
from typing_extensions import Unpack

from wstest_core import settings
from wstest_core.credentials import HeaderList
from wstest_core.layers import instead
from wstest_core.scope import HeadersInput
from wstest_django._handshake import (
    Application,
    Handshake,
    refuse_unknown,
    require_path,
)
from wstest_django._owner import Owner
from wstest_django._sockets import Sockets
from wstest_django._steps import errors_of, errors_of_steps, in_one_loop, in_plain_code
from wstest_django._unawaited import Unawaited
from wstest_django.applications import applied, websocket_application
from wstest_django.channel_client import clients_closed
from wstest_django.communicator import (
    SyncWebsocketCommunicator,
    WebsocketCommunicator,
)
from wstest_django.configuration import configuration
from wstest_django.database import one_database
from wstest_django.layers import FreshLayer, fresh_layers
from wstest_django.logins import session_headers_for
from wstest_django.users import create_user

__all__ = [
    "WebsocketTestCase",
    "WebsocketTests",
    "WebsocketTransactionTestCase",
]

_Result: TypeAlias = Any  # unittest's, or one that is like it
_User: TypeAlias = Any  # of the project's own class
_Test: TypeAlias = Callable[[], Awaitable[object]]


class WebsocketTests(SimpleTestCase):
    """What both test cases have. See `WebsocketTestCase`."""

    consumer: type[Any] | None = None
    ws_path: str = ""
    router: Application | None = None
    test_channel_aliases: Collection[str] | None = None
    channel_layers: Mapping[str, FreshLayer]
    ws_headers: HeadersInput
    subprotocols: list[str]
    _runs_async_steps = True  # so that `async_test` does not
    _sockets: Sockets
    _anonymous: WebsocketCommunicator | None

    # --- what a test may override

    def get_ws_headers(self) -> HeadersInput:
        """Return the headers of communicators that are given none."""
        return []

    def get_subprotocols(self) -> list[str]:
        """Return the subprotocols that communicators offer by default."""
        return []

    def create_user(self, **fields: Any) -> _User:
        """Create a user of the project's model, with these fields.

        Those that the model requires and that are not given are made up.
        """
        return create_user(**fields)

    async def acreate_user(self, **fields: Any) -> _User:
        """Create a user from a coroutine; see `create_user`."""
        return await sync_to_async(self.create_user)(**fields)

    def setUp(self) -> None:
        super().setUp()
        self.ws_headers = self.get_ws_headers()
        self.subprotocols = self.get_subprotocols()

    async def asyncSetUp(self) -> None:
        """Prepare an async test, in its event loop. Runs after `setUp`."""

    async def asyncTearDown(self) -> None:
        """Clean up after an async test, in its event loop, before `tearDown`."""

    # --- communicators

    def create_communicator(
        self,
        ws_path: str | None = None,
        *,
        router: Application | None = None,
        **handshake: Unpack[Handshake],
    ) -> WebsocketCommunicator:
        """Make a communicator; connect it, and the test case will close it.

        `router` is the application, a live server's URL or a driver, by
        default the attribute, or else what `ASGI_APPLICATION` names. The path,
        `headers`, `subprotocols` and `consumer` are by default the test case's.
        `user` is put into the scope, where authentication middleware leaves
        it. `test_client` is a Django test client, whose cookies are sent and
        kept; it is `self.client` unless `headers` are given. Other arguments
        are the communicator's.

        Raises:
            ImproperlyConfigured: if there is no application to be found.
            AttributeError: if there is no path.
            TypeError: for an argument that there is not, or a wrong one.
        """
        application, path = self._destination(router, ws_path)
        return self._sockets.make(application, path, **self._completed(handshake))

    def create_sync_communicator(
        self,
        ws_path: str | None = None,
        *,
        router: Application | None = None,
        **handshake: Unpack[Handshake],
    ) -> SyncWebsocketCommunicator:
        """Make a communicator for a plain test; see `create_communicator`."""
        application, path = self._destination(router, ws_path)
        return self._sockets.make_sync(application, path, **self._completed(handshake))

    @property
    def auth_communicator(self) -> WebsocketCommunicator:
        """The test's first communicator; it is made when first asked for."""
        made = [each for each in self._sockets.made if each is not self._anonymous]
        return made[0] if made else self.create_communicator()

    @property
    def communicator(self) -> WebsocketCommunicator:
        """A communicator without credentials; it is made when first asked for."""
        if self._anonymous is None:
            self._anonymous = self.create_communicator(headers=[])
        return self._anonymous

    # --- logins

    def login(self, user: _User, backend: str | None = None) -> None:
        """Log `self.client` in, and with it the communicators of this test.

        For plain code; a coroutine awaits `alogin`.
        """
        try:
            self.client.force_login(user, backend)
        except SynchronousOnlyOperation as error:
            text = "login() is for plain code: in a coroutine, await alogin()"
            raise SynchronousOnlyOperation(text) from error

    async def alogin(self, user: _User, backend: str | None = None) -> None:
        """Log `self.client` in from a coroutine; see `login`."""
        await sync_to_async(self.login)(user, backend)

    def create_user_and_ws_headers(self, **fields: Any) -> tuple[_User, HeaderList]:
        """Create a user, and return it with the header of a session of its own."""
        user = self.create_user(**fields)
        return user, session_headers_for(user)

    async def acreate_user_and_ws_headers(
        self, **fields: Any
    ) -> tuple[_User, HeaderList]:
        """Create a user, and its session's header, from a coroutine."""
        return await sync_to_async(self.create_user_and_ws_headers)(**fields)

    # --- inner workings

    def _destination(
        self, router: Application | None, ws_path: str | None
    ) -> tuple[Application, str]:
        if not hasattr(self, "_sockets"):
            raise RuntimeError("make communicators in setUp, in the test or after it")
        path = self.ws_path if ws_path is None else ws_path
        if not path:
            name = type(self).__name__
            raise AttributeError(
                f"ws_path is not set in {name}: set it to the path to connect to, as "
                f'in ws_path = "/ws/chat/", or give create_communicator(ws_path=…)'
            )
        require_path(path)
        application = (
            router or applied("websocket") or self.router or websocket_application()
        )
        # A consumer class, or a function, that is an attribute is not bound.
        return getattr(application, "__func__", application), path

    def _completed(self, handshake: Handshake) -> Handshake:
        refuse_unknown(handshake, who="a communicator", path="is ws_path")
        given = handshake.copy()
        if given.get("headers") is None:
            if not hasattr(self, "ws_headers"):  # setUp was overridden
                self.ws_headers = self.get_ws_headers()
            given["headers"] = self.ws_headers
            given.setdefault("test_client", self.client)
        if given.get("subprotocols") is None:
            own = getattr(self, "subprotocols", None)
            given["subprotocols"] = self.get_subprotocols() if own is None else own
        given.setdefault("consumer", self.consumer)
        return given

    def __call__(self, result: _Result = None) -> None:
        with self._as_a_whole():
            super().__call__(result)

    def debug(self) -> None:
        with self._as_a_whole():
            super().debug()

    @contextmanager
    def _as_a_whole(self) -> Generator[None]:
        """Let an async test be one coroutine with all that belongs to it.

        What Django finds is a plain function, and it shows no lines of ours.
        """
        name = self._testMethodName
        test = getattr(self, name)
        if iscoroutinefunction(test):
            whole = in_one_loop(lambda: self._run_whole(test))
        else:
            whole = in_plain_code(test, lambda error: self._sockets.show_in(error))
        with instead(vars(self), {name: wraps(test)(whole)}):
            yield

    def _layers(self) -> AbstractContextManager[Mapping[str, FreshLayer]]:
        return fresh_layers(self.test_channel_aliases)

    def _callSetUp(self) -> None:  # noqa: N802 - unittest's own, before setUp
        for name in ("setUp", "tearDown"):
            if iscoroutinefunction(getattr(self, name)):
                raise TypeError(
                    f"{name} is a coroutine function, which nobody would await: name "
                    f"it async{name[0].upper()}{name[1:]}"
                )
        self._anonymous = None
        test = unwrap(getattr(self, self._testMethodName))
        self._sockets = Sockets(Owner(self.id(), test))
        self.enterContext(Unawaited(remedy=_remedy(test)))
        # Left in the opposite order, after tearDown; what they raise is shown.
        self.enterContext(settings.override(**configuration().defaults()))
        self.enterContext(one_database())
        self.channel_layers = self.enterContext(self._layers())
        self.enterContext(clients_closed())
        self.addCleanup(self._sockets.close_sync)
        super()._callSetUp()  # type: ignore[misc]  # not in its stubs

    async def _run_whole(self, test: _Test) -> list[BaseException]:
        await self._sockets.__aenter__()
        errors = await errors_of_steps(self.asyncSetUp, test, self.asyncTearDown)
        for error in errors[:1]:
            self._sockets.show_in(error)
        return errors + await errors_of(self._sockets.close)


def _remedy(test: Callable[..., object]) -> str:
    """Say what to do about verbs that a test has not awaited."""
    if iscoroutinefunction(test):
        return "Put an await before each."
    return (
        f"Make {test.__name__} an `async def` and await each, or use "
        "create_sync_communicator() in a plain test."
    )


class WebsocketTestCase(WebsocketTests, TestCase):
    """A `django.test.TestCase` with WebSockets: each test is rolled back.

    Set `ws_path`, and perhaps `consumer`, whose messages are decoded then, and
    `router`, the application if it is not that of `ASGI_APPLICATION`. A test is
    a coroutine that connects communicators:

        class ChatTests(WebsocketTestCase):
            ws_path = "/ws/chat/lobby/"

            async def test_echo(self):
                async with self.create_communicator() as ws:
                    await ws.send_json({"text": "hello"})
                    assert await ws.receive_json() == {"text": "hello"}

    `asyncSetUp`, the test, `asyncTearDown` and the closing of every communicator
    run in one event loop. Each alias in `test_channel_aliases`, by default all,
    has a fresh channel layer in memory: `self.channel_layers[alias]`. Consumers,
    whichever thread they run in, see the rows of the test, and their
    `transaction.on_commit` hooks run as in production.
    """

    __module__ = "wstest_django"


class WebsocketTransactionTestCase(WebsocketTests, TransactionTestCase):
    """A `django.test.TransactionTestCase` with WebSockets: it flushes.

    It has all that `WebsocketTestCase` has. Flushing is slow, and needed where
    threads must have database connections of their own.
    """

    __module__ = "wstest_django"
