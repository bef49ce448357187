"""Envelopes on flat frames, without chanx: what goes out and what comes in."""

import json
from typing import Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, TypeAdapter

from tests.core.scripted import Receive, Scope, Send, echo, text
from tests.core.test_requests import answers_with
from wstest_core import (
    CamelCaseCodec,
    JsonCodec,
    ModelCodec,
    NoMessage,
    PingMessage,
    PongMessage,
    SyncWebsocketCommunicator,
    UndecodableFrame,
    WebsocketCommunicator,
    check_codec,
    on_action,
)
from wstest_core.capture import capture_topic_broadcasts
from wstest_core.topics import (
    ENVELOPE_VERSION,
    Addressed,
    TopicCodec,
    addressed,
)

pytestmark = pytest.mark.anyio


class Progress(BaseModel):
    model_config = ConfigDict(extra="forbid")

    action: Literal["progress"] = "progress"
    payload: Any = None


class Runs:
    """A topic class as chanx's are, as far as a codec looks."""

    outgoing_message_adapter = TypeAdapter(Progress)

    @classmethod
    def parse(cls, topic: str) -> dict[str, str] | None:
        kind, _, run = topic.partition(":")
        return {"run": run} if kind == "run" else None

    @classmethod
    async def broadcast(
        cls, topic: str, event: object, *, seq: int | None = None
    ) -> None:
        delivered.append((cls, topic, event, seq))


class SpecialRuns(Runs):
    pass


delivered: list[object] = []


async def test_what_goes_out() -> None:
    """Topic, version and ref stand beside the message; without them nothing does."""
    async with WebsocketCommunicator(echo, "/") as ws:
        await ws.send_message(PingMessage(), topic="run:1", ref="7")
        await ws.send_message(PingMessage(), ref="8")
        await ws.send_message(PingMessage())
        ping = {"action": "ping", "payload": None}
        assert await ws.receive_all_json() == [
            {**ping, "version": ENVELOPE_VERSION, "topic": "run:1", "ref": "7"},
            {**ping, "ref": "8"},
            ping,
        ]


async def test_only_objects_have_an_envelope() -> None:
    """A list or a text is refused before it is sent."""
    with pytest.raises(TypeError, match="only a JSON object"):
        addressed("[1]", topic="run:1", ref=None)
    assert addressed("[1]", topic=None, ref=None) == "[1]"
    assert addressed(b"{}", topic=None, ref="7") == b'{"ref":"7"}'


def hub(content: Any) -> list[Any]:
    """Answers a subscription as chanx does, after something else."""
    envelope = {key: content[key] for key in ("version", "topic", "ref")}
    if content["topic"] == "secret":
        error = {"action": "error", "payload": {"reason": "unauthorized"}}
        return [{**error, **envelope}]
    pushed = {"action": "progress", "payload": 1, "version": 1, "topic": "run:2"}
    another = {**envelope, "topic": "run:2", "action": "subscribed"}
    done = {**envelope, "action": f"{content['action']}d", "payload": None}
    return [pushed, another, done, {"action": "hello"}]


async def test_subscribing() -> None:
    """The reply is the one with topic and ref; what else came stays in order."""
    async with WebsocketCommunicator(answers_with(hub), "/") as ws:
        reply = await ws.subscribe("run:1")
        assert reply == {
            "action": "subscribed",
            "payload": None,
            "version": 1,
            "topic": "run:1",
            "ref": "1",
        }
        left = [message["action"] for message in await ws.receive_all_json()]
        assert left == ["progress", "subscribed", "hello"]
        reply = await ws.unsubscribe("run:1", ref="x")
        assert (reply["action"], reply["ref"]) == ("unsubscribed", "x")
        ws.ignore_remaining()


async def test_a_refused_subscription() -> None:
    """An error is a reply too."""
    async with WebsocketCommunicator(answers_with(hub), "/") as ws:
        reply = await ws.subscribe("secret")
        assert reply["payload"] == {"reason": "unauthorized"}


async def test_no_answer_to_a_subscription() -> None:
    """The failure says what was asked for, at once."""
    silent = answers_with(lambda content: [])
    async with WebsocketCommunicator(silent, "/", name="ann") as ws:
        with pytest.raises(NoMessage) as failure:
            await ws.subscribe("run:1", timeout=0.1)
    expected = "no reply with topic 'run:1' and ref '1' for ann"
    assert str(failure.value).startswith(expected)


async def test_messages_of_a_topic() -> None:
    """They are decoded by the topic's models, which see no envelope."""

    def reply(content: Any) -> list[Any]:
        envelope = {"version": 1, "topic": "run:1", "seq": 4}
        return [
            {"action": "complete"},
            {**envelope, "action": "progress", "payload": 5},
            {"action": "progress"},
            {**envelope, "action": "other"},
        ]

    async with WebsocketCommunicator(answers_with(reply), "/") as ws:
        await ws.send_json({})
        assert await ws.receive_topic_message(Runs) == Progress(payload=5)
        assert await ws.receive_topic_message(Runs) == Progress()
        with pytest.raises(UndecodableFrame, match="progress"):
            await ws.receive_topic_message(Runs)
        with pytest.raises(NoMessage, match="no message of a topic"):
            await ws.receive_topic_message(Runs, timeout=0.1)


async def test_topics_are_spelled_as_the_client_spells() -> None:
    """Over a camelCase connection a topic's messages are in camelCase."""
    wire = {"version": 1, "topic": "run:1", "action": "progress"}
    app = answers_with(lambda content: [{**wire, "payload": {"partsDone": 1}}])
    async with WebsocketCommunicator(app, "/", codec=CamelCaseCodec(JsonCodec())) as ws:
        await ws.send_json({})
        found = await ws.receive_topic_message(Runs)
        assert found == Progress(payload={"parts_done": 1})
    codec = TopicCodec(CamelCaseCodec(JsonCodec()), [Runs])
    async with WebsocketCommunicator(app, "/", codec=codec) as ws:
        await ws.send_json({})
        found = await ws.receive_message()
        assert found == Addressed(Progress(payload={"parts_done": 1}), topic="run:1")


CODEC = TopicCodec(ModelCodec(PingMessage | PongMessage), topics=(Runs,))


@pytest.mark.parametrize(
    "message",
    [
        Addressed(PongMessage()),
        Addressed(Progress(payload=1), topic="run:1"),
        Addressed(Progress(payload=1), topic="run:1", ref="7"),
    ],
    ids=str,
)
async def test_the_codec_there_and_back(message: Addressed[Any]) -> None:
    """What is encoded comes back with its topic and ref."""
    assert CODEC.decode(CODEC.encode(message)) == message


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"action": "pong"}, Addressed(PongMessage())),
        (
            {"action": "pong", "version": 1, "ref": "7"},
            Addressed(PongMessage(), None, "7"),
        ),
        (
            {"action": "progress", "version": 1, "topic": "run:1", "seq": 3},
            Addressed(Progress(), "run:1", None, 3),
        ),
        (
            {"action": "pong", "version": 1, "topic": "else"},
            Addressed(PongMessage(), "else"),
        ),
        (
            {"action": "subscribed", "version": 1, "topic": "run:1", "ref": "1"},
            Addressed({"action": "subscribed"}, "run:1", "1"),
        ),
    ],
)
async def test_the_codec_reads(content: Any, message: Addressed[Any]) -> None:
    """By topic where there is one that is known, else by the codec inside."""
    assert CODEC.decode(json.dumps(content)) == message


async def test_the_codec_keeps_the_rules() -> None:
    """It passes the check that every codec passes."""
    check_codec(TopicCodec(JsonCodec()), [Addressed({"a": 1}, topic="run:1")])


async def test_stops_see_through_the_envelope() -> None:
    """An addressed message has the action of its message."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        for number in range(3):
            frame = {"action": "progress", "payload": number}
            frame |= {"version": 1, "topic": f"run:{number}"}
            await send(text(json.dumps(frame)))
        await send(text(json.dumps({"action": "complete", "version": 1, "ref": "1"})))
        await receive()

    async with WebsocketCommunicator(app, "/", codec=CODEC) as ws:
        (first,) = await ws.receive_until(on_action("progress"))
        assert first.topic == "run:0"
        rest = await ws.receive_all_messages()
        assert [found.topic for found in rest] == ["run:1", "run:2"]


async def test_capturing_what_a_topic_publishes() -> None:
    """Topic, event and seq are recorded; nothing is delivered unless asked."""
    delivered.clear()
    with capture_topic_broadcasts(Runs) as captured:
        await Runs.broadcast("run:1", "done", seq=3)
        await SpecialRuns.broadcast("run:2", "done")
    assert [(c.topic, c.event, c.seq) for c in captured] == [
        ("run:1", "done", 3),
        ("run:2", "done", None),
    ]
    assert delivered == []
    await Runs.broadcast("run:3", "done")
    assert len(captured) == 2


async def test_capturing_and_delivering() -> None:
    """Through a subclass it is the subclass that publishes; all is put back."""
    delivered.clear()
    before = vars(Runs)["broadcast"]
    with (
        capture_topic_broadcasts(SpecialRuns, suppress=False) as special,
        capture_topic_broadcasts(Runs, suppress=False) as all_of_them,
    ):
        await SpecialRuns.broadcast("run:1", event="done", seq=1)
        await Runs.broadcast("run:2", "done")
    assert [c.topic for c in special] == ["run:1"]
    assert [c.topic for c in all_of_them] == ["run:1", "run:2"]
    assert delivered == [
        (SpecialRuns, "run:1", "done", 1),
        (Runs, "run:2", "done", None),
    ]
    assert vars(Runs)["broadcast"] is before
    assert "broadcast" not in vars(SpecialRuns)


async def test_capturing_in_the_midst() -> None:
    """A base hears of what is suppressed at a subclass, and no call goes through."""
    delivered.clear()
    with (
        capture_topic_broadcasts(Runs, suppress=False) as all_of_them,
        capture_topic_broadcasts(SpecialRuns) as special,
    ):
        await SpecialRuns.broadcast("run:1", "done", seq=1)
    assert special == all_of_them
    assert [(c.topic, c.event, c.seq) for c in special] == [("run:1", "done", 1)]
    assert delivered == []


async def test_capturing_takes_a_topic_class() -> None:
    """Anything else is refused, with what to use instead."""
    with pytest.raises(TypeError, match="takes a topic class, not 7"):
        capture_topic_broadcasts(7).__enter__()  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"capture_broadcasts\(layer\) works"):
        capture_topic_broadcasts(Progress).__enter__()
    with capture_topic_broadcasts(Runs), pytest.raises(TypeError):
        await Runs.broadcast("run:1")  # type: ignore[call-arg]


async def test_sync_twin() -> None:
    """Plain tests speak of topics in the same words."""
    verbs = {"subscribe", "unsubscribe", "receive_topic_message"}
    assert verbs <= {*vars(SyncWebsocketCommunicator)}
