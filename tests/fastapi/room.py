"""chanx consumers as its guide for FastAPI has them, mounted in each way there is."""

from typing import Any, Literal

from chanx.core.decorators import channel, event_handler, ws_handler
from chanx.fast_channels.websocket import AsyncJsonWebsocketConsumer
from chanx.messages.base import BaseMessage
from chanx.messages.incoming import PingMessage
from chanx.messages.outgoing import PongMessage
from fast_channels.layers import InMemoryChannelLayer, register_channel_layer
from fastapi import APIRouter, FastAPI
from starlette.applications import Starlette
from starlette.routing import Mount, WebSocketRoute

ALIAS = "room"
register_channel_layer(ALIAS, InMemoryChannelLayer())


class Say(BaseMessage):
    action: Literal["say"] = "say"
    payload: str


class Count(BaseMessage):
    action: Literal["count"] = "count"
    payload: int


class Said(BaseMessage):
    action: Literal["said"] = "said"
    payload: str


class Joined(BaseMessage):
    action: Literal["joined"] = "joined"
    payload: str


class Number(BaseMessage):
    action: Literal["number"] = "number"
    payload: int


class Counted(BaseMessage):
    action: Literal["counted"] = "counted"
    payload: None = None


class Job(BaseMessage):
    action: Literal["job"] = "job"
    payload: str


class JobDone(BaseMessage):
    action: Literal["job_done"] = "job_done"
    payload: str


@channel(name="room")
class Room(AsyncJsonWebsocketConsumer[Job]):
    channel_layer_alias = ALIAS
    send_completion = True

    async def post_authentication(self) -> None:
        self.room = self.scope.get("path_params", {}).get("room", "lobby")
        self.groups.append(f"room.{self.room}")
        await self.channel_layer.group_add(f"room.{self.room}", self.channel_name)
        await self.broadcast_message(
            Joined(payload=self.room),
            groups=[f"room.{self.room}"],
            exclude_current=True,
        )

    @ws_handler
    async def handle_ping(self, _message: PingMessage) -> PongMessage:
        return PongMessage()

    @ws_handler(output_type=Said | Joined)
    async def handle_say(self, message: Say) -> None:
        await self.broadcast_message(
            Said(payload=message.payload), groups=[f"room.{self.room}"]
        )

    @ws_handler(output_type=Number | Counted)
    async def handle_count(self, message: Count) -> None:
        for number in range(message.payload):
            await self.send_message(Number(payload=number))
        await self.send_message(Counted())

    @event_handler
    async def handle_job(self, event: Job) -> JobDone:
        return JobDone(payload=event.payload.upper())


# A consumer as an endpoint takes what ASGI calls an application.
endpoint: Any = Room.as_asgi()
app = FastAPI()
app.router.routes.append(WebSocketRoute("/room/{room}", endpoint))
app.mount("/ws", Starlette(routes=[WebSocketRoute("/room/{room}", endpoint)]))
sub = FastAPI()
sub.router.routes.append(WebSocketRoute("/room/{room}", endpoint))
app.mount("/sub", sub)
router = APIRouter(prefix="/v1", routes=[WebSocketRoute("/v1/room/{room}", endpoint)])
app.include_router(router, prefix="/api")
app.router.routes.append(
    Mount("/deep", routes=[Mount("/er", routes=[WebSocketRoute("/{room}", endpoint)])])
)


@app.post("/jobs/{text}")
async def start_job(text: str) -> None:
    await Room.broadcast_event(Job(payload=text), groups=["room.lobby"])
