from chanx.channels.websocket import AsyncJsonWebsocketConsumer
from chanx.core.decorators import channel, ws_handler
from chanx.messages.incoming import PingMessage
from chanx.messages.outgoing import PongMessage

from sockets_chanx.messages import Said, Say


@channel(name="chat", description="A chat room for everybody who knows its name")
class ChatConsumer(AsyncJsonWebsocketConsumer):
    async def post_authentication(self) -> None:
        await self.join_group(f"chat.{self.url_params['room']}")

    @ws_handler(summary="Are you there?")
    async def handle_ping(self, _message: PingMessage) -> PongMessage:
        return PongMessage()

    @ws_handler(summary="Say something to the others", output_type=Said)
    async def handle_say(self, message: Say) -> None:
        said = Said(payload=message.payload)
        await self.broadcast_message(said, exclude_current=True)
