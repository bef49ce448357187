"""Consumers of every kind that people write, and broken ones."""

import asyncio
import threading
from typing import Any

from asgiref.sync import async_to_sync, sync_to_async
from channels.consumer import AsyncConsumer, SyncConsumer
from channels.db import database_sync_to_async
from channels.generic.websocket import (
    AsyncJsonWebsocketConsumer,
    AsyncWebsocketConsumer,
    JsonWebsocketConsumer,
    WebsocketConsumer,
)
from channels.layers import get_channel_layer
from django.db import connection, transaction

from project.models import Entry, Note

# As many modules do: the layer is kept when they are imported.
KEPT_LAYER = get_channel_layer()


class Echo(AsyncJsonWebsocketConsumer):
    async def receive_json(self, content: Any, **_: Any) -> None:
        await self.send_json(content)


class SyncEcho(JsonWebsocketConsumer):
    def receive_json(self, content: Any, **_: Any) -> None:
        self.send_json(content)


def write(text: str) -> None:
    Note.objects.create(text=text)
    Entry.objects.create(text=text)


def seen() -> dict[str, Any]:
    return {
        "notes": list(Note.objects.order_by("pk").values_list("text", flat=True)),
        "entries": list(Entry.objects.order_by("pk").values_list("text", flat=True)),
        "thread": threading.current_thread().name,
    }


class Orm(AsyncJsonWebsocketConsumer):
    """The ORM's own coroutines."""

    async def receive_json(self, content: Any, **_: Any) -> None:
        await Note.objects.acreate(text=content["write"])
        await Entry.objects.acreate(text=content["write"])
        await self.send_json(
            {
                "notes": [note.text async for note in Note.objects.order_by("pk")],
                "entries": [each.text async for each in Entry.objects.order_by("pk")],
            }
        )


class Sync(JsonWebsocketConsumer):
    """A sync consumer."""

    def receive_json(self, content: Any, **_: Any) -> None:
        write(content["write"])
        self.send_json(seen())


class DatabaseSyncToAsync(AsyncJsonWebsocketConsumer):
    async def receive_json(self, content: Any, **_: Any) -> None:
        await database_sync_to_async(write)(content["write"])
        await self.send_json(await database_sync_to_async(seen)())


class AnyThread(AsyncJsonWebsocketConsumer):
    """Sync code in whatever thread is free."""

    async def receive_json(self, content: Any, **_: Any) -> None:
        free = {"thread_sensitive": False}
        await database_sync_to_async(write, **free)(content["write"])
        await self.send_json(await sync_to_async(seen, **free)())


class Committing(AsyncJsonWebsocketConsumer):
    """Says when its hooks run."""

    async def receive_json(self, content: Any, **_: Any) -> None:
        await self.send_json(await sync_to_async(self.write)(content["how"]))

    def write(self, how: str) -> list[str]:
        events: list[str] = []
        if how == "without a block":
            transaction.on_commit(lambda: events.append("hook"))
            return [*events, "end"]
        try:
            with transaction.atomic():
                with transaction.atomic():
                    transaction.on_commit(lambda: events.append("hook"))
                events.append("inner block left")
                if how == "rolled back":
                    raise LookupError
        except LookupError:
            events.append("rolled back")
        return events


class Closing(JsonWebsocketConsumer):
    """Closes the connections to its databases, as careful code does."""

    def receive_json(self, content: Any, **_: Any) -> None:
        connection.close()
        self.send_json(seen())


class Room(AsyncJsonWebsocketConsumer):
    async def connect(self) -> None:
        self.room = self.scope["url_route"]["kwargs"]["room"]
        await self.accept()
        await self.channel_layer.group_add(self.room, self.channel_name)

    async def disconnect(self, code: int) -> None:
        await self.channel_layer.group_discard(self.room, self.channel_name)

    async def receive_json(self, content: Any, **_: Any) -> None:
        event = {"type": "room.said", "text": content["text"]}
        await self.channel_layer.group_send(self.room, event)

    async def room_said(self, event: Any) -> None:
        await self.send_json({"room": self.room, "text": event["text"]})


class Kept(Room):
    """Uses the layer that its module has kept."""

    async def receive_json(self, content: Any, **_: Any) -> None:
        event = {"type": "room.said", "text": content["text"]}
        await KEPT_LAYER.group_send(self.room, event)


class Notes(AsyncJsonWebsocketConsumer):
    """Shows each change of a note."""

    groups = ("notes",)

    async def note_changed(self, event: Any) -> None:
        await self.send_json([event["what"], event["text"]])


class WhoAmI(AsyncJsonWebsocketConsumer):
    async def connect(self) -> None:
        user = self.scope["user"]
        session = self.scope["session"]
        await self.accept()
        await self.send_json(
            {
                "user": user.get_username() or "nobody",
                "seen": await sync_to_async(session.get)("seen"),
            }
        )

    async def receive_json(self, content: Any, **_: Any) -> None:
        session = self.scope["session"]
        session.update(content)
        await sync_to_async(session.save)()
        await self.send_json("saved")


class Refusing(AsyncWebsocketConsumer):
    async def connect(self) -> None:
        await self.close(4003)


class Raising(AsyncJsonWebsocketConsumer):
    async def receive_json(self, content: Any, **_: Any) -> None:
        raise LookupError(f"no room for {content}")


class RaisingSync(JsonWebsocketConsumer):
    def receive_json(self, content: Any, **_: Any) -> None:
        raise LookupError(f"no room for {content}")


class Hanging(AsyncJsonWebsocketConsumer):
    async def receive_json(self, content: Any, **_: Any) -> None:
        await asyncio.Event().wait()


class ClosingEarly(AsyncJsonWebsocketConsumer):
    async def receive_json(self, content: Any, **_: Any) -> None:
        await self.close(4008, reason="too much")


class Leaking(AsyncJsonWebsocketConsumer):
    tasks: list[Any] = []

    async def receive_json(self, content: Any, **_: Any) -> None:
        self.tasks.append(asyncio.create_task(self.tick(asyncio.Event())))
        await self.send_json("ticking")

    async def tick(self, never: asyncio.Event) -> None:
        await never.wait()


class Talkative(AsyncJsonWebsocketConsumer):
    async def receive_json(self, content: Any, **_: Any) -> None:
        for number in range(3):
            await self.send_json({"number": number})


class AcceptingLate(WebsocketConsumer):
    """Closes and then accepts, which no server allows."""

    def connect(self) -> None:
        self.close()
        self.accept()


class Translating(WebsocketConsumer):
    """Calls async code from sync code from async code."""

    def receive(self, text_data: str | None = None, **_: Any) -> None:
        async_to_sync(self.answer)(text_data)

    async def answer(self, text: str | None) -> None:
        await sync_to_async(write)(str(text))
        await database_sync_to_async(self.send)(text)


class Thumbnails(AsyncConsumer):
    """A background consumer: replies to who asked."""

    async def thumbnails_make(self, message: Any) -> None:
        reply = {"type": "thumbnails.made", "name": f"{message['name']}.png"}
        await self.channel_layer.send(message["reply_channel"], reply)

    async def thumbnails_announce(self, message: Any) -> None:
        await self.channel_layer.group_send("thumbnails", {"type": "made"})

    async def thumbnails_fail(self, message: Any) -> None:
        raise LookupError("no such picture")

    async def thumbnails_hang(self, message: Any) -> None:
        await asyncio.Event().wait()


class NoteWriter(SyncConsumer):
    """A background consumer that writes to the database, synchronously."""

    count = 0

    def note_write(self, message: Any) -> None:
        self.count += 1
        note = Note.objects.create(text=message["text"])
        reply = {"type": "note.written", "pk": note.pk, "count": self.count}
        async_to_sync(self.channel_layer.send)(message["reply_channel"], reply)


class NoteStreams(JsonWebsocketConsumer):
    """Takes changes of notes: a stream, and what to do with which row."""

    def receive_json(self, content: Any, **_: Any) -> None:
        if content["stream"] != "notes":
            self.send_json({"error": f"no stream {content['stream']!r}"})
            return
        payload = content["payload"]
        match payload["action"]:
            case "create":
                note = Note.objects.create(**payload["data"])
            case "update":
                note = Note.objects.get(pk=payload["pk"])
                note.text = payload["data"]["text"]
                note.save()
            case "delete":
                note = Note.objects.get(pk=payload["pk"])
                note.delete()
        self.send_json({"stream": "notes", "payload": {"text": note.text}})


class Recorder(JsonWebsocketConsumer):
    """Says what it was given, in the order in which it was."""

    def connect(self) -> None:
        self.accept()
        self.seen: list[Any] = []

    def receive(self, text_data: Any = None, bytes_data: Any = None, **_: Any) -> None:
        self.seen.append(text_data if bytes_data is None else bytes_data.decode())
        self.send_json(self.seen)


class Headers(JsonWebsocketConsumer):
    def connect(self) -> None:
        headers = dict(self.scope["headers"])
        self.accept()
        self.send_json(
            {
                "cookies": self.scope["cookies"],
                "language": headers.get(b"accept-language", b"").decode(),
            }
        )


class Counting(JsonWebsocketConsumer):
    """Counts its visits in the session, while it is connected."""

    def connect(self) -> None:
        self.accept()
        session = self.scope["session"]
        session["visits"] = session.get("visits", 0) + 1
        session.save()
