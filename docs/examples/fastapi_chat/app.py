"""A chat service: rooms over WebSocket, login and announcements over HTTP."""

import asyncio
import hashlib
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http.cookies import SimpleCookie
from typing import Annotated, Any

from fast_channels.consumer.websocket import AsyncJsonWebsocketConsumer
from fast_channels.layers import InMemoryChannelLayer, register_channel_layer
from fastapi import Depends, FastAPI, Request, Response
from pydantic import BaseModel
from starlette.routing import WebSocketRoute

LAYER = "chat"
layer = InMemoryChannelLayer()
register_channel_layer(LAYER, layer)


class Announcement(BaseModel):
    text: str


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
    """What was said in each room is kept as long as the service runs."""
    yield {"history": defaultdict(list)}


app = FastAPI(lifespan=lifespan)


def announcer() -> str:
    return "the management"


@app.post("/login/{who}", status_code=204)
async def login(who: str, response: Response) -> None:
    response.set_cookie("user", who)


@app.get("/rooms/{room}")
async def read_history(room: str, request: Request) -> list[str]:
    said: list[str] = request.state.history[room]
    return said


@app.post("/rooms/{room}/announcements", status_code=202)
async def announce(
    room: str, announcement: Announcement, who: Annotated[str, Depends(announcer)]
) -> None:
    await broadcast(room, who=who, text=announcement.text)


async def broadcast(room: str, *, who: str, text: str) -> None:
    event = {"type": "room.said", "who": who, "text": text}
    await layer.group_send(room, event)


class Room(AsyncJsonWebsocketConsumer):
    """One client in one room. Every message is a JSON object with an `action`."""

    channel_layer_alias = LAYER

    async def connect(self) -> None:
        self.room = self.scope["path_params"]["room"]
        self.who = user_of(self.scope)
        self.jobs: set[asyncio.Task[None]] = set()
        if not self.who:
            await self.close(4401)
            return
        await self.accept()
        await layer.group_add(self.room, self.channel_name)
        await self.send_json({"action": "welcome", "who": self.who})

    async def disconnect(self, code: int) -> None:
        for job in self.jobs:
            job.cancel()
        await layer.group_discard(self.room, self.channel_name)

    async def receive_json(self, content: Any, **kwargs: Any) -> None:
        handlers = {
            "say": self.say,
            "ask": self.ask,
            "remind": self.remind,
            "digest": self.digest,
        }
        await handlers[content["action"]](content)

    async def say(self, content: Any) -> None:
        """Everybody in the room hears it, the speaker too."""
        self.scope["state"]["history"][self.room].append(content["text"])
        await broadcast(self.room, who=self.who, text=content["text"])

    async def room_said(self, event: dict[str, Any]) -> None:
        await self.send_json(
            {"action": "said", "who": event["who"], "text": event["text"]}
        )

    async def ask(self, content: Any) -> None:
        """A streaming reply: words as they come, then the end of the answer."""
        async for word in answer(content["text"]):
            await self.send_json({"action": "word", "text": word})
        await self.send_json({"action": "answered"})

    async def remind(self, content: Any) -> None:
        """A background task: it outlives the handler that started it."""
        job = asyncio.create_task(self.remind_later(content["after"], content["text"]))
        self.jobs.add(job)
        job.add_done_callback(self.jobs.discard)

    async def remind_later(self, seconds: float, text: str) -> None:
        await asyncio.sleep(seconds)
        await self.send_json({"action": "reminder", "text": text})

    async def digest(self, content: Any) -> None:
        """Slow work in a thread, so the other clients are served meanwhile."""
        value = await asyncio.to_thread(slow_digest, content["text"])
        answer = {"action": "digest", "value": value, "ref": content["ref"]}
        await self.send_json(answer)


def user_of(scope: Any) -> str:
    """Who has logged in, from the cookie; nobody is an empty name."""
    cookies = SimpleCookie(dict(scope["headers"]).get(b"cookie", b"").decode())
    return cookies["user"].value if "user" in cookies else ""


async def answer(question: str) -> AsyncIterator[str]:
    """Stands in for a model that produces its answer word by word."""
    for word in f"You asked: {question}".split():
        await asyncio.sleep(0.001)
        yield word


def slow_digest(text: str) -> str:
    return hashlib.pbkdf2_hmac("sha256", text.encode(), b"salt", 50_000).hex()


app.router.routes.append(WebSocketRoute("/rooms/{room}", Room.as_asgi()))
