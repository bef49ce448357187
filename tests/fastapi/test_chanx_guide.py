"""What chanx's guide for FastAPI does, by its own communicator and by ours.

Each test is run with the two imports: nothing but the import differs.
"""

from typing import Any

import pytest
from chanx.constants import (
    EVENT_ACTION_COMPLETE,
    GROUP_ACTION_COMPLETE,
    MESSAGE_ACTION_COMPLETE,
)
from chanx.fast_channels.testing import WebsocketCommunicator as ChanxCommunicator
from chanx.messages.incoming import PingMessage
from chanx.messages.outgoing import PongMessage

import wstest_fastapi
from tests.backends import on
from tests.fastapi.room import (
    Count,
    Counted,
    Job,
    JobDone,
    Joined,
    Number,
    Room,
    Said,
    Say,
    app,
)
from wstest_fastapi import AppClient, capture_broadcast_events, fresh_layers

pytestmark = [
    pytest.mark.anyio,
    on("asyncio"),
    # What the peers' communicators use.
    pytest.mark.filterwarnings("ignore:asgiref.timeout:DeprecationWarning"),
]

Communicator = Any  # one import or the other


@pytest.fixture(
    params=[ChanxCommunicator, wstest_fastapi.WebsocketCommunicator],
    ids=["chanx", "wstest_fastapi"],
)
def communicator(request: pytest.FixtureRequest) -> Communicator:
    return request.param


@pytest.fixture(autouse=True)
def layers(request: pytest.FixtureRequest) -> Any:
    with fresh_layers():
        yield


async def test_ping_pong(communicator: Communicator) -> None:
    """A message and its reply."""
    async with communicator(app, "/room/lobby", consumer=Room) as comm:
        await comm.send_message(PingMessage())
        assert await comm.receive_all_messages() == [PongMessage()]


async def test_broadcast_to_two_clients(communicator: Communicator) -> None:
    """Manual connect and disconnect, a notification, a broadcast, and silence."""
    first = communicator(app, "/ws/room/lobby", consumer=Room)
    second = communicator(app, "/ws/room/lobby", consumer=Room)
    await first.connect()
    assert await first.receive_nothing()
    await second.connect()
    joined = await first.receive_all_messages(stop_action=GROUP_ACTION_COMPLETE)
    assert joined == [Joined(payload="lobby")]
    assert await second.receive_nothing()
    await first.send_message(Say(payload="hello"))
    for comm in (first, second):
        found = await comm.receive_all_messages(stop_action=GROUP_ACTION_COMPLETE)
        assert found == [Said(payload="hello")]
    await first.disconnect()
    await second.disconnect()


async def test_event_from_outside(communicator: Communicator) -> None:
    """What an endpoint or a worker sends to a group."""
    async with communicator(app, "/room/lobby", consumer=Room) as comm:
        await Room.broadcast_event(Job(payload="job"), groups=["room.lobby"])
        found = await comm.receive_all_messages(stop_action=EVENT_ACTION_COMPLETE)
        assert found == [JobDone(payload="JOB")]


async def test_custom_stop_action(communicator: Communicator) -> None:
    """A stream is collected up to a message of the application's own."""
    async with communicator(app, "/room/lobby", consumer=Room) as comm:
        await comm.send_message(Count(payload=3))
        found = await comm.receive_all_messages(stop_action="counted")
        assert found == [*(Number(payload=n) for n in range(3)), Counted()]
        assert await comm.receive_all_messages() == []  # but for the completion


async def test_streaming(communicator: Communicator) -> None:
    """Or up to the completion of the message."""
    async with communicator(app, "/room/lobby", consumer=Room) as comm:
        await comm.send_message(Count(payload=2))
        found = await comm.receive_all_messages(stop_action=MESSAGE_ACTION_COMPLETE)
        assert len(found) == 3


async def test_invalid_messages(communicator: Communicator) -> None:
    """What does not validate is answered with an error."""
    async with communicator(app, "/room/lobby", consumer=Room) as comm:
        await comm.send_json_to({"action": "say", "payload": ["no", "text"]})
        found = await comm.receive_all_json(timeout=0.2)
        assert [message["action"] for message in found] == ["error", "complete"]


async def test_other_rooms_hear_nothing(communicator: Communicator) -> None:
    """A group ends at its border."""
    lobby = communicator(app, "/room/lobby", consumer=Room)
    async with lobby, communicator(app, "/room/attic", consumer=Room) as attic:
        await lobby.send_message(Say(payload="hello"))
        assert await attic.receive_nothing()
        await lobby.receive_all_messages(stop_action=GROUP_ACTION_COMPLETE)


@pytest.mark.parametrize("suppress", [True, False])
async def test_capture(communicator: Communicator, suppress: bool) -> None:
    """Events are recorded, and delivered or not."""
    async with communicator(app, "/room/lobby", consumer=Room) as comm:
        with capture_broadcast_events(Room, suppress=suppress) as captured:
            await Room.broadcast_event(Job(payload="job"), groups=["room.lobby"])
        assert [record.event for record in captured] == [Job(payload="job")]
        assert await comm.receive_nothing() is suppress
        if not suppress:
            await comm.receive_all_messages(stop_action=EVENT_ACTION_COMPLETE)


@pytest.mark.parametrize(
    "path",
    ["/room/x", "/ws/room/x", "/sub/room/x", "/api/v1/room/x", "/deep/er/x"],
)
async def test_wherever_it_is_mounted(path: str) -> None:
    """as_asgi() under FastAPI, Starlette, sub-applications, routers with prefixes."""
    async with (
        AppClient(app) as client,
        client.websocket(path, consumer=Room, name="ann") as ann,
        client.websocket(path, consumer=Room, name="bob"),
    ):
        assert await ann.receive_message() == Joined(payload="x")


async def test_an_endpoint_that_broadcasts() -> None:
    """Connect, POST, receive: HTTP and sockets meet in the layer."""
    async with (
        AppClient(app) as client,
        client.websocket("/room/lobby", consumer=Room) as ann,
    ):
        await client.http.post("/jobs/job")
        found = await ann.receive_all_messages(EVENT_ACTION_COMPLETE)
        assert found == [JobDone(payload="JOB")]
