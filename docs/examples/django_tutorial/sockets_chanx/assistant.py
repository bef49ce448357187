from typing import Any

from assistant import ai
from chanx.channels.websocket import AsyncJsonWebsocketConsumer
from chanx.core.decorators import channel, ws_handler
from chanx.messages.incoming import PingMessage
from chanx.messages.outgoing import PongMessage

from sockets_chanx.messages import (
    AnswerChunk,
    AnswerComplete,
    AnswerFailed,
    AnswerStart,
    Ask,
)


@channel(name="assistant", description="Answers piece by piece, and remembers")
class AssistantConsumer(AsyncJsonWebsocketConsumer):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.history: tuple[ai.Turn, ...] = ()

    @ws_handler(summary="Are you there?")
    async def handle_ping(self, _message: PingMessage) -> PongMessage:
        return PongMessage()

    @ws_handler(
        summary="Ask something",
        output_type=AnswerStart | AnswerChunk | AnswerFailed | AnswerComplete,
    )
    async def handle_ask(self, message: Ask) -> AnswerComplete | AnswerFailed:
        await self.send_message(AnswerStart())
        pieces = []
        try:
            async for piece in ai.stream_answer(message.payload, self.history):
                pieces.append(piece)
                await self.send_message(AnswerChunk(payload=piece))
        except ai.ServiceError as error:
            return AnswerFailed(payload=str(error))
        answer = "".join(pieces)
        self.history += (
            {"role": "user", "content": message.payload},
            {"role": "assistant", "content": answer},
        )
        return AnswerComplete(payload=answer)
