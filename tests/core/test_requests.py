"""Requests and their replies, among everything else that an application sends."""

import json
from collections.abc import Callable
from typing import Any, Literal

import pytest
from pydantic import BaseModel

from tests.core.scripted import App, Receive, Scope, Send, echo, text
from wstest_core import (
    BytesCodec,
    CamelCaseCodec,
    JsonCodec,
    NoMessage,
    SyncWebsocketCommunicator,
    TextCodec,
    WebsocketCommunicator,
)
from wstest_core.requests import Reference, reference

pytestmark = pytest.mark.anyio


class Ask(BaseModel):
    action: Literal["ask"] = "ask"
    question: str = "why?"


class Answer(BaseModel):
    action: Literal["answer"] = "answer"
    to: Any = None


def answers_with(reply: Callable[[Any], list[Any]]) -> App:
    """Answers each JSON frame with the frames that `reply` makes of it."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        while (event := await receive())["type"] == "websocket.receive":
            for content in reply(json.loads(event["text"])):
                await send(text(json.dumps(content)))

    return app


def among_others(content: Any) -> list[Any]:
    return [{"action": "before"}, {**content, "action": "reply"}, {"action": "after"}]


async def test_the_reply_is_found_and_the_others_stay() -> None:
    """Frames before and after the reply are received later, in their order."""
    async with WebsocketCommunicator(answers_with(among_others), "/") as ws:
        reply = await ws.request({"action": "ask"})
        assert reply["action"] == "reply"
        assert [m["action"] for m in await ws.receive_all_messages()] == [
            "before",
            "after",
        ]


async def test_each_request_has_a_reference_of_its_own() -> None:
    """Two requests never share one, nor do two clients."""
    async with (
        WebsocketCommunicator(echo, "/") as ann,
        WebsocketCommunicator(echo, "/") as bob,
    ):
        refs = [(await ws.request({}))["ref"] for ws in (ann, bob, ann)]
    assert len({*refs}) == 3


async def test_replies_in_another_order() -> None:
    """A reply that comes after others' is found, whoever else was answered first."""
    held: list[Any] = []

    def reply(content: Any) -> list[Any]:
        held.append(content)
        return [] if len(held) == 1 else [held[0], content]

    async with WebsocketCommunicator(answers_with(reply), "/") as ws:
        await ws.send_json({"ref": "first"})
        assert await ws.request({"n": 2}, ref="second") == {"n": 2, "ref": "second"}
        assert await ws.receive_json() == {"ref": "first"}


@pytest.mark.parametrize("field", ["id", "meta.id", ("meta", "id"), ("meta.id",)])
async def test_any_field_can_carry_it(field: Any) -> None:
    """The field may be named otherwise, lie in an object, or have a dot in it."""
    async with WebsocketCommunicator(echo, "/") as ws:
        reply = await ws.request({"meta": {"v": 1}}, field=field, ref=7)
    wanted = {
        "id": {"meta": {"v": 1}, "id": 7},
        "meta.id": {"meta": {"v": 1, "id": 7}},
        ("meta", "id"): {"meta": {"v": 1, "id": 7}},
        ("meta.id",): {"meta": {"v": 1}, "meta.id": 7},
    }
    assert reply == wanted[field]


async def test_the_reply_may_carry_it_elsewhere() -> None:
    """A protocol may say "id" in the request and "reply_to" in the reply."""
    app = answers_with(lambda content: [content, {"reply_to": content["id"]}])
    async with WebsocketCommunicator(app, "/") as ws:
        reply = await ws.request({}, field="id", reply_field="reply_to", ref=7)
        assert reply == {"reply_to": 7}
        assert await ws.receive_json() == {"id": 7}


async def test_models() -> None:
    """A model goes out with the reference beside its fields; so comes the reply."""
    app = answers_with(lambda content: [{"action": "answer", "to": content}])
    async with WebsocketCommunicator(app, "/", messages=Answer) as ws:
        reply = await ws.request(Ask(), reply_field="to.ref", ref="r")
    assert reply == Answer(to={"action": "ask", "question": "why?", "ref": "r"})


async def test_the_field_is_spelled_as_on_the_wire() -> None:
    """A camelCase codec does not respell the reference's field."""
    ws = WebsocketCommunicator(echo, "/", codec=CamelCaseCodec(JsonCodec()))
    async with ws:
        reply = await ws.request({"a_b": 1}, field="requestId", ref=7)
    assert reply == {"a_b": 1, "request_id": 7}


async def test_completion_messages_are_no_reply() -> None:
    """They repeat the reference in chanx, and say nothing."""

    def reply(content: Any) -> list[Any]:
        return [{**content, "action": "complete"}, {**content, "action": "done"}]

    async with WebsocketCommunicator(answers_with(reply), "/") as ws:
        assert (await ws.request({}))["action"] == "done"
        assert await ws.receive_all_messages() == []


async def test_no_reply() -> None:
    """The failure says which reply is missing, at once; other frames are kept."""
    async with WebsocketCommunicator(
        answers_with(lambda content: [{"ref": "another"}, "text", [1]]), "/", name="ann"
    ) as ws:
        with pytest.raises(NoMessage) as failure:
            await ws.request({}, ref=7, timeout=0.1)
        assert str(failure.value).startswith("no reply with ref 7 for ann: nothing ")
        assert await ws.receive_all_json() == [{"ref": "another"}, "text", [1]]


async def test_frames_that_are_not_json_are_passed_over() -> None:
    """A reply is found among text and binary frames; nothing is lost."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        event = await receive()
        await send(text("not JSON"))
        await send({"type": "websocket.send", "bytes": b"\xff"})
        await send({**event, "type": "websocket.send"})
        await receive()

    async with WebsocketCommunicator(app, "/") as ws:
        assert await ws.request({}, ref=7) == {"ref": 7}
        assert await ws.receive_text() == "not JSON"
        assert await ws.receive_bytes() == b"\xff"


async def test_what_was_looked_at_counts() -> None:
    """A reply that a negative check has seen before is found all the same."""
    async with WebsocketCommunicator(echo, "/") as ws:
        await ws.send_json({"ref": 7, "n": 1})
        assert not await ws.receive_nothing()
        assert await ws.request({"n": 2}, ref=7) == {"n": 1, "ref": 7}
        assert await ws.receive_json() == {"n": 2, "ref": 7}


@pytest.mark.parametrize(
    ("message", "field", "text"),
    [
        ([1], "ref", r"a JSON object can carry a reference, not \[1\]: send a"),
        ({"meta": 7}, "meta.id", "the field 'meta' is 7, not a JSON object"),
    ],
)
async def test_a_message_that_cannot_carry_it(
    message: Any, field: str, text: str
) -> None:
    """It is refused before anything is sent, with the place to look at."""
    async with WebsocketCommunicator(echo, "/") as ws:
        with pytest.raises(TypeError, match=text):
            await ws.request(message, field=field)
        assert await ws.receive_nothing()


@pytest.mark.parametrize(
    ("codec", "message"), [(TextCodec(), "hello"), (BytesCodec(), b"\xff")]
)
async def test_a_codec_that_does_not_write_json(codec: Any, message: Any) -> None:
    """What it sends can carry no reference and no topic, and it says what can."""
    async with WebsocketCommunicator(echo, "/", codec=codec) as ws:
        remedy = "send a dict or a model, with a codec that writes JSON$"
        with pytest.raises(TypeError, match=rf"carry a reference, .*: {remedy}"):
            await ws.request(message)
        with pytest.raises(TypeError, match=rf"carry a topic or a ref, .*: {remedy}"):
            await ws.send_message(message, ref="1")
        assert await ws.receive_nothing()


async def test_no_field() -> None:
    """A field must have a name, at each step."""
    for field in ("", (), "a..b"):
        with pytest.raises(ValueError, match="give the name of the field"):
            reference(field)
    assert str(Reference(("a", "b"), 1)) == "a.b 1"


async def test_binary_frames() -> None:
    """A reference goes into a binary frame where the codec writes those."""
    codec = JsonCodec(binary=True)
    async with WebsocketCommunicator(echo, "/", codec=codec) as ws:
        assert await ws.request({}, ref=7) == {"ref": 7}
        assert "b'" in str(ws.transcript)
    assert reference("id", 7).put_into(BytesCodec().encode(b"{}")) == b'{"id":7}'


async def test_sync_twin() -> None:
    """Plain tests ask in the same words."""
    assert "request" in vars(SyncWebsocketCommunicator)
