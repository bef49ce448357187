"""A client's connection: how it opens, what it sends, how it ends."""

import math
import warnings
from collections.abc import Awaitable, Iterable, Mapping
from types import TracebackType
from typing import (
    TYPE_CHECKING,
    Generic,
    Self,
    get_args,
    overload,
)

from typing_extensions import TypeVar, Unpack

from wstest_core import _completion, settings
from wstest_core._arguments import (
    AnyMessage,
    Options,
    codec_of,
    driver_of,
    require_frame,
    require_options,
)
from wstest_core._reader import Reader
from wstest_core._session import Session
from wstest_core.codecs import Codec
from wstest_core.codecs._json import Json, write_json, write_like_python
from wstest_core.drivers import AsgiApplication, Driver
from wstest_core.errors import (
    UnreadMessages,
    UnreadMessagesWarning,
    WebSocketTestError,
    hidden,
    warn,
)
from wstest_core.events import (
    ABNORMAL_CLOSURE,
    Accept,
    Close,
    Frame,
    Reject,
)
from wstest_core.legality import Event
from wstest_core.scope import HeadersInput, Scope, build_scope
from wstest_core.settings import Unread
from wstest_core.transcript import Transcript

if TYPE_CHECKING:
    from pydantic import TypeAdapter
    from typing_extensions import TypeForm

__all__ = ["Connection", "M"]

__tracebackhide__ = hidden

M = TypeVar("M", default=AnyMessage)


class Connection(Generic[M]):
    """One connection of one client: opening, sending, ending.

    See `WebsocketCommunicator`, which adds what is received.
    """

    _open_still = False  # something is to be given back

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
    ) -> None:
        if unread is not None and unread not in get_args(Unread):
            raise ValueError(f"unread={unread!r}: give 'warn', 'error' or 'ignore'")
        if messages is not None and codec is not None:
            raise TypeError("give messages= or codec=, not both: each is a codec")
        require_options(client, consumer)
        if timeout is not None:
            settings.check_seconds(timeout)
        scope = build_scope(
            path,
            headers,
            subprotocols,
            spec_version,
            client=client,
            state=state,
            extensions=extensions,
        )
        self.consumer = consumer
        self._session = Session(driver_of(application), scope, name)
        self._reader = Reader(self._session, codec_of(codec, messages, consumer))
        self._timeout = timeout
        self._unread = unread
        self._switched = False
        self._raw_answer: Accept | Reject | None = None

    # --- connecting

    async def __aenter__(self) -> Self:
        try:
            end = await self._open(None)
        except RuntimeError:
            raise  # nothing was begun
        except BaseException:
            await self._give_up()
            raise
        if isinstance(end, Reject):
            raise self._session.rejected(end)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        since = self._session.leave()
        if error is not None:
            self._session.note_failure()
            await self._leave_after(error)
            return
        await self.disconnect()
        self._report_unread(self._session.unread(since))

    async def connect(
        self, timeout: float | None = None
    ) -> tuple[bool, int | str | None]:
        """Connect, and let the application finish with its connect event.

        Returns `(True, subprotocol)` when it accepted, `(False, close code)`
        when it refused. That code never travels: against a live server, and
        for a denial response, it is 1006, as in a browser. "Finished" is when
        the application asks for its next event, has ended, or can do nothing
        more unless something arrives or time passes. While the connection is
        open, connecting again changes nothing and gives the same answer.

        Raises:
            NoMessage: if it does neither within `timeout` seconds.
            ApplicationCrashed: if it raised.
            RuntimeError: if its connection has ended already.
        """
        end = await self._open(timeout)
        if isinstance(end, Accept):
            return True, end.subprotocol
        return False, end.code if end.code is not None else ABNORMAL_CLOSURE

    async def disconnect(
        self, code: int = 1000, timeout: float | None = None, *, reason: str = ""
    ) -> None:
        """Close the connection and let the application end.

        First it deals with what it was sent, as far as it can without time
        passing. What it has sent can still be received. Without a connection, or the
        second time, this does nothing.

        Raises:
            ApplicationCrashed: if the application raised and no test saw it.
        """
        try:
            await self._session.close(code, reason, self._guard(timeout))
        finally:
            self._open_still = False
            if self._switched:
                self._switch_off()

    async def wait(self, timeout: float | None = None) -> bool:
        """Let the application end by itself, and make it end if it does not: asgiref's.

        Returns whether it ended by itself. That it cannot is known at once,
        unless something is to happen before `timeout` seconds have passed.

        Raises:
            ApplicationCrashed: if the application raised and no test saw it.
        """
        driver = self._session.driver
        if self._session.is_open:
            await driver.settle(timeout=self._guard(timeout))
        ended = not self._session.is_open or driver.ended is not None
        await self.disconnect(ABNORMAL_CLOSURE, timeout)
        return ended

    async def drop(self, code: int = 1006) -> None:
        """Vanish without a closing handshake, as a lost network does.

        The application sees a disconnect with `code`; what it sends from now
        on raises in it as ASGI 2.4 says.
        """
        await self._session.drop(code)

    # --- sending

    async def send_json(self, content: Json) -> None:
        """Send anything that JSON can hold, in a text frame."""
        await self._send(write_json(content, binary=False))

    async def send_text(self, text: str) -> None:
        """Send a text frame. An empty one is a frame too."""
        await self._send(require_frame(text, str, "send_text"))

    async def send_bytes(self, content: bytes) -> None:
        """Send a binary frame."""
        await self._send(require_frame(content, bytes, "send_bytes"))

    async def send_to(
        self, text_data: str | None = None, bytes_data: bytes | None = None
    ) -> None:
        """Send a frame of one kind or the other: Channels' name for both."""
        if (text_data is None) == (bytes_data is None):
            raise ValueError("send_to takes exactly one of text_data and bytes_data")
        if text_data is not None:
            await self.send_text(text_data)
        elif bytes_data is not None:
            await self.send_bytes(bytes_data)

    async def send_json_to(self, data: Json) -> None:
        """Send JSON as Channels does: exactly what `json.dumps` writes.

        Beyond that it takes what `send_json` takes.
        """
        await self._send(write_like_python(data))

    async def send_input(self, message: Event) -> None:
        """Give the application a raw ASGI event: connect, receive, disconnect."""
        match message.get("type"):
            case "websocket.connect":
                self._raw_answer = await self._open(None)
            case "websocket.receive":
                await self.send_to(message.get("text"), message.get("bytes"))
            case "websocket.disconnect":
                await self._session.drop(message.get("code", 1005))
            case other:
                raise ValueError(
                    f"no client causes the event {other!r}: a consumer gets those of "
                    "its channel layer, with group_send(), or send() to its channel"
                )

    # --- looking

    @property
    def scope(self) -> Scope:
        """The ASGI scope. What is put in before connecting the application sees."""
        return self._session.scope

    @property
    def transcript(self) -> Transcript:
        """What went over the connection so far."""
        return self._session.transcript

    @property
    def subprotocol(self) -> str | None:
        """The subprotocol the application chose; None before and without."""
        opened = self._session.opened
        return None if opened is None else opened.subprotocol

    @property
    def response_headers(self) -> list[tuple[bytes, bytes]]:
        """The headers that the application accepted with, or refused with."""
        found = self._session.opened or self._session.end
        return list(found.headers) if isinstance(found, Accept | Reject) else []

    @property
    def close_code(self) -> int | None:
        """The close code a browser would see; None while the connection is open."""
        end = self._session.end
        if end is None:
            return None
        return end.code if isinstance(end, Close) else ABNORMAL_CLOSURE

    @property
    def close_reason(self) -> str | None:
        """The close reason a browser would see; None while the connection is open."""
        end = self._session.end
        if end is None:
            return None
        return end.reason if isinstance(end, Close) else ""

    @property
    def exception(self) -> BaseException | None:
        """What the application raised, or None.

        A test that reads it has seen the crash: disconnecting does not raise
        it again.
        """
        return self._session.tell_crash()

    def ignore_remaining(self) -> None:
        """Let the test end with frames unread."""
        self._unread = "ignore"

    def __del__(self) -> None:
        if not self._open_still:
            return
        self._switch_off()
        if self._session.is_open:
            name = self._session.transcript.name
            text = f"{name} was never disconnected: use `async with`, or disconnect()"
            warnings.warn(text, ResourceWarning, source=self, stacklevel=2)

    # --- inner workings

    def _seconds(self, timeout: float | None) -> float:
        """Return the timeout of one wait; without end while a person debugs."""
        guard = settings.current.timeout
        if timeout is not None or self._timeout is not None:
            guard = self._guard(timeout)
        return math.inf if settings.debugger_attached() else guard

    def _guard(self, timeout: float | None) -> float:
        if timeout is None:
            timeout = self._timeout
        if timeout is None:
            timeout = settings.current.timeout
        return settings.check_seconds(timeout)

    async def _open(self, timeout: float | None) -> Accept | Reject:
        if self._session.opened is not None and self._session.is_open:
            return self._session.opened
        wait = self._seconds(timeout)
        self._switch_on()
        try:
            end = await self._session.open(wait)
            if not isinstance(end, Accept | Reject):
                raise self._session.ended(end, "no connection")
        except BaseException:
            self._switch_off()
            raise
        if isinstance(end, Accept):
            self._open_still = True
        else:
            self._switch_off()
        return end

    async def _leave_after(self, error: BaseException) -> None:
        """Say goodbye as ever; what goes wrong with that is a note to the error."""
        import anyio

        try:
            # The error may be a cancellation, which must not reach the application.
            with anyio.CancelScope(shield=True):
                await self.disconnect()
        except Exception as failure:
            if error.__cause__ is not failure.__cause__ or error.__cause__ is None:
                error.add_note(f"While disconnecting: {failure}")

    async def _give_up(self) -> None:
        """End what was begun, though the caller is being cancelled."""
        import anyio

        self._switch_off()
        with anyio.CancelScope(shield=True):
            try:
                await self._session.close(ABNORMAL_CLOSURE, "", self._guard(None))
            except WebSocketTestError:
                return  # the failure that made us give up says more

    def _switch_on(self) -> None:
        consumer = self.consumer
        if consumer is not None and _completion.has_switch(consumer):
            _completion.turn_on(consumer)
            self._switched = True

    def _switch_off(self) -> None:
        if self._switched and self.consumer is not None:
            self._switched = False
            _completion.turn_off(self.consumer)

    def _send(self, frame: str | bytes) -> Awaitable[None]:
        self._reader.ledger.sent()
        return self._session.send(frame)

    def _report_unread(self, frames: list[Frame]) -> None:
        policy = self._unread or settings.current.unread
        if not frames or policy == "ignore":
            return
        unread = [frame for frame in frames if not self._reader.is_completion(frame)]
        if not unread:
            return
        count = "1 frame" if len(unread) == 1 else f"{len(unread)} frames"
        text = self._session.text(
            f"{count} not read",
            why=repr(unread[0])[:72],
            remedy="Read what it sends, or call skip(n) or ignore_remaining().",
        )
        if policy == "error":
            raise UnreadMessages(text, messages=unread)
        warn(text, UnreadMessagesWarning, stacklevel=3)
