"""A socket that answers what it is told: no layer, no Redis, nothing to prepare."""

import pytest
from app.messages import Echo, Echoed, Refused, Say

from conftest import Connect

pytestmark = pytest.mark.anyio


async def test_it_says_what_it_is_told(connect: Connect) -> None:
    """One message, one reply, and then nothing more."""
    async with connect("/ws/system") as ws:
        await ws.send_message(Echo(text="hello"))
        assert await ws.receive_message() == Echoed(text="hello")
        await ws.expect_nothing()


async def test_replies_come_in_order(connect: Connect) -> None:
    """What is sent in one go is answered in that order."""
    async with connect("/ws/system") as ws:
        for text in ("one", "two", "three"):
            await ws.send_message(Echo(text=text))
        for text in ("one", "two", "three"):
            await ws.expect(Echoed, text=text)


@pytest.mark.parametrize(
    ("frame", "why"),
    [
        ("hello", "Invalid JSON"),
        ('{"action": "sing"}', "'action' does not match any of the expected tags"),
        ('{"action": "echo"}', "Field required"),
    ],
)
async def test_nonsense_is_refused(connect: Connect, frame: str, why: str) -> None:
    """What is no message is refused, and the socket goes on."""
    async with connect("/ws/system") as ws:
        await ws.send_text(frame)
        assert why in (await ws.receive_message(Refused)).why
        await ws.send_message(Echo(text="still there"))
        await ws.expect(Echoed, text="still there")


async def test_a_message_for_another_socket_is_refused(connect: Connect) -> None:
    """Nobody says things here."""
    async with connect("/ws/system") as ws:
        await ws.send_message(Say(text="hello"))
        await ws.expect(Refused, why="no say here")
