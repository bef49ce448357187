"""Rooms: who hears what."""

from typing import Any

from tests.cases import TutorialTestCase, message

HELLO = {"name": "ann", "text": "hello"}


class ChatTests(TutorialTestCase):
    async def join(self, room: str) -> Any:
        return await self.connected(f"/ws/chat/{room}/")

    async def test_ping(self) -> None:
        """A room answers who asks, and nobody else."""
        ann, bob = await self.join("lobby"), await self.join("lobby")
        await ann.send_json_to(message("ping"))
        assert await ann.receive_json_from() == message("pong")
        assert await bob.receive_nothing()

    async def test_the_others_hear_it(self) -> None:
        """What is said reaches everybody in the room but who has said it."""
        ann, bob, cy = [await self.join("lobby") for _ in range(3)]
        await ann.send_json_to(message("say", HELLO))
        assert await bob.receive_json_from() == message("said", HELLO)
        assert await cy.receive_json_from() == message("said", HELLO)
        assert await ann.receive_nothing()

    async def test_a_conversation(self) -> None:
        """Each hears the other, in turn."""
        ann, bob = await self.join("lobby"), await self.join("lobby")
        for speaker, listener, name in ((ann, bob, "ann"), (bob, ann, "bob")) * 2:
            speech = {"name": name, "text": f"I am {name}"}
            await speaker.send_json_to(message("say", speech))
            assert await listener.receive_json_from() == message("said", speech)
            assert await speaker.receive_nothing()

    async def test_rooms_are_separate(self) -> None:
        """The room in the URL is the one that is spoken to."""
        ann, bob = await self.join("lobby"), await self.join("lobby")
        cy = await self.join("attic")
        await ann.send_json_to(message("say", HELLO))
        assert await bob.receive_json_from() == message("said", HELLO)
        assert await cy.receive_nothing()

    async def test_who_leaves_hears_no_more(self) -> None:
        """Speaking to those who are left is no error."""
        ann, bob, cy = [await self.join("lobby") for _ in range(3)]
        await bob.disconnect()
        await ann.send_json_to(message("say", HELLO))
        assert await cy.receive_json_from() == message("said", HELLO)
        assert await ann.receive_nothing()
