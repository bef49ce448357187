"""What the consumers share. A message is `{"action": …, "payload": …}`."""

from typing import Any, TypeAlias

from channels.generic.websocket import AsyncJsonWebsocketConsumer

Json: TypeAlias = Any


class Consumer(AsyncJsonWebsocketConsumer):
    async def send_action(self, action: str, payload: Json = None) -> None:
        await self.send_json({"action": action, "payload": payload})

    async def receive_json(self, content: Json, **_: Any) -> None:
        match content:
            case {"action": "ping"}:
                await self.send_action("pong")
            case {"action": str(action), "payload": payload}:
                await self.receive_action(action, payload)
            case _:
                await self.refuse(content)

    async def receive_action(self, action: str, payload: Json) -> None:
        raise NotImplementedError

    async def refuse(self, content: Json) -> None:
        await self.send_action("error", {"not understood": content})
