"""Rooms, as the users in them see them."""

from chat.consumers import HISTORY
from chat.models import Message, Room

from tests.cases import ChatTestCase
from wstest_django import group_members

HELLO = {"action": "say", "text": "hello"}


class TalkTests(ChatTestCase):
    async def test_others_hear_it(self) -> None:
        """What is said reaches the others; who said it is told that it is sent."""
        ann, bob, cy = [await self.join(who) for who in ("ann", "bob", "cy")]
        await ann.send_json(HELLO)
        heard = {"action": "said", "who": "ann", "text": "hello"}
        assert await bob.receive_json() == heard
        assert await cy.receive_json() == heard
        assert (await ann.receive_json())["action"] == "sent"
        await ann.expect_nothing()

    async def test_another_room_hears_nothing(self) -> None:
        """Rooms are separate."""
        await Room.objects.acreate(slug="attic", name="The attic")
        ann, bob = await self.join("ann"), await self.join("bob", "attic")
        await ann.send_json(HELLO)
        await bob.expect_nothing()
        await ann.skip()

    async def test_typing(self) -> None:
        """That somebody is typing is seen by the others, and kept nowhere."""
        ann, bob = await self.join("ann"), await self.join("bob")
        await ann.send_json({"action": "typing"})
        assert await bob.receive_json() == {"action": "typing", "who": "ann"}
        await ann.expect_nothing()
        assert not await Message.objects.aexists()

    async def test_what_is_said_is_kept(self) -> None:
        """The consumer's row is there for the test, with its room and author."""
        ann = await self.join("ann")
        await ann.send_json(HELLO)
        sent = await ann.receive_json()
        message = await Message.objects.select_related("author").aget(pk=sent["id"])
        assert (message.author.get_username(), message.text) == ("ann", "hello")
        assert message.room_id == self.lobby.pk

    async def test_who_leaves_is_out(self) -> None:
        """A socket is in its room's group for as long as it is connected."""
        ann, bob = await self.join("ann"), await self.join("bob")
        assert len(group_members("default", self.lobby.group)) == 2
        await bob.disconnect()
        assert len(group_members("default", self.lobby.group)) == 1
        await ann.expect_nothing()

    async def test_nonsense(self) -> None:
        """What is not understood is answered, to its sender alone."""
        ann, bob = await self.join("ann"), await self.join("bob")
        for nonsense in ({"action": "dance"}, {**HELLO, "text": "  "}, ["hello"]):
            await ann.send_json(nonsense)
            answer = {"action": "not understood", "message": nonsense}
            assert await ann.receive_json() == answer
        await bob.expect_nothing()


class HistoryTests(ChatTestCase):
    ws_path = "/ws/rooms/lobby/"

    def setUp(self) -> None:
        super().setUp()
        self.author = self.create_user(username="ann")
        self.login(self.author)  # self.client, and the communicators with it

    async def say(self, *texts: str) -> None:
        for text in texts:
            await self.lobby.messages.acreate(author=self.author, text=text)

    async def seen(self) -> list[str]:
        async with self.create_communicator() as ws:
            return [each["text"] for each in (await ws.receive_json())["messages"]]

    async def test_newcomers_see_what_was_said(self) -> None:
        """The history that the consumer sends is made of the test's rows."""
        await self.say("first", "second")
        assert await self.seen() == ["first", "second"]

    async def test_nothing_was_said(self) -> None:
        """And they are gone in the next test."""
        assert await self.seen() == []

    async def test_long_histories_are_cut(self) -> None:
        """The last messages are shown, oldest first."""
        texts = [str(number) for number in range(HISTORY + 5)]
        await self.say(*texts)
        assert await self.seen() == texts[5:]
