"""The sockets. Each message is a JSON object with an `action`."""

from typing import Any

from channels.generic.websocket import AsyncJsonWebsocketConsumer, JsonWebsocketConsumer

from chat.broadcasts import DIRECTORY
from chat.models import Message, Room

NOT_LOGGED_IN = 4401
NO_SUCH_ROOM = 4404
ROOM_CLOSED = 4410
HISTORY = 20  # messages that a newcomer is shown


class RoomConsumer(AsyncJsonWebsocketConsumer):
    """One user in one room."""

    user: Any  # of the class that AUTH_USER_MODEL names
    room: Room
    inside = False

    async def connect(self) -> None:
        self.user = self.scope["user"]
        if not self.user.is_authenticated:
            await self.close(NOT_LOGGED_IN)
            return
        try:
            slug = self.scope["url_route"]["kwargs"]["slug"]
            self.room = await Room.objects.aget(slug=slug)
        except Room.DoesNotExist:
            await self.close(NO_SUCH_ROOM)
            return
        await self.accept()
        self.inside = True
        await self.channel_layer.group_add(self.room.group, self.channel_name)
        await self.send_json({"action": "history", "messages": await self.history()})

    async def disconnect(self, code: int) -> None:
        if self.inside:
            await self.channel_layer.group_discard(self.room.group, self.channel_name)

    async def receive_json(self, content: Any, **_: Any) -> None:
        match content:
            case {"action": "say", "text": str(text)} if text.strip():
                await self.say(text)
            case {"action": "typing"}:
                who = self.user.username
                await self.tell_others({"action": "typing", "who": who})
            case _:
                await self.send_json({"action": "not understood", "message": content})

    async def say(self, text: str) -> None:
        author = self.user
        message = await self.room.messages.acreate(author=author, text=text)
        await self.tell_others(shown(message))
        await self.send_json({"action": "sent", "id": message.pk})

    async def tell_others(self, message: dict[str, Any]) -> None:
        event = {"type": "room.news", "sender": self.channel_name, "message": message}
        await self.channel_layer.group_send(self.room.group, event)

    async def room_news(self, event: dict[str, Any]) -> None:
        if event.get("sender") != self.channel_name:
            await self.send_json(event["message"])

    async def room_closed(self, event: dict[str, Any]) -> None:
        await self.close(ROOM_CLOSED)

    async def history(self) -> list[dict[str, Any]]:
        last = self.room.messages.select_related("author").order_by("-pk")[:HISTORY]
        return [shown(message) async for message in last][::-1]


class DirectoryConsumer(JsonWebsocketConsumer):
    """Shows which rooms there are, and each change of them."""

    groups = [DIRECTORY]  # noqa: RUF012 - Channels reads it, nobody changes it

    def connect(self) -> None:
        user: Any = self.scope["user"]
        if not user.is_authenticated:
            self.close(NOT_LOGGED_IN)
            return
        self.accept()
        rooms = Room.objects.order_by("slug").values("slug", "name")
        self.send_json({"action": "rooms", "rooms": list(rooms)})

    def directory_changed(self, event: dict[str, Any]) -> None:
        self.send_json(event["message"])


def shown(message: Message) -> dict[str, Any]:
    who = message.author.get_username()
    return {"action": "said", "who": who, "text": message.text}
