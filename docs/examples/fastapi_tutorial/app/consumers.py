"""The four sockets of the service."""

from typing import Any
from urllib.parse import parse_qs

from arq import ArqRedis
from fast_channels.consumer.websocket import AsyncWebsocketConsumer
from pydantic import BaseModel, ValidationError

from app.layers import CHAT, EVERYBODY, JOBS, NEWS, layer
from app.messages import (
    INCOMING,
    Echo,
    Echoed,
    Failed,
    Incoming,
    Joined,
    Left,
    News,
    Progress,
    Queued,
    Refused,
    Said,
    Say,
    Translate,
    Translated,
)


class Consumer(AsyncWebsocketConsumer):
    """Reads messages, and refuses what is none of them."""

    async def receive(
        self, text_data: str | None = None, bytes_data: bytes | None = None
    ) -> None:
        try:
            message = INCOMING.validate_json(text_data or b"")
        except ValidationError as error:
            await self.reply(Refused(why=error.errors()[0]["msg"]))
            return
        if not await self.handle(message):
            await self.reply(Refused(why=f"no {message.action} here"))

    async def handle(self, message: Incoming) -> bool:
        """Do what a message wants; False if it makes no sense here."""
        return False

    async def reply(self, message: BaseModel) -> None:
        await self.send(message.model_dump_json())


class System(Consumer):
    """Says again what it is told. It needs no layer."""

    async def handle(self, message: Incoming) -> bool:
        if not isinstance(message, Echo):
            return False
        await self.reply(Echoed(text=message.text))
        return True


class Room(Consumer):
    """One guest in one room."""

    channel_layer_alias = CHAT

    async def connect(self) -> None:
        scope: Any = self.scope
        self.group = f"room.{scope['path_params']['room']}"
        query = parse_qs(scope["query_string"].decode())
        self.who = query.get("who", [""])[0]
        if not self.who:
            await self.close(4401)
            return
        await self.accept()
        await layer(CHAT).group_add(self.group, self.channel_name)
        await self.tell_room("joined")

    async def disconnect(self, code: int) -> None:
        if not self.who:
            return
        await layer(CHAT).group_discard(self.group, self.channel_name)
        await self.tell_room("left")

    async def handle(self, message: Incoming) -> bool:
        if not isinstance(message, Say):
            return False
        await self.tell_room("said", text=message.text)
        return True

    async def tell_room(self, what: str, **more: str) -> None:
        event = {"type": f"room.{what}", "who": self.who, "from": self.channel_name}
        await layer(CHAT).group_send(self.group, {**event, **more})

    async def room_joined(self, event: dict[str, Any]) -> None:
        if event["from"] != self.channel_name:  # who joins knows
            await self.reply(Joined(who=event["who"]))

    async def room_said(self, event: dict[str, Any]) -> None:
        await self.reply(Said(who=event["who"], text=event["text"]))

    async def room_left(self, event: dict[str, Any]) -> None:
        await self.reply(Left(who=event["who"]))


class Jobs(Consumer):
    """Queues jobs, and passes on what their worker tells of them."""

    channel_layer_alias = JOBS

    async def handle(self, message: Incoming) -> bool:
        if not isinstance(message, Translate):
            return False
        scope: Any = self.scope
        queue: ArqRedis = scope["state"]["queue"]
        job = await queue.enqueue_job("translate", message.text, self.channel_name)
        await self.reply(Queued(job=job.job_id if job else ""))
        return True

    async def job_progress(self, event: dict[str, Any]) -> None:
        await self.reply(Progress.model_validate(event))

    async def job_translated(self, event: dict[str, Any]) -> None:
        await self.reply(Translated.model_validate(event))

    async def job_failed(self, event: dict[str, Any]) -> None:
        await self.reply(Failed.model_validate(event))


class NewsFeed(Consumer):
    """Hears what everybody is told."""

    channel_layer_alias = NEWS
    groups = [EVERYBODY]  # noqa: RUF012

    async def news_item(self, event: dict[str, Any]) -> None:
        await self.reply(News(text=event["text"]))
