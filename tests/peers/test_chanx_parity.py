"""Our values side by side with chanx's, and our tools on chanx's consumers.

What needs a consumer runs in a process of its own: chanx decides at import whether
Django is used, and has switches that hold for the process.
"""

import json
import subprocess
import sys
from typing import Annotated, Any, Literal

import chanx.constants
import chanx.messages.incoming as chanx_incoming
import chanx.messages.outgoing as chanx_outgoing
import pytest
from chanx.messages.base import BaseMessage as ChanxBaseMessage
from pydantic import BaseModel, Field, TypeAdapter

from wstest_core import messages
from wstest_core.constants import COMPLETE_ACTIONS, action_of
from wstest_core.messages import (
    AuthenticationMessage,
    AuthenticationPayload,
    BaseMessage,
    PongMessage,
)
from wstest_core.topics import ENVELOPE_FIELDS, ENVELOPE_VERSION

NAMES = [
    "CompleteMessage",
    "ErrorMessage",
    "EventCompleteMessage",
    "GroupCompleteMessage",
    "PingMessage",
    "PongMessage",
]
AUTHENTICATION = {"status_code": 200, "status_text": "OK", "data": {"id": 1}}


def printed(script: str) -> list[str]:
    command = [sys.executable, "-W", "error", "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def chanx_class(name: str) -> type[ChanxBaseMessage]:
    found = getattr(chanx_incoming, name, None) or getattr(chanx_outgoing, name)
    assert issubclass(found, ChanxBaseMessage)
    return found


@pytest.mark.parametrize("name", NAMES)
def test_wire_form_is_chanx_s(name: str) -> None:
    """Each message has the same JSON as chanx's of its name, both ways."""
    ours, theirs = getattr(messages, name), chanx_class(name)
    wire = ours().model_dump_json()
    assert wire == theirs().model_dump_json()
    assert theirs.model_validate_json(wire) == theirs()
    assert ours.model_validate_json(theirs().model_dump_json()) == ours()


def test_authentication_is_chanx_s() -> None:
    """The authentication message and its payload read chanx's and write it."""
    ours = AuthenticationMessage(payload=AuthenticationPayload(**AUTHENTICATION))
    theirs = chanx_outgoing.AuthenticationMessage(
        payload=chanx_outgoing.AuthenticationPayload(**AUTHENTICATION)
    )
    assert ours.model_dump_json() == theirs.model_dump_json()
    again = AuthenticationMessage.model_validate_json(theirs.model_dump_json())
    assert again == ours


def test_constants() -> None:
    """Completion actions and the envelope of topics are chanx's."""
    assert COMPLETE_ACTIONS == chanx.constants.COMPLETE_ACTIONS
    assert ENVELOPE_FIELDS == chanx.constants.ENVELOPE_FIELDS
    assert ENVELOPE_VERSION == chanx.constants.ENVELOPE_VERSION


def test_action_of() -> None:
    """The action of chanx's messages is found."""
    assert action_of(chanx_incoming.PingMessage()) == "ping"


class Move(BaseMessage):
    action: Literal["move"] = "move"
    payload: int


class ChanxMoved(ChanxBaseMessage):
    action: Literal["moved"] = "moved"
    payload: int


MIXED: TypeAdapter[Any] = TypeAdapter(
    Annotated[
        Move | PongMessage | ChanxMoved | chanx_outgoing.CompleteMessage,
        Field(discriminator="action"),
    ]
)


@pytest.mark.parametrize(
    "message",
    [
        Move(payload=1),
        PongMessage(),
        ChanxMoved(payload=2),
        chanx_outgoing.CompleteMessage(),
    ],
    ids=lambda message: type(message).__name__,
)
def test_mixed_union(message: BaseModel) -> None:
    """One discriminated union holds classes of both libraries."""
    assert MIXED.validate_json(message.model_dump_json()) == message


BOTH_ENDS = """
import asyncio
from typing import Literal
import chanx.messages.incoming, chanx.messages.outgoing
from chanx.core.decorators import ws_handler
from chanx.fast_channels.websocket import AsyncJsonWebsocketConsumer
from chanx.fast_channels.testing import WebsocketCommunicator
from chanx.messages.base import BaseMessage as Theirs
from wstest_core.codecs import ModelCodec
from wstest_core.messages import BaseMessage, PingMessage, PongMessage

class Ask(Theirs):
    action: Literal["ask"] = "ask"
    payload: str

class Answer(Theirs):
    action: Literal["answer"] = "answer"
    payload: str

class OurAnswer(BaseMessage):
    action: Literal["answer"] = "answer"
    payload: str

class Chat(AsyncJsonWebsocketConsumer[Theirs]):
    send_completion = True
    @ws_handler
    async def ping(
        self, message: chanx.messages.incoming.PingMessage
    ) -> chanx.messages.outgoing.PongMessage:
        await self.send_message(PongMessage())
    @ws_handler
    async def ask(self, message: Ask) -> Answer:
        return Answer(payload=message.payload.upper())

async def main():
    ours = ModelCodec(OurAnswer | chanx.messages.outgoing.PongMessage)
    for codec in (ModelCodec(Chat), ours):
        ws = WebsocketCommunicator(Chat.as_asgi(), "/", consumer=Chat)
        await ws.connect()
        for message in (Ask(payload="a"), PingMessage()):
            await ws.send_to(text_data=codec.encode(message))
            for _ in range(2):
                seen = codec.decode(await ws.receive_from())
                print("|", type(seen).__module__, type(seen).__name__)
        await ws.disconnect()

asyncio.run(main())
"""


def test_both_ends_of_a_chanx_application() -> None:
    """A chanx application and our classes understand each other's frames."""
    said = [line.split("| ")[1] for line in printed(BOTH_ENDS) if "| " in line]
    assert said == [
        "__main__ Answer",
        "chanx.messages.outgoing CompleteMessage",
        "chanx.messages.outgoing PongMessage",
        "chanx.messages.outgoing CompleteMessage",
        "__main__ OurAnswer",
        "wstest_core CompleteMessage",
        "chanx.messages.outgoing PongMessage",
        "wstest_core CompleteMessage",
    ]


CAMELIZE = """
import json
from typing import Literal
from chanx.core.config import config, Config
from chanx.core.decorators import ws_handler
from chanx.fast_channels.websocket import AsyncJsonWebsocketConsumer
from chanx.messages.base import BaseMessage
from chanx.messages.incoming import PingMessage
from wstest_core.codecs import ModelCodec

class Left(BaseMessage):
    action: Literal["left"] = "left"
    payload: dict[str, int]

class Chat(AsyncJsonWebsocketConsumer[BaseMessage]):
    @ws_handler
    async def ping(self, message: PingMessage) -> Left: ...

class Snake(Chat):
    camelize = False

class Camel(Chat):
    camelize = True

class Foreign:
    outgoing_message_adapter = Chat.outgoing_message_adapter

left = Left(payload={"room_id": 1})
wire = []
for switch in (False, True):
    Config.camelize = switch
    for consumer in (Chat, Snake, Camel, Foreign):
        codec = ModelCodec(consumer)
        assert codec.decode(codec.encode(left)) == left
        wire.append("roomId" in codec.encode(left))
print(json.dumps(wire))
"""


def test_chanx_camelize_settings() -> None:
    """chanx's global switch holds for chanx's consumers that have no own."""
    (line,) = printed(CAMELIZE)
    assert json.loads(line) == [
        *(False, False, True, False),
        *(True, False, True, False),
    ]


CAPTURE = """
import asyncio
from typing import Literal
from chanx.core.decorators import event_handler
from chanx.core.testing import capture_broadcast_events as chanx_capture
from chanx.fast_channels.websocket import AsyncJsonWebsocketConsumer
from chanx.messages.base import BaseMessage
from fast_channels.layers import InMemoryChannelLayer, register_channel_layer
from wstest_core.capture import capture_broadcast_events, capture_broadcasts

layer = InMemoryChannelLayer()
register_channel_layer("default", layer)

class Joined(BaseMessage):
    action: Literal["joined"] = "joined"
    payload: int

class Chat(AsyncJsonWebsocketConsumer[BaseMessage]):
    groups = ["chat"]
    channel_layer_alias = "default"
    @event_handler
    async def joined(self, event: Joined) -> Joined: ...

class Room(Chat):
    groups = ["room"]

class Lounge(Room):
    groups = ["lounge"]

one = Joined(payload=1)

async def main():
    with capture_broadcast_events(Room) as seen:
        await Room.broadcast_event(one, ["a"])
        await Lounge.broadcast_event(one)
        await asyncio.to_thread(Lounge.broadcast_event_sync, one, "b")
    assert [(each.event is one, each.groups) for each in seen] == [
        (True, ["a"]), (True, None), (True, "b")
    ], seen
    with capture_broadcasts(layer) as sent:
        await Lounge.broadcast_event(one)
    assert [each.group for each in sent] == ["lounge"], sent
    assert "broadcast_event" not in vars(Room)

    with capture_broadcasts(layer) as sent:
        with capture_broadcast_events(Room, suppress=False) as seen:
            await Lounge.broadcast_event(one)
            await Chat.broadcast_event(one)
    assert len(seen) == 1 and [each.group for each in sent] == ["lounge", "chat"]

    # chanx's own capture leaves a bound method behind; we capture that too.
    with chanx_capture(Room):
        pass
    left_behind = vars(Room)["broadcast_event"]
    with capture_broadcast_events(Room) as seen:
        await Room.broadcast_event(one, "c")
    assert len(seen) == 1 and vars(Room)["broadcast_event"] is left_behind

asyncio.run(main())
with capture_broadcast_events(Chat) as seen:
    Chat.broadcast_event_sync(one)
assert len(seen) == 1
print("good")
"""


def test_captures_of_chanx_consumers() -> None:
    """On real chanx consumers: subclasses, sync twins, delivery, restoring."""
    assert printed(CAPTURE)[-1] == "good"
