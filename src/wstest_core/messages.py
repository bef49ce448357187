"""Messages that clients and applications commonly exchange.

On the wire they are what chanx's messages of the same names are, and the two
may stand in one discriminated union: either library's classes work on both
ends of a connection.
"""

import abc
import inspect
from typing import Any, Literal, TypeAlias, get_origin

from pydantic import BaseModel

from wstest_core.constants import (
    EVENT_ACTION_COMPLETE,
    GROUP_ACTION_COMPLETE,
    MESSAGE_ACTION_COMPLETE,
)

__all__ = [
    "AuthenticationMessage",
    "AuthenticationPayload",
    "BaseMessage",
    "CompleteMessage",
    "ErrorMessage",
    "EventCompleteMessage",
    "GroupCompleteMessage",
    "PingMessage",
    "PongMessage",
]

# Whatever JSON can say. A subclass narrows its action to a Literal and its
# payload to what it carries, which only `Any` lets a type checker accept.
Narrowable: TypeAlias = Any


class BaseMessage(BaseModel, abc.ABC):
    """A message: an `action` that says which it is, and its `payload`.

    A subclass declares its action as a `Literal` of its own, so that a union
    of such classes is told apart by `action`. A class that is only there to
    be derived from names `abc.ABC` among its bases and is exempt.

    Raises:
        TypeError: when a subclass is defined without such an action.

    Example:
        >>> from typing import Literal
        >>> class Move(BaseMessage):
        ...     action: Literal["move"] = "move"
        ...     payload: int
        >>> Move(payload=3).model_dump_json()
        '{"action":"move","payload":3}'
    """

    __module__ = "wstest_core"

    action: Narrowable
    payload: Narrowable

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: object) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        parametrised = cls.__pydantic_generic_metadata__["origin"] is not None
        if parametrised or abc.ABC in cls.__bases__:
            return
        declared = "action" in inspect.get_annotations(cls)
        annotation = cls.model_fields["action"].annotation
        if declared and get_origin(annotation) is Literal:
            return
        seen = f"declares it as {annotation!r}" if declared else "does not declare it"
        raise TypeError(
            f"{cls.__qualname__} needs an action of its own, and {seen}; write "
            f'\'action: Literal["..."] = "..."\' in its body, or add abc.ABC to '
            "its bases if it is only there to be derived from"
        )


class PingMessage(BaseMessage):
    """Asks for a sign of life."""

    __module__ = "wstest_core"

    action: Literal["ping"] = "ping"
    payload: None = None


class PongMessage(BaseMessage):
    """Answers a ping."""

    __module__ = "wstest_core"

    action: Literal["pong"] = "pong"
    payload: None = None


class ErrorMessage(BaseMessage):
    """Tells the client what went wrong; the payload's shape is free."""

    __module__ = "wstest_core"

    action: Literal["error"] = "error"
    payload: Narrowable = None


class AuthenticationPayload(BaseModel):
    """How an authentication ended, in the words of an HTTP status."""

    status_code: int
    status_text: str
    data: Narrowable = None


class AuthenticationMessage(BaseMessage):
    """Tells the client how its authentication ended."""

    __module__ = "wstest_core"

    action: Literal["authentication"] = "authentication"
    payload: AuthenticationPayload


class CompleteMessage(BaseMessage):
    """Everything that answers a message has been sent."""

    __module__ = "wstest_core"

    action: Literal["complete"] = MESSAGE_ACTION_COMPLETE
    payload: None = None


class GroupCompleteMessage(BaseMessage):
    """Everything that answers a group message has been sent."""

    __module__ = "wstest_core"

    action: Literal["group_complete"] = GROUP_ACTION_COMPLETE
    payload: None = None


class EventCompleteMessage(BaseMessage):
    """Everything that answers a channel event has been sent."""

    __module__ = "wstest_core"

    action: Literal["event_complete"] = EVENT_ACTION_COMPLETE
    payload: None = None
