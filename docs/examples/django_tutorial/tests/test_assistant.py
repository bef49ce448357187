"""Answers that come piece by piece, of a service that is not asked."""

from collections.abc import AsyncIterator, Sequence
from typing import Any
from unittest.mock import Mock, patch

from assistant import ai

from tests.cases import Json, TutorialTestCase, message

PATH = "/ws/assistant/"
ANSWERS = {"Who are you?": ["An ", "assistant."], "Really?": ["Yes."]}


async def answer(question: str, history: Sequence[ai.Turn]) -> AsyncIterator[str]:
    """What the service would do: some answers, and one failure."""
    for piece in ANSWERS.get(question, ["Well"]):
        yield piece
    if question not in ANSWERS:
        raise ai.ServiceError("out of credit")


def said(question: str) -> list[ai.Turn]:
    """What is remembered of a question and its answer."""
    return [
        {"role": "user", "content": question},
        {"role": "assistant", "content": "".join(ANSWERS[question])},
    ]


@patch("assistant.ai.stream_answer", side_effect=answer)
class AssistantTests(TutorialTestCase):
    async def ask(self, ws: Any, question: str) -> Json:
        await ws.send_json_to(message("ask", question))
        return await self.collected(ws, "answer_complete")

    async def test_an_answer_is_streamed(self, service: Mock) -> None:
        """There is a start, each piece as it comes, and the whole."""
        ws = await self.connected(PATH)
        assert await self.ask(ws, "Who are you?") == [
            message("answer_start"),
            message("answer_chunk", "An "),
            message("answer_chunk", "assistant."),
            message("answer_complete", "An assistant."),
        ]
        service.assert_called_once()
        assert await ws.receive_nothing()

    async def test_what_the_service_is_asked(self, service: Mock) -> None:
        """The first question is passed on as it is, with no history."""
        ws = await self.connected(PATH)
        await self.ask(ws, "Who are you?")
        service.assert_called_once_with("Who are you?", ())

    async def test_the_conversation_is_remembered(self, service: Mock) -> None:
        """A later question is asked with all that was said before, in order."""
        ws = await self.connected(PATH)
        for question in ("Who are you?", "Really?", "Really?"):
            await self.ask(ws, question)
        question, history = service.call_args.args
        assert question == "Really?"
        assert list(history) == [*said("Who are you?"), *said("Really?")]

    async def test_conversations_are_separate(self, service: Mock) -> None:
        """What one client has said is nobody else's history."""
        ann, bob = await self.connected(PATH), await self.connected(PATH)
        await self.ask(ann, "Who are you?")
        await self.ask(bob, "Really?")
        service.assert_called_with("Really?", ())
        assert await ann.receive_nothing()

    async def test_the_service_fails(self, service: Mock) -> None:
        """The client is told why, and may go on; the failure is not remembered."""
        ws = await self.connected(PATH)
        await ws.send_json_to(message("ask", "Are you rich?"))
        found = await self.collected(ws, "answer_failed")
        assert found[-1] == message("answer_failed", "out of credit")
        await self.ask(ws, "Really?")
        service.assert_called_with("Really?", ())
