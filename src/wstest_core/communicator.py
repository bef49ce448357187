"""The client side of a WebSocket connection, for tests."""

from collections.abc import Mapping
from contextlib import suppress
from types import UnionType
from typing import TYPE_CHECKING, Final, TypeVar, cast, overload

from wstest_core import explain, settings
from wstest_core._arguments import AnyMessage, Options
from wstest_core._connection import M
from wstest_core._correspondence import Correspondence
from wstest_core.codecs._json import Json, read_json
from wstest_core.codecs._models import require_type
from wstest_core.constants import MESSAGE_ACTION_COMPLETE, action_of
from wstest_core.errors import UndecodableFrame, UnexpectedMessage, hidden
from wstest_core.events import (
    Crash,
    Frame,
    Reject,
    Return,
    Silence,
    Terminal,
)
from wstest_core.legality import Event, raw_event
from wstest_core.stop import Stop, on_action, require_stop

if TYPE_CHECKING:
    from typing_extensions import TypeForm

    from wstest_core.messages import AuthenticationMessage

__all__ = ["Options", "WebsocketCommunicator"]

__tracebackhide__ = hidden

T = TypeVar("T")


class WebsocketCommunicator(Correspondence[M]):
    """A WebSocket client that talks to an application under test.

    `application` is an ASGI 3 callable (a legacy double callable too), an
    import string "package.module:app", a `ws://` or `wss://` URL of a server
    that runs, or a `Driver`. `path` is the path to connect to, with a query
    if need be. `headers` are pairs of bytes or str.

    `messages` (a union of models, a model or a `TypeAdapter`) or `consumer`
    (a class with an `outgoing_message_adapter`) say what frames are decoded
    into; `codec` says it for anything else; without any of them messages are
    what JSON holds. `name` stands in failures and transcripts. `timeout`, in
    seconds, guards each wait against hanging. `unread` says what happens at
    the end of an `async with` to frames that nobody read. `client`, `state`
    and `extensions` go into the scope as they are; an extension that is None
    is taken out of it.

    One communicator is one connection. It binds to an event loop when it
    connects, and not before. All waits end as soon as their answer is known.

    >>> import asyncio
    >>> async def echo(scope, receive, send):
    ...     await send({"type": "websocket.accept"})
    ...     while (event := await receive())["type"] != "websocket.disconnect":
    ...         if "text" in event:
    ...             await send({"type": "websocket.send", "text": event["text"]})
    >>> async def test():
    ...     async with WebsocketCommunicator(echo, "/ws") as ws:
    ...         await ws.send_json({"say": "hello"})
    ...         assert await ws.receive_json() == {"say": "hello"}
    ...         assert await ws.receive_nothing()
    >>> asyncio.run(test())
    """

    __module__ = "wstest_core"

    # --- receiving one

    @overload
    async def receive_message(self, *, timeout: float | None = None) -> M: ...
    @overload
    async def receive_message(
        self, model: "TypeForm[T]", *, timeout: float | None = None
    ) -> T: ...
    async def receive_message(
        self, model: "TypeForm[T] | None" = None, *, timeout: float | None = None
    ) -> M | T:
        """Receive exactly one message, decoded; completion messages are skipped.

        With `model` it must be one of that class, or of that union's; what
        JSON holds is validated into it.

        Raises:
            NoMessage: as soon as none can come.
            UnexpectedMessage: if it is of another class. It is taken.
            UndecodableFrame: if the codec does not understand the frame.
            TypeError: if `model` is no type. Nothing is taken.
        """
        if model is not None:
            require_type(model, "receive_message")
        message = await self._reader.message(
            self._seconds(timeout),
            f"no {'message' if model is None else name_of_type(model)}",
            lambda completion: model is not None and is_of_class(completion, model),
        )
        return message if model is None else self._as(model, message)

    async def receive_json(self, timeout: float | None = None) -> Json:
        """Receive exactly one frame, whatever it is, and read it as JSON.

        Raises:
            NoMessage: as soon as none can come.
            UndecodableFrame: if the frame is not JSON. It is taken.
        """
        frame = await self._reader.frame(self._seconds(timeout), "no frame")
        return self._reader.decode(frame, read_json)

    async def receive_text(self, timeout: float | None = None) -> str:
        """Receive exactly one frame, which must be a text frame."""
        frame = await self.receive_from(timeout)
        if isinstance(frame, str):
            return frame
        raise self._unexpected("no text frame", f"{len(frame)} bytes came: {frame!r}")

    async def receive_bytes(self, timeout: float | None = None) -> bytes:
        """Receive exactly one frame, which must be a binary frame."""
        frame = await self.receive_from(timeout)
        if isinstance(frame, bytes):
            return frame
        raise self._unexpected("no binary frame", f"text came: {frame!r}")

    async def receive_from(self, timeout: float | None = None) -> Frame:
        """Receive exactly one frame as it is: Channels' name."""
        return await self._reader.frame(self._seconds(timeout), "no frame")

    async def receive_json_from(self, timeout: float | None = None) -> Json:
        """Receive JSON: Channels' name for `receive_json`."""
        return await self.receive_json(timeout)

    async def receive_output(self, timeout: float | None = None) -> Event:
        """Receive the next raw ASGI event, the answer to a raw connect included.

        A denial response comes as one event.
        """
        if self._raw_answer is not None:
            answer, self._raw_answer = self._raw_answer, None
            return raw_event(answer)
        wait = self._seconds(timeout)
        event = await self._session.next(wait)
        if isinstance(event, Silence | Crash | Return):
            raise self._reader.missing(event, "no event", wait)
        if not isinstance(event, str | bytes):
            self._session.end_told = True
        return raw_event(event)

    # --- receiving many

    async def receive_all_messages(
        self, stop_action: str = MESSAGE_ACTION_COMPLETE, timeout: float | None = None
    ) -> list[M]:
        """Receive messages until one has the stop action, or none can come.

        Completion messages are left out; a message with a stop action of
        your own is the last in the list. Ends as well at the end of the
        connection and after `timeout` seconds, and does not fail for that.

        Raises:
            ApplicationCrashed: if nothing was received and it raised.
            UndecodableFrame: if the codec does not understand a frame;
                `messages` holds what came before.
        """
        stop = on_action(stop_action, field=self._reader.field)
        wait = self._seconds(timeout)
        found = await self._reader.collect(stop, wait)
        if isinstance(found.end, Crash) and not found.messages:
            raise self._reader.missing(found.end, "no message", wait)
        return found.messages

    async def receive_all_json(self, timeout: float | None = None) -> list[Json]:
        """Receive every frame until none can come within `timeout`, as JSON.

        Completion messages are in the list too.

        Raises:
            ApplicationCrashed: if nothing was received and it raised.
            UndecodableFrame: if a frame is not JSON; `messages` holds what
                came before.
        """
        return await self._reader.all_json(self._seconds(timeout))

    async def receive_until(self, stop: Stop, timeout: float | None = None) -> list[M]:
        """Receive messages until the stop is met, the last one included.

        Raises:
            NoMessage: as soon as it cannot be met any more; `messages` holds
                what was received.
        """
        wait = self._seconds(timeout)
        found = await self._reader.collect(
            require_stop(stop, "receive_until takes a Stop"), wait
        )
        if found.end is None:
            return found.messages
        actions = [action_of(message, self._reader.field) for message in found.seen]
        remedy = explain.remedy(str(stop), actions)
        raise self._reader.missing(found.end, explain.lack(stop), wait, found, remedy)

    async def receive_nothing(
        self, timeout: float = 0.1, interval: float | None = None
    ) -> bool:
        """Whether nothing arrives within `timeout` seconds; takes nothing.

        The end of the connection is something that arrives, until another
        verb has told of it. Completion messages are not. `interval` is
        Channels' and not used, because nothing is polled.

        Raises:
            ApplicationCrashed: if the application raised.
        """
        return isinstance(await self._peek(timeout), Silence)

    # --- receiving and checking

    async def expect(self, model: "TypeForm[T]", /, **fields: object) -> T:
        """Receive a message of this class with these fields, and return it.

        A model among the fields may be given as a dict.

        Raises:
            UnexpectedMessage: if it is another, with what differs.
            TypeError: for a field that such a message does not have; if
                `model` is no type, in which case nothing is taken.
        """
        require_type(model, "expect")
        message = await self.receive_message(model)
        differences = explain.differences(message, fields)
        if differences:
            text = f"no {name_of_type(model)} as expected"
            raise self._unexpected(text, "it differs\n" + "\n".join(differences))
        return message

    async def expect_nothing(self, within: float = 0.1) -> None:
        """Fail if anything arrives within so many seconds.

        Raises:
            UnexpectedMessage: with what arrived. It is not taken.
        """
        event = await self._peek(within)
        if not isinstance(event, Silence):
            came = repr(event) if isinstance(event, str | bytes) else str(event)
            raise self._unexpected("no silence", f"{came[:72]} came")

    async def expect_closed(
        self, code: int | None = None, reason: str | None = None
    ) -> None:
        """Wait for the end of the connection, which must be the next event.

        `code` and `reason` are what a browser sees: 1006 and nothing for an
        application that returned without closing.

        Raises:
            UnexpectedMessage: if a frame comes first, or they are others.
            NoMessage: as soon as it is known that the connection stays open.
        """
        wait = self._seconds(None)
        event = await self._session.peek(wait, self._reader.is_completion)
        if isinstance(event, Silence | Crash):
            raise self._reader.missing(event, "no close", wait)
        if isinstance(event, str | bytes):
            raise self._unexpected("no close", f"a frame came first: {event[:72]!r}")
        self._check_close(code, reason)

    async def assert_closed(self, code: int | None = None) -> None:
        """Look whether the connection has ended; unread frames do not matter.

        Raises:
            UnexpectedMessage: if it is open, or was closed with another code.
            ApplicationCrashed: if the application raised.
        """
        if self._session.end is None:
            await self._session.settle(self._guard(None))
        end = self._session.end
        if end is None:
            raise self._unexpected("no close", "the connection is open")
        if isinstance(end, Crash):
            raise self._session.ended(end, "no close")
        self._check_close(code, None)

    async def wait_for_auth(
        self,
        send_authentication_message: bool | None = None,
        max_auth_time: float = 0.5,
        after_auth_time: float = 0.1,
    ) -> "AuthenticationMessage | None":
        """Receive the authentication message, if the next message is one.

        It is what the codec makes of it where that is a model, and else an
        `AuthenticationMessage` of `wstest_core`, which has the same fields.

        `send_authentication_message` says whether one must come (True), may
        come (None) or is not waited for (False). `max_auth_time` guards that
        wait, `after_auth_time` the wait for the application to come to rest
        after it; neither is slept.

        Raises:
            UnexpectedMessage, NoMessage: if one must come and does not.
        """
        for timeout in (max_auth_time, after_auth_time):
            settings.check_seconds(timeout)
        found = None
        if send_authentication_message is not False:
            found = await self._authentication(max_auth_time)
        if found is None and send_authentication_message:
            event = await self._peek(0.0)
            wanted = "no authentication message"
            if isinstance(event, Silence):
                raise self._reader.missing(event, wanted, max_auth_time)
            raise self._unexpected(wanted, f"{str(event)[:72]} came")
        await self._session.settle(after_auth_time)
        return found

    async def assert_authenticated_status_ok(self, max_auth_time: float = 0.5) -> None:
        """Receive the authentication message and check that its status is 200.

        Raises:
            UnexpectedMessage: if there is none, or it says something else.
        """
        found = await self.wait_for_auth(True, max_auth_time)
        status = _status_in(getattr(found, "payload", None))
        if status != 200:
            raise self._unexpected("no authentication", f"status {status}, not 200")

    # --- steering

    async def settle(self, timeout: float | None = None) -> None:
        """Return when the application has come to rest, with all it caused.

        That is when nothing can happen before `timeout` seconds have passed.
        """
        self._session.require_connection()
        # Not endless where a person debugs, for it does not end with an event.
        await self._session.settle(self._guard(timeout))

    async def skip(self, count: int = 1) -> None:
        """Receive so many messages and forget them. Completions do not count.

        A frame that the codec does not understand counts as one.
        """
        for _ in range(count):
            try:
                await self.receive_message()
            except UndecodableFrame:
                self._reader.ledger.read()  # it was taken, whatever it says

    # --- inner workings

    if not TYPE_CHECKING:  # to a type checker it would be a yes to any name

        def __getattr__(self, name):
            where = f": {_ELSEWHERE[name]}" if name in _ELSEWHERE else ""
            text = f"{type(self).__name__!r} object has no attribute {name!r}{where}"
            raise AttributeError(text, name=name, obj=self)

    async def _peek(self, timeout: float) -> Frame | Terminal | Silence:
        """Look at what comes next; an end that is known already is silence."""
        wait = settings.check_seconds(timeout)
        event = await self._session.peek(wait, self._reader.is_completion)
        if isinstance(event, str | bytes | Silence):
            return event
        if self._session.end_told:
            return Silence("proved")
        if isinstance(event, Crash):
            raise self._session.ended(event, "no silence")
        return event

    async def _authentication(self, timeout: float) -> "AuthenticationMessage | None":
        event = await self._session.peek(timeout, self._reader.is_completion)
        if not isinstance(event, str | bytes):
            return None
        content = self._reader.content(event)
        if action_of(content, self._reader.field) != "authentication":
            return None
        await self.receive_from()
        with suppress(UndecodableFrame):
            message = self._reader.codec.decode(event)
            if not isinstance(message, Mapping):  # a class of the application's own
                return cast("AuthenticationMessage", message)
        from wstest_core.messages import AuthenticationMessage

        if self._reader.field != "action":
            content = {**content, "action": "authentication"}
        return self._as(AuthenticationMessage, content)

    def _check_close(self, code: int | None, reason: str | None) -> None:
        self._session.end_told = True
        end = self._session.end
        refused = end.code if isinstance(end, Reject) else None
        if code not in (None, self.close_code, refused):
            found = f"it was {self.close_code}"
            if refused is not None:
                found = f"it was refused with {refused}, and a browser sees 1006"
            raise self._unexpected(f"no close with code {code}", found)
        if reason not in (None, self.close_reason):
            found = f"it was {self.close_reason!r}"
            raise self._unexpected(f"no close with reason {reason!r}", found)

    def _as(self, model: "TypeForm[T]", message: AnyMessage) -> T:
        if is_of_type(message, model):
            return cast("T", message)
        name = name_of_type(model)
        if not isinstance(message, Mapping):
            raise self._unexpected(f"no {name}", f"{message!r} came")
        field = self._reader.field
        if field not in message and field in getattr(model, "model_fields", ()):
            raise self._unexpected(f"no {name}", f"it does not say its {field!r}")
        from pydantic import PydanticUserError, TypeAdapter, ValidationError

        try:
            return TypeAdapter(model).validate_python(message)
        except ValidationError as error:
            refused = self._unexpected(f"no {name}", str(error))
        except PydanticUserError:  # a class that only a codec can make
            refused = self._unexpected(f"no {name}", f"{message!r} came")
        raise refused

    def _unexpected(self, wanted: str, why: str) -> UnexpectedMessage:
        return UnexpectedMessage(self._session.text(wanted, why=why))


# What asgiref and Channels have, and where to find here what it is used for.
_ELSEWHERE: Final = {
    "application": "what it raised is exception, what it gets is scope",
    "future": "settle() lets the application work, close_code tells whether the "
    "connection has ended, exception what was raised, and wait() ends it",
    "input_queue": "transcript has what was sent, and settle() lets it be dealt with",
    "output_queue": "receive_nothing() tells whether something has come, "
    "receive_output() takes it, and transcript has all",
    "stop": "disconnect() ends it, and drop() lets the client vanish",
}


def _status_in(payload: object) -> object:
    if isinstance(payload, Mapping):  # as the application's own models may have it
        return cast("Mapping[str, object]", payload).get("status_code")
    return getattr(payload, "status_code", None)


def is_of_class(message: object, model: object) -> bool:
    """Whether a message is of a class of its own that was asked for."""
    return not isinstance(message, Mapping) and is_of_type(message, model)


def is_of_type(message: object, model: object) -> bool:
    """Whether a message is of a class, or of one of a union's."""
    return isinstance(model, type | UnionType) and _isinstance(message, model)


def _isinstance(message: object, model: type | UnionType) -> bool:
    try:
        return isinstance(message, model)
    except TypeError:  # such as dict[str, int], which only pydantic can check
        return False


def name_of_type(model: object) -> str:
    """Name a class or a union in a sentence."""
    return model.__name__ if isinstance(model, type) else str(model)
