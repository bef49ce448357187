"""A chat service: rooms over WebSocket, history and announcements over HTTP."""

import asyncio
import hashlib
from collections import defaultdict
from collections.abc import AsyncIterator
from typing import Any

from fast_channels.consumer.websocket import AsyncJsonWebsocketConsumer
from fast_channels.layers import (
    InMemoryChannelLayer,
    channel_layers,
    register_channel_layer,
)
from fastapi import FastAPI
from pydantic import BaseModel
from starlette.routing import WebSocketRoute

LAYER = "chat"
register_channel_layer(LAYER, InMemoryChannelLayer())

history: defaultdict[str, list[str]] = defaultdict(list)


class Announcement(BaseModel):
    text: str


app = FastAPI()


@app.get("/rooms/{room}")
async def read_history(room: str) -> list[str]:
    return history[room]


@app.post("/rooms/{room}/announcements", status_code=202)
async def announce(room: str, announcement: Announcement) -> None:
    await broadcast(room, who="the management", text=announcement.text)


async def broadcast(room: str, *, who: str, text: str) -> None:
    event = {"type": "room.said", "who": who, "text": text}
    await channel_layers[LAYER].group_send(room, event)


class Room(AsyncJsonWebsocketConsumer):
    """One client in one room. Every message is a JSON object with an `action`."""

    channel_layer_alias = LAYER

    async def connect(self) -> None:
        self.room = self.scope["path_params"]["room"]
        self.who = dict(self.scope["headers"]).get(b"x-user", b"").decode()
        self.jobs: set[asyncio.Task[None]] = set()
        if not self.who:
            await self.close(4401)
            return
        await self.accept()
        await channel_layers[LAYER].group_add(self.room, self.channel_name)
        await self.send_json({"action": "welcome", "who": self.who})

    async def disconnect(self, code: int) -> None:
        for job in self.jobs:
            job.cancel()
        await channel_layers[LAYER].group_discard(self.room, self.channel_name)

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
        history[self.room].append(content["text"])
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
        await self.send_json({"action": "digest", "value": value})


async def answer(question: str) -> AsyncIterator[str]:
    """Stands in for a model that produces its answer word by word."""
    for word in f"You asked: {question}".split():
        await asyncio.sleep(0.001)
        yield word


def slow_digest(text: str) -> str:
    return hashlib.pbkdf2_hmac("sha256", text.encode(), b"salt", 50_000).hex()


app.router.routes.append(WebSocketRoute("/rooms/{room}", Room.as_asgi()))
