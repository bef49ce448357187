"""A chat room for everybody who knows its name."""

from sockets.base import Consumer, Json


class ChatConsumer(Consumer):
    group = ""

    async def connect(self) -> None:
        await self.accept()
        self.group = f"chat.{self.scope['url_route']['kwargs']['room']}"
        await self.channel_layer.group_add(self.group, self.channel_name)

    async def disconnect(self, code: int) -> None:
        await self.channel_layer.group_discard(self.group, self.channel_name)

    async def receive_action(self, action: str, payload: Json) -> None:
        match action, payload:
            case "say", {"name": str(), "text": str()}:
                said = {"type": "said", "sender": self.channel_name, "payload": payload}
                await self.channel_layer.group_send(self.group, said)
            case _:
                await self.refuse({"action": action, "payload": payload})

    async def said(self, event: Json) -> None:
        if event["sender"] != self.channel_name:
            await self.send_action("said", event["payload"])
