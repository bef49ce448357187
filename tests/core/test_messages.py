"""The messages, alone and side by side with chanx's."""

import abc
import subprocess
import sys
from typing import Annotated, Any, Generic, Literal, TypeVar

import chanx.messages.incoming as chanx_incoming
import chanx.messages.outgoing as chanx_outgoing
import pytest
from chanx.constants import COMPLETE_ACTIONS as COMPLETE_ACTIONS_OF_CHANX
from chanx.messages.base import BaseMessage as ChanxBaseMessage
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from wstest_core import constants, messages
from wstest_core.constants import COMPLETE_ACTIONS, action_of
from wstest_core.messages import (
    AuthenticationMessage,
    AuthenticationPayload,
    BaseMessage,
    ErrorMessage,
    PingMessage,
    PongMessage,
)

NAMES = [
    "CompleteMessage",
    "ErrorMessage",
    "EventCompleteMessage",
    "GroupCompleteMessage",
    "PingMessage",
    "PongMessage",
]
AUTHENTICATION = {"status_code": 200, "status_text": "OK", "data": {"id": 1}}


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


def test_error_payload_is_free() -> None:
    """An error carries anything, and nothing by default."""
    assert ErrorMessage().payload is None
    assert ErrorMessage(payload=[{"loc": ["a"]}]).payload == [{"loc": ["a"]}]


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


def test_both_ends_of_a_chanx_application() -> None:
    """A chanx application and our classes understand each other's frames.

    In a process of its own: chanx decides at import whether Django is used.
    """
    script = """
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
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    said = [line.split("| ")[1] for line in done.stdout.splitlines() if "| " in line]
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


def test_subclass_without_action_is_refused() -> None:
    """A concrete message that forgets its action says how to mend it."""
    with pytest.raises(TypeError) as caught:

        class Silent(BaseMessage):
            payload: int

    assert str(caught.value) == (
        "test_subclass_without_action_is_refused.<locals>.Silent needs an action of "
        'its own, and does not declare it; write \'action: Literal["..."] = '
        '"..."\' in its body, or add abc.ABC to its bases if it is only there to '
        "be derived from"
    )


def test_subclass_with_plain_action_is_refused() -> None:
    """An action that is any string tells nothing apart and is refused."""
    with pytest.raises(TypeError, match=r"Loose .* declares it as <class 'str'>;"):

        class Loose(BaseMessage):
            action: str = "loose"


def test_inherited_action_is_refused() -> None:
    """A message must not share the action of the class it derives from."""
    with pytest.raises(TypeError, match=r"MoveFast .* does not declare it"):

        class MoveFast(Move):
            speed: int = 2


def test_abstract_message_is_exempt() -> None:
    """A class that names abc.ABC needs no action; what derives from it does."""

    class Room(BaseMessage, abc.ABC):
        payload: str

    class Joined(Room):
        action: Literal["joined"] = "joined"

    assert Joined(payload="a").action == "joined"
    with pytest.raises(TypeError, match="Left needs an action"):

        class Left(Room):
            pass


def test_action_may_be_a_forward_reference() -> None:
    """Annotations written as strings are understood."""

    class Later(BaseMessage):
        action: "Literal['later']" = "later"
        payload: "str" = ""

    assert Later.model_validate({"action": "later", "payload": "x"}).payload == "x"


T = TypeVar("T")


class Envelope(BaseMessage, Generic[T]):
    action: Literal["envelope"] = "envelope"
    payload: T


def test_generic_message_may_be_parametrised() -> None:
    """A parameter makes no new message, so it needs no new action."""
    assert Envelope[int](payload=1).model_dump() == {"action": "envelope", "payload": 1}
    with pytest.raises(ValidationError):
        Envelope[int].model_validate({"payload": "x"})


def test_complete_actions() -> None:
    """The constants are chanx's, and the set holds exactly them."""
    named = [
        constants.MESSAGE_ACTION_COMPLETE,
        constants.GROUP_ACTION_COMPLETE,
        constants.EVENT_ACTION_COMPLETE,
    ]
    assert set(named) == COMPLETE_ACTIONS == COMPLETE_ACTIONS_OF_CHANX


@pytest.mark.parametrize(
    ("message", "action"),
    [
        ({"action": "a"}, "a"),
        ({"action": 1}, None),
        ({}, None),
        (["action"], None),
        ("action", None),
        (None, None),
        (PingMessage(), "ping"),
        (chanx_incoming.PingMessage(), "ping"),
        (AuthenticationPayload(**AUTHENTICATION), None),
    ],
)
def test_action_of(message: object, action: str | None) -> None:
    """The action is read from dicts and models, and is None elsewhere."""
    assert action_of(message) == action


def test_action_of_root_model_and_enum() -> None:
    """The action is found inside a root model, and as an enum member."""
    from enum import Enum, StrEnum

    from pydantic import RootModel

    class Kind(Enum):
        GO = "go"

    class Go(BaseModel):
        type: Literal[Kind.GO] = Kind.GO

    class TextKind(StrEnum):
        END = "complete"

    assert action_of(RootModel[PingMessage](PingMessage())) == "ping"
    assert action_of(RootModel[Any]({"action": "ping"})) == "ping"
    assert action_of(Go(), "type") == "go"
    assert action_of({"action": TextKind.END}) in COMPLETE_ACTIONS


def test_constants_are_free_of_imports() -> None:
    """Reading the constants loads neither pydantic nor anything of ours."""
    script = (
        "import sys, wstest_core.constants as c; "
        "print('pydantic' in sys.modules, c.MESSAGE_ACTION_COMPLETE)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["False", "complete"]
