"""Consumers, as chanx's documentation writes them."""

from typing import Any

from asgiref.sync import sync_to_async
from chanx.channels.authenticator import DjangoAuthenticator
from chanx.channels.websocket import AsyncJsonWebsocketConsumer
from chanx.core.decorators import channel, event_handler, ws_handler
from chanx.core.topic import Topic
from chanx.messages.base import BaseMessage
from chanx.messages.incoming import PingMessage
from chanx.messages.outgoing import PongMessage
from rest_framework.permissions import BasePermission, IsAuthenticated

from project.messages import (
    Announced,
    Announcement,
    Break,
    Count,
    Counted,
    Done,
    Number,
    Order,
    Ordered,
    Removal,
    Removed,
    Said,
    SaidPayload,
    Say,
    Whisper,
)
from project.models import Post, Presence, Room
from project.tasks import start_job


class IsMember(BasePermission):
    message = "Members only."

    def has_object_permission(self, request: Any, view: Any, obj: Room) -> bool:
        return obj.members.filter(pk=request.user.pk).exists()


class RoomAuthenticator(DjangoAuthenticator):
    permission_classes = [IsAuthenticated, IsMember]
    queryset = Room.objects.all()
    obj: Room


@channel(name="chat")
class ChatConsumer(AsyncJsonWebsocketConsumer[Announcement | Removal]):
    """A room of members."""

    authenticator_class = RoomAuthenticator
    authenticator: RoomAuthenticator

    async def post_authentication(self) -> None:
        self.room, self.user = self.authenticator.obj, self.authenticator.user
        self.presence = await Presence.objects.acreate(room=self.room, user=self.user)
        await self.join_group(f"room.{self.room.pk}")

    async def websocket_disconnect(self, message: Any) -> None:
        if hasattr(self, "presence"):
            await self.presence.adelete()
        await super().websocket_disconnect(message)

    @ws_handler(summary="Are you there?")
    async def handle_ping(self, _message: PingMessage) -> PongMessage:
        return PongMessage()

    @ws_handler(output_type=Said)
    async def handle_say(self, message: Say) -> None:
        await Post.objects.acreate(room=self.room, text=message.payload)
        await self.broadcast_message(self.said(message.payload))

    @ws_handler(output_type=Said)
    async def handle_whisper(self, message: Whisper) -> None:
        await self.broadcast_message(self.said(message.payload), exclude_current=True)

    @ws_handler(output_type=Number | Counted)
    async def handle_count(self, message: Count) -> Counted:
        for number in range(message.payload):
            await self.send_message(Number(payload=number))
        return Counted()

    @ws_handler
    async def handle_break(self, _message: Break) -> PongMessage:
        raise LookupError("on purpose")

    @event_handler
    async def handle_announcement(self, event: Announcement) -> Announced:
        return Announced(payload=event.payload)

    @event_handler(output_type=Removed)
    async def handle_removal(self, event: Removal) -> None:
        if self.user is not None and self.user.pk == event.payload:
            await self.send_message(Removed())
            await self.close(4003)

    def said(self, text: str) -> Said:
        name = self.user.get_username() if self.user is not None else "nobody"
        return Said(payload=SaidPayload(user_name=name, text=text))


@channel(name="jobs")
class JobConsumer(AsyncJsonWebsocketConsumer[Done]):
    """Open to everybody; gives work to somebody else, and tells when it is done."""

    groups = ["jobs"]

    @ws_handler
    async def handle_ping(self, _message: PingMessage) -> PongMessage:
        return PongMessage()

    @ws_handler(output_type=Ordered)
    async def handle_order(self, message: Order) -> None:
        await self.send_message(Ordered(payload=message.payload))
        await sync_to_async(start_job)(message.payload, self.channel_name)

    @event_handler
    async def handle_done(self, event: Done) -> Done:
        return event


class CamelConsumer(ChatConsumer):
    """Speaks camelCase whatever the settings say."""

    camelize = True


class QuietConsumer(JobConsumer):
    """Sends no completion messages whatever the settings say."""

    send_completion = False


class RoomTopic(Topic[Announcement]):
    pattern = "room:{name}"

    @ws_handler
    async def handle_say(self, message: Say) -> Said:
        return Said(payload=SaidPayload(user_name="you", text=message.payload))

    @event_handler
    async def handle_announcement(self, event: Announcement) -> Announced:
        return Announced(payload=event.payload)


class SecretTopic(Topic[Announcement]):
    pattern = "secret:{name}"

    async def authorize(self, **params: str) -> bool:
        return params["name"] == "open"


class HubConsumer(AsyncJsonWebsocketConsumer[BaseMessage]):
    """Many topics over one connection."""

    topics = [RoomTopic, SecretTopic]

    @ws_handler
    async def handle_ping(self, _message: PingMessage) -> PongMessage:
        return PongMessage()


RoomTopicConsumer = RoomTopic.as_consumer()
