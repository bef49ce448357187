"""What goes over the wire, and the event that a worker sends."""

from typing import Literal

from chanx.messages.base import BaseMessage
from pydantic import BaseModel

# --- chat


class Speech(BaseModel):
    name: str
    text: str


class Say(BaseMessage):
    action: Literal["say"] = "say"
    payload: Speech


class Said(BaseMessage):
    action: Literal["said"] = "said"
    payload: Speech


# --- assistant


class Ask(BaseMessage):
    action: Literal["ask"] = "ask"
    payload: str


class AnswerStart(BaseMessage):
    action: Literal["answer_start"] = "answer_start"
    payload: None = None


class AnswerChunk(BaseMessage):
    action: Literal["answer_chunk"] = "answer_chunk"
    payload: str


class AnswerComplete(BaseMessage):
    action: Literal["answer_complete"] = "answer_complete"
    payload: str


class AnswerFailed(BaseMessage):
    action: Literal["answer_failed"] = "answer_failed"
    payload: str


# --- system


class Order(BaseModel):
    kind: Literal["count", "shout"]
    text: str


class Ticket(BaseModel):
    id: int


class Outcome(BaseModel):
    id: int
    state: str
    result: str


class Queue(BaseMessage):
    action: Literal["queue"] = "queue"
    payload: Order


class Queued(BaseMessage):
    action: Literal["queued"] = "queued"
    payload: Ticket


class JobDone(BaseMessage):
    """From a worker to a consumer."""

    action: Literal["job_done"] = "job_done"
    payload: Outcome


class Done(BaseMessage):
    action: Literal["done"] = "done"
    payload: Outcome
