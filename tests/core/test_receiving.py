"""Receiving one message, or as many as belong together."""

import asyncio
import json
from datetime import date
from functools import partial
from typing import Annotated, Any, Literal, Union

import anyio
import pytest
from pydantic import BaseModel, TypeAdapter

from tests.backends import asyncio_only, proving_only
from tests.core.scripted import (
    ACCEPT,
    Receive,
    Scope,
    Send,
    answers,
    closes_with,
    crashes_after,
    echo,
    says,
    text,
)
from wstest_core import (
    ApplicationCrashed,
    AuthenticationMessage,
    BaseMessage,
    BytesCodec,
    CamelCaseCodec,
    CompleteMessage,
    ConnectionClosed,
    JsonCodec,
    ModelCodec,
    NoMessage,
    PongMessage,
    UndecodableFrame,
    UnexpectedMessage,
    WebsocketCommunicator,
    on_action,
    on_close,
    on_count,
    on_match,
    on_type,
    when_quiet,
)

pytestmark = pytest.mark.anyio


class Token(BaseMessage):
    action: Literal["token"] = "token"
    payload: str


class Done(BaseMessage):
    action: Literal["done"] = "done"
    payload: int


def frame(action: str, payload: Any = None) -> str:
    return json.dumps({"action": action, "payload": payload})


A, B = frame("token", "a"), frame("token", "b")
COMPLETE, GROUP, EVENT = map(frame, ("complete", "group_complete", "event_complete"))


def stream(*frames: str) -> WebsocketCommunicator[Token | Done]:
    return WebsocketCommunicator(says(*frames), "/", messages=Token | Done)


async def test_each_kind_of_frame() -> None:
    """Text, bytes and JSON come back as they were sent, empty frames too."""
    async with WebsocketCommunicator(echo, "/") as ws:
        for verb, back, value in (
            (ws.send_text, ws.receive_text, ""),
            (ws.send_text, ws.receive_from, "x"),
            (ws.send_bytes, ws.receive_bytes, b""),
            (ws.send_json, ws.receive_json, {"é": [1, None, 2.5]}),
            (ws.send_json_to, ws.receive_json_from, []),
            (ws.send_message, ws.receive_message, "just JSON"),
        ):
            await verb(value)
            assert await back() == value
        await ws.send_to(bytes_data=b"\x00")
        assert await ws.receive_bytes() == b"\x00"


async def test_bad_input_harms_nothing() -> None:
    """Each mistake is one clear error, and the socket stays usable."""
    async with WebsocketCommunicator(echo, "/") as ws:
        with pytest.raises(TypeError, match="send_text takes str, not bytes"):
            await ws.send_text(b"x")  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="send_bytes takes bytes, not str"):
            await ws.send_bytes("x")  # type: ignore[arg-type]
        for both in (("x", b"x"), (None, None)):
            with pytest.raises(ValueError, match="exactly one of text_data and"):
                await ws.send_to(*both)
        with pytest.raises(TypeError, match=r"\['when'\], of type object"):
            await ws.send_json({"when": object()})
        for timeout in (-1, float("nan")):
            with pytest.raises(ValueError, match="give seconds, 0 or more"):
                await ws.receive_json(timeout=timeout)
            with pytest.raises(ValueError, match="give seconds, 0 or more"):
                await ws.receive_nothing(timeout)
        await ws.send_text("fine")
        assert await ws.receive_text() == "fine"


async def test_the_wrong_kind_of_frame() -> None:
    """Bytes where text was meant, and the reverse, say what came."""
    async with WebsocketCommunicator(echo, "/") as ws:
        await ws.send_bytes(b"\x00")
        with pytest.raises(UnexpectedMessage, match=r"no text frame .* b'\\x00'"):
            await ws.receive_text()
        await ws.send_text("x")
        with pytest.raises(UnexpectedMessage, match=r"no binary frame .* 'x'"):
            await ws.receive_bytes()
        await ws.send_text("{")
        with pytest.raises(UndecodableFrame, match="not JSON"):
            await ws.receive_json()
        assert await ws.receive_nothing()


async def test_models_are_decoded_and_checked() -> None:
    """messages= decodes into models; receive_message(Model) insists on one."""
    async with stream(A, B, frame("done", 1)) as ws:
        assert await ws.receive_message() == Token(payload="a")
        assert await ws.receive_message(Token) == Token(payload="b")
        with pytest.raises(UnexpectedMessage, match="no Token for client: Done"):
            await ws.receive_message(Token)


async def test_a_model_without_messages() -> None:
    """receive_message(Model) validates what JSON holds."""
    async with WebsocketCommunicator(says(A, '{"x":1}', "3"), "/") as ws:
        assert await ws.receive_message(Token) == Token(payload="a")
        for _ in range(2):
            with pytest.raises(UnexpectedMessage, match="no Token"):
                await ws.receive_message(Token)


async def test_a_codec_of_ones_own() -> None:
    """codec= says how messages become frames."""
    async with WebsocketCommunicator(echo, "/", codec=BytesCodec()) as ws:
        await ws.send_message(b"raw")
        assert await ws.receive_message() == b"raw"


async def test_completions_are_skipped_unless_asked_for() -> None:
    """receive_message() passes over completion messages."""
    async with stream(COMPLETE, A, GROUP, EVENT, COMPLETE) as ws:
        assert await ws.receive_message() == Token(payload="a")
        done = await ws.receive_message(CompleteMessage)
        assert done == CompleteMessage()


async def test_collecting_to_the_completion() -> None:
    """receive_all_messages() stops at "complete" and leaves it out."""
    async with stream(A, B, COMPLETE, frame("done", 1)) as ws:
        found = await ws.receive_all_messages()
        assert found == [Token(payload="a"), Token(payload="b")]
        assert await ws.receive_all_messages() == [Done(payload=1)]
        assert await ws.receive_all_messages() == []


@pytest.mark.parametrize("stop", ["group_complete", "event_complete"])
async def test_collecting_to_other_completions(stop: str) -> None:
    """The other completion actions stop too, and the first does not."""
    async with stream(A, COMPLETE, B, frame(stop), frame("done", 1)) as ws:
        assert len(await ws.receive_all_messages(stop)) == 2
        assert await ws.receive_all_messages(stop) == [Done(payload=1)]


async def test_collecting_to_ones_own_action() -> None:
    """The message with a custom stop action is the last in the list."""
    async with stream(A, frame("done", 1), B) as ws:
        found = await ws.receive_all_messages("done")
        assert found == [Token(payload="a"), Done(payload=1)]
        ws.ignore_remaining()


async def test_an_old_completion_does_not_stop_the_next_collection() -> None:
    """A completion left behind by a custom stop belongs to an answered message."""
    app = answers(
        first=[A, frame("done", 1), COMPLETE], second=[B, frame("done", 2), COMPLETE]
    )
    async with WebsocketCommunicator(app, "/", messages=Token | Done) as ws:
        for name in ("first", "second"):
            await ws.send_text(name)
            assert len(await ws.receive_all_messages("done")) == 2
            await ws.send_text(name)
            assert len(await ws.receive_all_messages()) == 2


async def test_an_old_completion_after_single_receives() -> None:
    """Reading replies one by one leaves completions that must not stop anything."""
    app = answers(ask=[A, COMPLETE])
    async with WebsocketCommunicator(app, "/", messages=Token | Done) as ws:
        await ws.send_text("ask")
        assert await ws.receive_json() == json.loads(A)
        await ws.send_text("ask")
        assert await ws.receive_all_messages() == [Token(payload="a")]


async def test_two_messages_two_collections() -> None:
    """Messages sent together are collected one after the other, as in chanx."""
    app = answers(one=[A, COMPLETE], two=[B, COMPLETE])
    async with WebsocketCommunicator(app, "/", messages=Token | Done) as ws:
        await ws.send_text("one")
        await ws.send_text("two")
        assert await ws.receive_all_messages() == [Token(payload="a")]
        assert await ws.receive_all_messages() == [Token(payload="b")]


async def test_collecting_ends_with_the_connection() -> None:
    """A close ends a collection; a crash is raised only when nothing came before."""
    async with WebsocketCommunicator(closes_with(4000, "", "1", "2"), "/") as ws:
        assert await ws.receive_all_messages() == [1, 2]
        assert await ws.receive_all_messages() == []
    async with WebsocketCommunicator(crashes_after(2), "/") as ws:
        assert await ws.receive_all_messages() == [0, 1]
        with pytest.raises(ApplicationCrashed):
            await ws.receive_all_messages()


async def test_all_json_has_the_completions_too() -> None:
    """receive_all_json() returns every frame that comes."""
    async with stream(A, COMPLETE, B) as ws:
        actions = [content["action"] for content in await ws.receive_all_json()]
        assert actions == ["token", "complete", "token"]


async def test_an_undecodable_frame_in_a_collection() -> None:
    """It is raised with what came before, and what follows can still be read."""
    async with stream(A, "not json", B) as ws:
        with pytest.raises(UndecodableFrame) as failure:
            await ws.receive_all_messages()
        assert failure.value.messages == [Token(payload="a")]
        assert await ws.receive_message() == Token(payload="b")


@pytest.mark.parametrize(
    ("stop", "count"),
    [
        (on_action("done"), 3),
        (on_type(Done), 3),
        (on_count(2), 2),
        (on_match(lambda message: getattr(message, "payload", None) == "b"), 2),
        (when_quiet(0.01), 4),
        (on_count(9) | on_action("done"), 3),
    ],
    ids=str,
)
async def test_until(stop: Any, count: int) -> None:
    """Every kind of stop ends a collection, with the message that met it."""
    async with stream(A, B, frame("done", 1), A) as ws:
        assert len(await ws.receive_until(stop)) == count
        ws.ignore_remaining()


async def test_until_the_close() -> None:
    """on_close() is met by the end of the connection."""
    async with WebsocketCommunicator(closes_with(4000, "", "1"), "/") as ws:
        assert await ws.receive_until(on_close()) == [1]
        assert await ws.receive_nothing(), "the end is known to the test"


async def test_until_what_cannot_come() -> None:
    """A stop that cannot be met raises NoMessage with what did come."""
    async with stream(A, B) as ws:
        with pytest.raises(NoMessage, match="no action 'done' for client") as failure:
            await ws.receive_until(on_action("done"), timeout=0.05)
        assert failure.value.messages == [Token(payload="a"), Token(payload="b")]
    async with WebsocketCommunicator(closes_with(4000, "", "1"), "/") as ws:
        with pytest.raises(ConnectionClosed) as closed:
            await ws.receive_until(on_count(2))
        assert closed.value.messages == [1]
        assert isinstance(closed.value, NoMessage)


async def test_nothing_takes_nothing() -> None:
    """receive_nothing() tells whether something came and leaves it there."""
    async with WebsocketCommunicator(says("a", "b"), "/") as ws:
        assert not await ws.receive_nothing()
        assert not await ws.receive_nothing()
        assert [await ws.receive_text() for _ in "ab"] == ["a", "b"]
        assert await ws.receive_nothing()


async def test_nothing_sees_ends_and_crashes() -> None:
    """A close is something that arrived; a crash is raised."""
    async with WebsocketCommunicator(closes_with(4000), "/") as ws:
        assert not await ws.receive_nothing()
        await ws.expect_closed(4000)
        assert await ws.receive_nothing()
    async with WebsocketCommunicator(crashes_after(0), "/") as ws:
        with pytest.raises(ApplicationCrashed):
            await ws.receive_nothing()


async def test_nothing_passes_over_completions() -> None:
    """A completion message is nothing, and is still there for a collection."""
    async with stream(COMPLETE) as ws:
        assert await ws.receive_nothing()
        assert [frame["action"] for frame in await ws.receive_all_json()] == [
            "complete"
        ]


async def test_expectations() -> None:
    """expect() compares fields, a model with a dict too, and shows what differs."""
    async with stream(A, B, frame("done", 2)) as ws:
        assert await ws.expect(Token, payload="a") == Token(payload="a")
        with pytest.raises(
            UnexpectedMessage, match=r"payload: expected 'x', found 'b'"
        ):
            await ws.expect(Token, payload="x")
        with pytest.raises(UnexpectedMessage, match="no silence for client"):
            await ws.expect_nothing()
        await ws.skip()
        await ws.expect_nothing()


async def test_expected_closes() -> None:
    """expect_closed() wants the close next; assert_closed() looks past frames."""
    async with WebsocketCommunicator(closes_with(4000, "x", "frame"), "/") as ws:
        with pytest.raises(UnexpectedMessage, match="a frame came first: 'frame'"):
            await ws.expect_closed(4000)
        await ws.assert_closed(4000)
        with pytest.raises(UnexpectedMessage, match="no close with code 4001"):
            await ws.assert_closed(4001)
        assert await ws.receive_text() == "frame"
        await ws.expect_closed(4000, "x")
        with pytest.raises(UnexpectedMessage, match="no close with reason 'y'"):
            await ws.expect_closed(reason="y")
    async with WebsocketCommunicator(echo, "/", timeout=0.05) as ws:
        with pytest.raises(NoMessage, match="no close for client"):
            await ws.expect_closed()
        with pytest.raises(UnexpectedMessage, match="the connection is open"):
            await ws.assert_closed()


def authentication(status: int) -> str:
    return frame("authentication", {"status_code": status, "status_text": "OK"})


async def test_authentication_messages() -> None:
    """wait_for_auth() takes the authentication message, and nothing else."""
    async with WebsocketCommunicator(says(authentication(200), A), "/") as ws:
        found = await ws.wait_for_auth()
        assert found is not None
        assert found.payload.status_text == "OK"
        assert await ws.wait_for_auth() is None
        with pytest.raises(UnexpectedMessage, match="no authentication message"):
            await ws.wait_for_auth(send_authentication_message=True)
        assert await ws.receive_json() == json.loads(A)
        with pytest.raises(NoMessage):
            await ws.assert_authenticated_status_ok(max_auth_time=0.01)


async def test_authentication_status() -> None:
    """assert_authenticated_status_ok() wants status 200."""
    app = says(authentication(200), authentication(403))
    async with WebsocketCommunicator(app, "/") as ws:
        await ws.assert_authenticated_status_ok()
        with pytest.raises(UnexpectedMessage, match="status 403, not 200"):
            await ws.assert_authenticated_status_ok()


async def test_a_cancelled_receive_loses_nothing() -> None:
    """A receive that was cancelled harms neither frames nor application."""
    go = anyio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(ACCEPT)
        await go.wait()
        for number in range(3):
            await send(text(str(number)))
        await receive()
        await receive()

    async with WebsocketCommunicator(app, "/") as ws:
        with anyio.move_on_after(0):
            await ws.receive_text()
        go.set()
        assert [await ws.receive_text() for _ in range(3)] == ["0", "1", "2"]


@asyncio_only
async def test_a_timeout_that_meets_a_frame_loses_nothing() -> None:
    """A frame that arrives in the turn in which a timeout strikes is kept."""
    lost = 0
    async with WebsocketCommunicator(echo, "/") as ws:
        for number in range(300):
            await ws.send_text(str(number))
            waiting = asyncio.ensure_future(ws.receive_text())
            for _ in range(number % 5):
                await asyncio.sleep(0)
            waiting.cancel()
            try:
                frame = await waiting
            except asyncio.CancelledError:
                frame = await ws.receive_text()
            lost += frame != str(number)
    assert lost == 0


@proving_only
async def test_a_released_waiter_may_cause_what_another_waits_for() -> None:
    """Waits end in the order of their deadlines, and what follows still counts."""
    async with (
        WebsocketCommunicator(echo, "/") as alice,
        WebsocketCommunicator(echo, "/") as bob,
    ):
        received: list[str] = []

        async def patient() -> None:
            received.append(await alice.receive_text(timeout=5))

        async def busy() -> None:
            assert await bob.receive_nothing(timeout=1)
            await alice.send_text("now")

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(patient)
            tasks.start_soon(busy)
        assert received == ["now"]


async def test_a_broadcast_reaches_everybody() -> None:
    """Several communicators share a loop and an application."""
    members: list[Send] = []

    async def room(scope: Scope, receive: Receive, send: Send) -> None:
        await send(ACCEPT)
        members.append(send)
        while (event := await receive())["type"] != "websocket.disconnect":
            for member in members if "text" in event else ():
                await member(text(event["text"]))

    async with (
        WebsocketCommunicator(room, "/", name="alice") as alice,
        WebsocketCommunicator(room, "/", name="bob") as bob,
    ):
        await alice.send_text("hello")
        assert await bob.receive_text() == await alice.receive_text() == "hello"


async def test_ten_thousand_frames() -> None:
    """A flood is neither lost nor reordered, and does not starve the test."""
    count = 10_000
    async with WebsocketCommunicator(says(*map(str, range(count))), "/") as ws:
        assert await ws.receive_all_messages() == list(range(count))


async def test_a_pong_of_the_library() -> None:
    """The ready-made messages go through ModelCodec like any other."""
    ws = WebsocketCommunicator(says(frame("pong")), "/", messages=PongMessage)
    async with ws:
        assert await ws.receive_message() == PongMessage()


async def test_a_message_says_what_it_is() -> None:
    """A frame without an action is not taken for a model whose action has a default."""
    for options in ({}, {"messages": PongMessage}):
        async with WebsocketCommunicator(says('{"a":1}'), "/", **options) as ws:
            with pytest.raises((UnexpectedMessage, UndecodableFrame), match="'action'"):
                await ws.expect(PongMessage)


async def test_unions_and_forms_of_types() -> None:
    """receive_message() takes a union, and what only pydantic can check."""
    async with WebsocketCommunicator(says(A, A, "3"), "/") as ws:
        assert await ws.receive_message(dict[str, Any]) == json.loads(A)
        with pytest.raises(UnexpectedMessage, match="no int for client"):
            await ws.receive_message(int)
        assert await ws.receive_message(int | str) == 3
    async with stream(A) as models:
        assert await models.receive_message(Token | Done) == Token(payload="a")


async def test_expecting_what_is_no_field() -> None:
    """expect() knows the fields, of dicts too."""
    async with stream(A) as ws:
        with pytest.raises(
            TypeError, match="no field 'paylod'; it has action, payload"
        ):
            await ws.expect(Token, paylod="a")
    async with WebsocketCommunicator(says(A), "/") as ws:
        assert await ws.expect(dict, action="token") == json.loads(A)


@pytest.mark.parametrize(
    "model",
    [
        {"type": "price"},
        "hello",
        3,
        None,
        TypeAdapter(int),
        Token(payload="a"),
    ],
)
async def test_expecting_what_is_no_type(model: Any) -> None:
    """A value in the place of a type is refused before a frame is taken."""
    async with stream(A) as ws:
        with pytest.raises(TypeError) as refusal:
            await ws.expect(model)
        assert str(refusal.value) == (
            f"expect takes a class or a type, not {model!r}: "
            "compare JSON with receive_json()"
        )
        if model is not None:
            with pytest.raises(TypeError, match="receive_message takes a class"):
                await ws.receive_message(model)
        assert await ws.receive_json() == json.loads(A)


async def test_expecting_any_form_of_type() -> None:
    """What pydantic knows is a type, and so is any class of a codec."""
    kinds: list[Any] = [
        *(dict, dict[str, Any], Any, Token | Done, Annotated[Token, "of words"]),
        *(Union[Token, Done], Literal["x"] | Token),  # noqa: UP007
    ]
    async with WebsocketCommunicator(says(*[A] * len(kinds)), "/") as ws:
        for kind in kinds:
            assert await ws.receive_message(kind)


async def test_expecting_a_class_that_only_a_codec_can_make() -> None:
    """Without that codec one sentence says what came."""

    class Price: ...

    async with WebsocketCommunicator(says(A), "/") as ws:
        with pytest.raises(UnexpectedMessage) as failure:
            await ws.expect(Price)
        line = f"no Price for client: {json.loads(A)!r} came"
        assert str(failure.value).startswith(line)


async def test_skipping_what_the_codec_does_not_understand() -> None:
    """Each such frame counts as one; completion messages do not count."""

    async def binary(send: Send) -> None:
        await send({"type": "websocket.send", "bytes": b"\xff"})
        await send(text(B))

    app = says("{", COMPLETE, '{"action":"unknown"}', GROUP, "", then=binary)
    async with WebsocketCommunicator(app, "/", messages=Token | Done) as ws:
        await ws.skip(4)
        assert await ws.receive_message() == Token(payload="b")
        with pytest.raises(NoMessage):
            await ws.skip()


async def test_a_skipped_frame_is_an_answer() -> None:
    """The completion that belongs to it does not stop the next collection."""
    app = answers(ask=["{", COMPLETE], again=[A, COMPLETE])
    async with WebsocketCommunicator(app, "/", messages=Token | Done) as ws:
        await ws.send_text("ask")
        await ws.skip()
        await ws.send_text("again")
        assert await ws.receive_all_messages() == [Token(payload="a")]


OF_A_NAME = (
    "'done': on_action('done'), "
    """on_action('done', field="type") or on_match(...)"""
)


def is_done(message: object) -> bool:
    return bool(message)


@pytest.mark.parametrize(
    ("stop", "advice"),
    [
        ("done", OF_A_NAME),
        (is_done, "is_done: on_match(...) makes one of a function"),
        (Token, "the class Token: on_type(Token)"),
        (3, "3: on_count(3)"),
        (None, "a NoneType: on_action('done') makes one, or on_match(...)"),
    ],
)
async def test_what_is_no_stop(stop: Any, advice: str) -> None:
    """receive_until() says which stop such a value makes, and takes nothing."""
    async with stream(A) as ws:
        with pytest.raises(TypeError) as refusal:
            await ws.receive_until(stop)
        assert str(refusal.value) == f"receive_until takes a Stop, not {advice}"
        assert await ws.receive_json() == json.loads(A)


@pytest.mark.parametrize("function", [lambda _: True, partial(is_done, 1)])
async def test_a_function_is_no_stop(function: Any) -> None:
    """A function without a name is said without an address."""
    async with stream() as ws:
        with pytest.raises(TypeError, match=r"on_match\(\.\.\.\)") as refusal:
            await ws.receive_until(function)
        assert " at 0x" not in str(refusal.value)


async def test_collecting_unconnected() -> None:
    """Collecting without a connection says so."""
    for verb in ("receive_all_messages", "receive_all_json"):
        with pytest.raises(RuntimeError, match="is not connected"):
            await getattr(stream(), verb)()


async def test_an_undecodable_frame_has_its_context() -> None:
    """Whose frame it was and what the application does stand in the error."""
    async with WebsocketCommunicator(says("{"), "/", name="alice") as ws:
        with pytest.raises(
            UndecodableFrame, match=r"frame for alice: not JSON: .*column 2"
        ) as failure:
            await ws.receive_json()
        assert "<- {" in str(failure.value)
        assert failure.value.frame == "{"
        assert failure.value.__cause__ is failure.value.__context__ is None


async def test_camel_case_authentication() -> None:
    """The authentication message is understood in the codec's spelling."""
    sent = frame("authentication", {"statusCode": 200, "statusText": "OK"})
    codec = CamelCaseCodec(JsonCodec())
    async with WebsocketCommunicator(says(sent), "/", codec=codec) as ws:
        await ws.assert_authenticated_status_ok()
    async with WebsocketCommunicator(says(frame("authentication")), "/") as ws:
        with pytest.raises(UnexpectedMessage, match="no AuthenticationMessage"):
            await ws.wait_for_auth()


class Sort(BaseModel):
    model: str = "a"
    action: Literal["sort"] = "sort"


async def test_field_named_as_an_argument() -> None:
    """expect() takes any field, `model` too."""
    async with WebsocketCommunicator(
        says('{"action": "sort", "model": "gpt"}'), "/", messages=Sort
    ) as ws:
        assert (await ws.expect(Sort, model="gpt")).model == "gpt"


async def test_completion_is_no_dict_that_was_asked_for() -> None:
    """receive_message(dict) skips completion messages, as receive_message() does."""
    frames = ('{"action": "complete"}', '{"action": "sort"}')
    async with WebsocketCommunicator(says(*frames), "/") as ws:
        assert await ws.receive_message(dict) == {"action": "sort"}


async def test_completions_in_another_field_do_not_count() -> None:
    """on_count() counts no completion message, whichever field says that it is one."""
    frames = ('{"type": "a"}', '{"type": "complete"}', '{"type": "b"}')
    codec = ModelCodec(dict[str, str], field="type")
    async with WebsocketCommunicator(says(*frames), "/", codec=codec) as ws:
        found = await ws.receive_until(on_count(2))
    assert found == [{"type": "a"}, {"type": "b"}]


async def test_receive_all_json_counts_completions() -> None:
    """A completion message that it has read stops no later collection, nor is owed."""
    replies = {"x": ['{"action": "a"}', '{"action": "complete"}']}
    replies["y"] = replies["x"][1:]
    async with WebsocketCommunicator(answers(**replies), "/") as ws:
        await ws.send_text("x")
        assert len(await ws.receive_all_json()) == 2
        await ws.send_text("y")
        assert await ws.receive_until(on_action("complete")) == []


@pytest.mark.parametrize("timeout", ["1", None])
async def test_seconds_that_are_no_number(timeout: Any) -> None:
    """They are one clear TypeError, in the verbs with defaults of their own, too."""
    async with WebsocketCommunicator(says(), "/") as ws:
        with pytest.raises(TypeError, match="give seconds, as a number"):
            await ws.receive_nothing(timeout)
        with pytest.raises(TypeError, match="give seconds, as a number"):
            await ws.wait_for_auth(max_auth_time=timeout)


async def test_camel_case_around_models_with_a_field_of_their_own() -> None:
    """Completion messages are told by the field that the inner codec has."""

    class Price(BaseModel):
        kind_of: Literal["price"] = "price"

    class Complete(BaseModel):
        kind_of: Literal["complete"] = "complete"

    codec = CamelCaseCodec(ModelCodec(Price | Complete, field="kind_of"))
    app = says('{"kindOf":"price"}', '{"kindOf":"complete"}')
    async with WebsocketCommunicator(app, "/", codec=codec) as ws:
        assert await ws.receive_all_messages() == [Price()]


async def test_json_as_channels_writes_it() -> None:
    """send_json_to() writes what json.dumps() writes, and what that does not take."""
    content = {"a": [1, None], None: "ü"}
    async with WebsocketCommunicator(echo, "/") as ws:
        await ws.send_json_to(content)
        assert await ws.receive_from() == json.dumps(content)
        await ws.send_json_to({"at": date(2026, 1, 2)})
        assert await ws.receive_from() == '{"at":"2026-01-02"}'
        with pytest.raises(TypeError, match=r"message\['a'\], of type object"):
            await ws.send_json_to({"a": object()})


class Greeted(BaseModel):
    """An authentication message of the application's own."""

    action: Literal["authentication"] = "authentication"
    payload: dict[str, Any] = {}


async def test_authentication_message_of_the_application() -> None:
    """The codec's model is returned, where it has one for that message."""
    content = {"status_code": 200, "status_text": "OK"}
    sent = frame("authentication", content)
    async with WebsocketCommunicator(says(sent), "/", messages=Greeted) as ws:
        assert await ws.wait_for_auth() == Greeted(payload=content)
    async with WebsocketCommunicator(says(sent), "/", messages=Greeted) as ws:
        await ws.assert_authenticated_status_ok()
    async with WebsocketCommunicator(says(sent), "/", messages=Token) as ws:
        assert type(await ws.wait_for_auth()) is AuthenticationMessage
