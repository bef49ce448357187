"""What clients, consumers and the rest of the application say to each other."""

from typing import Literal

from chanx.messages.base import BaseMessage
from pydantic import BaseModel

# --- from clients


class Say(BaseMessage):
    action: Literal["say"] = "say"
    payload: str


class Whisper(BaseMessage):
    """To all but the one who whispers."""

    action: Literal["whisper"] = "whisper"
    payload: str


class Count(BaseMessage):
    action: Literal["count"] = "count"
    payload: int


class Break(BaseMessage):
    action: Literal["break"] = "break"
    payload: None = None


class Order(BaseMessage):
    """Orders a job, which is done elsewhere."""

    action: Literal["order"] = "order"
    payload: str


# --- to clients


class SaidPayload(BaseModel):
    user_name: str
    text: str


class Said(BaseMessage):
    action: Literal["said"] = "said"
    payload: SaidPayload


class Number(BaseMessage):
    action: Literal["number"] = "number"
    payload: int


class Counted(BaseMessage):
    action: Literal["counted"] = "counted"
    payload: None = None


class Announced(BaseMessage):
    action: Literal["announced"] = "announced"
    payload: str


class Removed(BaseMessage):
    action: Literal["removed"] = "removed"
    payload: None = None


class Ordered(BaseMessage):
    action: Literal["ordered"] = "ordered"
    payload: str


# --- events, from the rest of the application


class Announcement(BaseMessage):
    action: Literal["announcement"] = "announcement"
    payload: str


class Removal(BaseMessage):
    action: Literal["removal"] = "removal"
    payload: int


class Done(BaseMessage):
    action: Literal["done"] = "done"
    payload: str
