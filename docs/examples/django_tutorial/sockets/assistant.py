"""An assistant that answers piece by piece and remembers the conversation."""

from assistant import ai

from sockets.base import Consumer, Json


class AssistantConsumer(Consumer):
    history: tuple[ai.Turn, ...] = ()

    async def receive_action(self, action: str, payload: Json) -> None:
        match action, payload:
            case "ask", str(question):
                await self.answer(question)
            case _:
                await self.refuse({"action": action, "payload": payload})

    async def answer(self, question: str) -> None:
        await self.send_action("answer_start")
        pieces = []
        try:
            async for piece in ai.stream_answer(question, self.history):
                pieces.append(piece)
                await self.send_action("answer_chunk", piece)
        except ai.ServiceError as error:
            await self.send_action("answer_failed", str(error))
            return
        answer = "".join(pieces)
        self.history += (
            {"role": "user", "content": question},
            {"role": "assistant", "content": answer},
        )
        await self.send_action("answer_complete", answer)
