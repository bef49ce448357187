"""The messages."""

import abc
import subprocess
import sys
from typing import Any, Generic, Literal, TypeVar

import pytest
from pydantic import BaseModel, ValidationError

from wstest_core import constants
from wstest_core.constants import COMPLETE_ACTIONS, action_of
from wstest_core.messages import (
    AuthenticationPayload,
    BaseMessage,
    ErrorMessage,
    PingMessage,
)

AUTHENTICATION = {"status_code": 200, "status_text": "OK", "data": {"id": 1}}


def test_error_payload_is_free() -> None:
    """An error carries anything, and nothing by default."""
    assert ErrorMessage().payload is None
    assert ErrorMessage(payload=[{"loc": ["a"]}]).payload == [{"loc": ["a"]}]


class Move(BaseMessage):
    action: Literal["move"] = "move"
    payload: int


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
    """The set holds exactly the three constants."""
    assert {
        constants.MESSAGE_ACTION_COMPLETE,
        constants.GROUP_ACTION_COMPLETE,
        constants.EVENT_ACTION_COMPLETE,
    } == COMPLETE_ACTIONS


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
