"""Rooms, on a layer that is Redis in production and in memory here.

The fixtures put a fresh layer in memory in the place of each that the application
registers. So these tests need no Redis, no guest of one test is in a room of the next,
and "nothing" is proved at once.
"""

import pytest
from app.layers import CHAT
from app.messages import Joined, Left, Said, Say

from conftest import Connect
from wstest_core import ConnectionRejected
from wstest_fastapi import capture_broadcasts, group_members

pytestmark = pytest.mark.anyio


async def test_everybody_in_the_room_hears_it(join: Connect) -> None:
    """Also who says it; nobody in another room."""
    async with join("ann") as ann, join("bob") as bob, join("cy", "attic") as cy:
        await ann.expect(Joined, who="bob")
        await bob.send_message(Say(text="hello"))
        for guest in (ann, bob):
            await guest.expect(Said, who="bob", text="hello")
        await cy.expect_nothing()


async def test_the_others_are_told_who_comes_and_goes(join: Connect) -> None:
    """Who comes is not told of herself."""
    async with join("ann") as ann:
        async with join("bob") as bob:
            assert await ann.receive_message() == Joined(who="bob")
            await bob.expect_nothing()
        assert await ann.receive_message() == Left(who="bob")


async def test_who_leaves_is_out_of_the_group(join: Connect) -> None:
    """The layer has nobody in a room when the last has left it."""
    async with join("ann"):
        assert len(group_members(CHAT, "room.lobby")) == 1
    assert group_members(CHAT, "room.lobby") == []


async def test_who_does_not_say_who_she_is_stays_outside(connect: Connect) -> None:
    """A refusal is seen as the server sees it, and as the browser does."""
    with pytest.raises(ConnectionRejected) as refusal:
        async with connect("/ws/rooms/lobby"):
            pytest.fail("the connection was accepted")
    assert refusal.value.code == 4401
    assert refusal.value.browser_code == 1006


async def test_what_goes_over_the_layer(join: Connect) -> None:
    """What is broadcast is seen on its way, whoever listens."""
    async with join("ann") as ann:
        with capture_broadcasts(CHAT) as broadcasts:
            await ann.send_message(Say(text="hello"))
            await ann.expect(Said, who="ann", text="hello")
    assert [record.group for record in broadcasts] == ["room.lobby"]
