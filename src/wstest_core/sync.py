"""The communicator for plain `def` tests.

The application runs in an event loop in a thread of its own. There is one for
all communicators that are open at once, so that one hears what another
causes, and none when none is open.
"""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import CancelledError
from contextlib import suppress
from types import TracebackType
from typing import (
    TYPE_CHECKING,
    Generic,
    Literal,
    NoReturn,
    Self,
    TypeAlias,
    TypeVar,
    cast,
    overload,
)

from anyio.from_thread import BlockingPortal
from typing_extensions import Unpack

from wstest_core._arguments import AnyMessage, Options
from wstest_core._connection import M
from wstest_core._portal import Work, finish, provider, require_plain_test, step
from wstest_core.codecs import Codec
from wstest_core.codecs._json import Json
from wstest_core.communicator import WebsocketCommunicator
from wstest_core.constants import MESSAGE_ACTION_COMPLETE
from wstest_core.drivers import AsgiApplication, Driver
from wstest_core.errors import WebSocketTestError, hidden
from wstest_core.events import ABNORMAL_CLOSURE, Frame
from wstest_core.legality import Event
from wstest_core.requests import FieldPath
from wstest_core.scope import HeadersInput, Scope
from wstest_core.settings import Unread
from wstest_core.stop import Stop
from wstest_core.topics import TopicClass, TopicMessage
from wstest_core.transcript import Transcript

if TYPE_CHECKING:
    from pydantic import TypeAdapter
    from typing_extensions import TypeForm

    from wstest_core.messages import AuthenticationMessage

__all__ = ["SyncWebsocketCommunicator", "connected"]

__tracebackhide__ = hidden

T = TypeVar("T")
Backend: TypeAlias = Literal["asyncio", "trio"]

_connected: "set[SyncWebsocketCommunicator[AnyMessage]]" = set()


class SyncWebsocketCommunicator(Generic[M]):
    """A `WebsocketCommunicator` for tests that are not coroutines.

    It is made with the same arguments and has the same verbs, which wait
    instead of being awaited. `backend` is the library whose event loop runs
    the application: "asyncio" or "trio".

    The loop ends with the last open communicator: use `with`, or call
    `disconnect()`.

    >>> async def echo(scope, receive, send):
    ...     await send({"type": "websocket.accept"})
    ...     while (event := await receive())["type"] != "websocket.disconnect":
    ...         if "text" in event:
    ...             await send({"type": "websocket.send", "text": event["text"]})
    >>> with SyncWebsocketCommunicator(echo, "/ws") as ws:
    ...     ws.send_json({"say": "hello"})
    ...     ws.receive_json()
    {'say': 'hello'}
    """

    __module__ = "wstest_core"

    @overload
    def __init__(
        self,
        application: AsgiApplication | str | Driver,
        path: str,
        headers: HeadersInput | None = None,
        subprotocols: Iterable[str] | None = None,
        spec_version: str | float | None = None,
        *,
        messages: "TypeAdapter[M]",
        backend: Backend = "asyncio",
        **options: Unpack[Options],
    ) -> None: ...
    @overload
    def __init__(
        self,
        application: AsgiApplication | str | Driver,
        path: str,
        headers: HeadersInput | None = None,
        subprotocols: Iterable[str] | None = None,
        spec_version: str | float | None = None,
        *,
        messages: "TypeForm[M]",
        backend: Backend = "asyncio",
        **options: Unpack[Options],
    ) -> None: ...
    @overload
    def __init__(
        self,
        application: AsgiApplication | str | Driver,
        path: str,
        headers: HeadersInput | None = None,
        subprotocols: Iterable[str] | None = None,
        spec_version: str | float | None = None,
        *,
        codec: Codec[M],
        backend: Backend = "asyncio",
        **options: Unpack[Options],
    ) -> None: ...
    @overload
    def __init__(
        self,
        application: AsgiApplication | str | Driver,
        path: str,
        headers: HeadersInput | None = None,
        subprotocols: Iterable[str] | None = None,
        spec_version: str | float | None = None,
        *,
        backend: Backend = "asyncio",
        **options: Unpack[Options],
    ) -> None: ...
    def __init__(
        self,
        application: AsgiApplication | str | Driver,
        path: str,
        headers: HeadersInput | None = None,
        subprotocols: Iterable[str] | None = None,
        spec_version: str | float | None = None,
        *,
        consumer: type[object] | None = None,
        messages: object = None,
        codec: Codec[AnyMessage] | None = None,
        name: str | None = None,
        timeout: float | None = None,
        unread: Unread | None = None,
        client: tuple[str, int] | None = None,
        state: Mapping[str, object] | None = None,
        extensions: Mapping[str, object] | None = None,
        backend: Backend = "asyncio",
    ) -> None:
        self._provider = provider(backend)
        # Which of the overloads it is was decided by ours.
        make = cast("Callable[..., WebsocketCommunicator[M]]", WebsocketCommunicator)
        self._ws = make(
            application,
            path,
            headers,
            subprotocols,
            spec_version,
            consumer=consumer,
            messages=messages,
            codec=codec,
            name=name,
            timeout=timeout,
            unread=unread,
            client=client,
            state=state,
            extensions=extensions,
        )
        self._portal: BlockingPortal | None = None
        self._opened = False

    # --- connecting

    def __enter__(self) -> Self:
        self._open(self._ws.__aenter__())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            self._wait(self._ws.__aexit__(kind, error, traceback))
        finally:
            self._release()

    def connect(self, timeout: float | None = None) -> tuple[bool, int | str | None]:
        """See `WebsocketCommunicator.connect`."""
        answer = self._open(self._ws.connect(timeout))
        if not answer[0]:
            self._release()
        return answer

    def disconnect(
        self, code: int = 1000, timeout: float | None = None, *, reason: str = ""
    ) -> None:
        """See `WebsocketCommunicator.disconnect`."""
        try:
            self._wait(self._ws.disconnect(code, timeout, reason=reason))
        finally:
            self._release()

    def wait(self, timeout: float | None = None) -> bool:
        """See `WebsocketCommunicator.wait`."""
        try:
            return self._wait(self._ws.wait(timeout))
        finally:
            self._release()

    def drop(self, code: int = 1006) -> None:
        """See `WebsocketCommunicator.drop`."""
        self._wait(self._ws.drop(code))

    # --- sending

    def send_message(
        self, message: object, *, topic: str | None = None, ref: str | None = None
    ) -> None:
        """See `WebsocketCommunicator.send_message`."""
        self._wait(self._ws.send_message(message, topic=topic, ref=ref))

    def request(
        self,
        message: object,
        *,
        field: FieldPath = "ref",
        reply_field: FieldPath | None = None,
        ref: Json = None,
        timeout: float | None = None,
    ) -> M:
        """See `WebsocketCommunicator.request`."""
        return self._wait(
            self._ws.request(
                message, field=field, reply_field=reply_field, ref=ref, timeout=timeout
            )
        )

    def subscribe(
        self, topic: str, ref: str = "1", timeout: float | None = None
    ) -> Json:
        """See `WebsocketCommunicator.subscribe`."""
        return self._wait(self._ws.subscribe(topic, ref, timeout))

    def unsubscribe(
        self, topic: str, ref: str = "1", timeout: float | None = None
    ) -> Json:
        """See `WebsocketCommunicator.unsubscribe`."""
        return self._wait(self._ws.unsubscribe(topic, ref, timeout))

    def receive_topic_message(
        self, topic_class: TopicClass, timeout: float | None = None
    ) -> TopicMessage:
        """See `WebsocketCommunicator.receive_topic_message`."""
        return self._wait(self._ws.receive_topic_message(topic_class, timeout))

    def send_json(self, content: Json) -> None:
        """See `WebsocketCommunicator.send_json`."""
        self._wait(self._ws.send_json(content))

    def send_text(self, text: str) -> None:
        """See `WebsocketCommunicator.send_text`."""
        self._wait(self._ws.send_text(text))

    def send_bytes(self, content: bytes) -> None:
        """See `WebsocketCommunicator.send_bytes`."""
        self._wait(self._ws.send_bytes(content))

    def send_to(
        self, text_data: str | None = None, bytes_data: bytes | None = None
    ) -> None:
        """See `WebsocketCommunicator.send_to`."""
        self._wait(self._ws.send_to(text_data, bytes_data))

    def send_json_to(self, data: Json) -> None:
        """See `WebsocketCommunicator.send_json_to`."""
        self._wait(self._ws.send_json_to(data))

    def send_input(self, message: Event) -> None:
        """See `WebsocketCommunicator.send_input`."""
        sending = self._ws.send_input(message)
        if message.get("type") != "websocket.connect":
            self._wait(sending)
            return
        self._open(sending)
        if self._ws.close_code is not None:  # it was refused
            self._release()

    # --- receiving one

    @overload
    def receive_message(self, *, timeout: float | None = None) -> M: ...
    @overload
    def receive_message(
        self, model: "TypeForm[T]", *, timeout: float | None = None
    ) -> T: ...
    def receive_message(
        self, model: "TypeForm[T] | None" = None, *, timeout: float | None = None
    ) -> M | T:
        """See `WebsocketCommunicator.receive_message`."""
        if model is None:
            return self._wait(self._ws.receive_message(timeout=timeout))
        return self._wait(self._ws.receive_message(model, timeout=timeout))

    def receive_json(self, timeout: float | None = None) -> Json:
        """See `WebsocketCommunicator.receive_json`."""
        return self._wait(self._ws.receive_json(timeout))

    def receive_text(self, timeout: float | None = None) -> str:
        """See `WebsocketCommunicator.receive_text`."""
        return self._wait(self._ws.receive_text(timeout))

    def receive_bytes(self, timeout: float | None = None) -> bytes:
        """See `WebsocketCommunicator.receive_bytes`."""
        return self._wait(self._ws.receive_bytes(timeout))

    def receive_from(self, timeout: float | None = None) -> Frame:
        """See `WebsocketCommunicator.receive_from`."""
        return self._wait(self._ws.receive_from(timeout))

    def receive_json_from(self, timeout: float | None = None) -> Json:
        """See `WebsocketCommunicator.receive_json_from`."""
        return self._wait(self._ws.receive_json_from(timeout))

    def receive_output(self, timeout: float | None = None) -> Event:
        """See `WebsocketCommunicator.receive_output`."""
        return self._wait(self._ws.receive_output(timeout))

    # --- receiving many

    def receive_all_messages(
        self, stop_action: str = MESSAGE_ACTION_COMPLETE, timeout: float | None = None
    ) -> list[M]:
        """See `WebsocketCommunicator.receive_all_messages`."""
        return self._wait(self._ws.receive_all_messages(stop_action, timeout))

    def receive_all_json(self, timeout: float | None = None) -> list[Json]:
        """See `WebsocketCommunicator.receive_all_json`."""
        return self._wait(self._ws.receive_all_json(timeout))

    def receive_until(self, stop: Stop, timeout: float | None = None) -> list[M]:
        """See `WebsocketCommunicator.receive_until`."""
        return self._wait(self._ws.receive_until(stop, timeout))

    def receive_nothing(
        self, timeout: float = 0.1, interval: float | None = None
    ) -> bool:
        """See `WebsocketCommunicator.receive_nothing`."""
        return self._wait(self._ws.receive_nothing(timeout, interval))

    # --- receiving and checking

    def expect(self, model: "TypeForm[T]", /, **fields: object) -> T:
        """See `WebsocketCommunicator.expect`."""
        return self._wait(self._ws.expect(model, **fields))

    def expect_nothing(self, within: float = 0.1) -> None:
        """See `WebsocketCommunicator.expect_nothing`."""
        self._wait(self._ws.expect_nothing(within))

    def expect_closed(self, code: int | None = None, reason: str | None = None) -> None:
        """See `WebsocketCommunicator.expect_closed`."""
        self._wait(self._ws.expect_closed(code, reason))

    def assert_closed(self, code: int | None = None) -> None:
        """See `WebsocketCommunicator.assert_closed`."""
        self._wait(self._ws.assert_closed(code))

    def wait_for_auth(
        self,
        send_authentication_message: bool | None = None,
        max_auth_time: float = 0.5,
        after_auth_time: float = 0.1,
    ) -> "AuthenticationMessage | None":
        """See `WebsocketCommunicator.wait_for_auth`."""
        return self._wait(
            self._ws.wait_for_auth(
                send_authentication_message, max_auth_time, after_auth_time
            )
        )

    def assert_authenticated_status_ok(self, max_auth_time: float = 0.5) -> None:
        """See `WebsocketCommunicator.assert_authenticated_status_ok`."""
        self._wait(self._ws.assert_authenticated_status_ok(max_auth_time))

    # --- steering and looking

    def settle(self, timeout: float | None = None) -> None:
        """See `WebsocketCommunicator.settle`."""
        if self._portal is not None or not self._opened:
            self._wait(self._ws.settle(timeout))

    def skip(self, count: int = 1) -> None:
        """See `WebsocketCommunicator.skip`."""
        self._wait(self._ws.skip(count))

    def ignore_remaining(self) -> None:
        """See `WebsocketCommunicator.ignore_remaining`."""
        self._ws.ignore_remaining()

    @property
    def consumer(self) -> type[object] | None:
        """The consumer class that it was made with."""
        return self._ws.consumer

    @property
    def scope(self) -> Scope:
        """See `WebsocketCommunicator.scope`."""
        return self._ws.scope

    @property
    def transcript(self) -> Transcript:
        """See `WebsocketCommunicator.transcript`."""
        return self._ws.transcript

    @property
    def subprotocol(self) -> str | None:
        """See `WebsocketCommunicator.subprotocol`."""
        return self._ws.subprotocol

    @property
    def response_headers(self) -> list[tuple[bytes, bytes]]:
        """See `WebsocketCommunicator.response_headers`."""
        return self._ws.response_headers

    @property
    def close_code(self) -> int | None:
        """See `WebsocketCommunicator.close_code`."""
        return self._ws.close_code

    @property
    def close_reason(self) -> str | None:
        """See `WebsocketCommunicator.close_reason`."""
        return self._ws.close_reason

    @property
    def exception(self) -> BaseException | None:
        """See `WebsocketCommunicator.exception`."""
        return self._ws.exception

    # --- inner workings

    def _open(self, opening: Work[T]) -> T:
        """Run what connects; a loop is there until `_release`."""
        require_plain_test(opening)
        if self._opened:  # it will say so itself
            return self._wait(opening)
        try:
            self._portal = self._provider.__enter__()
        except BaseException:
            opening.close()
            raise
        self._opened = True
        _connected.add(self)
        try:
            return self._wait(opening)
        except BaseException:
            self._give_up()
            raise

    def _give_up(self) -> None:
        """End what was begun; the failure that made us give up says more."""
        try:
            self._wait(self._ws.disconnect(ABNORMAL_CLOSURE))
        except WebSocketTestError:
            return
        finally:
            self._release()

    def _release(self) -> None:
        if self._portal is not None:
            self._portal = None
            _connected.discard(self)
            self._provider.__exit__(None, None, None)

    def _wait(self, work: Work[T]) -> T:
        require_plain_test(work)
        if not self._opened:
            return step(work)
        try:
            if self._portal is not None:
                return finish(self._portal, work)
            with self._provider as portal:
                return finish(portal, work)
        except CancelledError:
            self._lost_loop()

    def _lost_loop(self) -> NoReturn:
        """The loop was stopped under us: KeyboardInterrupt or SystemExit did it."""
        with suppress(RuntimeError, WebSocketTestError):
            step(self._ws.disconnect())  # as far as that goes without a loop
        error = self._ws.transcript.error
        if error is not None and not isinstance(error, Exception):
            raise error
        raise RuntimeError(
            f"the event loop of {self.transcript.name} was stopped from within"
        ) from error


def connected() -> frozenset[SyncWebsocketCommunicator[AnyMessage]]:
    """Return the communicators that were connected and not disconnected."""
    return frozenset(_connected)
