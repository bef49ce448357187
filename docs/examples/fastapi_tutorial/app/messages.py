"""Every message that goes over the sockets, told apart by its `action`."""

from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, Field, TypeAdapter


class Echo(BaseModel):
    action: Literal["echo"] = "echo"
    text: str


class Say(BaseModel):
    action: Literal["say"] = "say"
    text: str


class Translate(BaseModel):
    action: Literal["translate"] = "translate"
    text: str


class Echoed(BaseModel):
    action: Literal["echoed"] = "echoed"
    text: str


class Joined(BaseModel):
    action: Literal["joined"] = "joined"
    who: str


class Said(BaseModel):
    action: Literal["said"] = "said"
    who: str
    text: str


class Left(BaseModel):
    action: Literal["left"] = "left"
    who: str


class Queued(BaseModel):
    """The job is known, and will be done some day."""

    action: Literal["queued"] = "queued"
    job: str


class Progress(BaseModel):
    action: Literal["progress"] = "progress"
    job: str
    done: int
    of: int


class Translated(BaseModel):
    action: Literal["translated"] = "translated"
    job: str
    text: str


class Failed(BaseModel):
    action: Literal["failed"] = "failed"
    job: str
    why: str


class News(BaseModel):
    action: Literal["news"] = "news"
    text: str


class Refused(BaseModel):
    """The message before this one was not understood, and did nothing."""

    action: Literal["refused"] = "refused"
    why: str


Incoming: TypeAlias = Annotated[Echo | Say | Translate, Field(discriminator="action")]
Outgoing: TypeAlias = (
    Echoed
    | Joined
    | Said
    | Left
    | Queued
    | Progress
    | Translated
    | Failed
    | News
    | Refused
)
INCOMING: TypeAdapter[Incoming] = TypeAdapter(Incoming)
