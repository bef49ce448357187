"""The same as pytest functions, with the fixtures that come with wstest_django."""

from collections.abc import Callable
from typing import Any, TypeAlias

import pytest
from chat.models import Room
from django.contrib.auth.models import User
from django.test import AsyncClient

from wstest_django import (
    SyncWebsocketCommunicator,
    WebsocketCommunicator,
    send_to_group,
    session_headers_for,
)

pytestmark = [pytest.mark.anyio, pytest.mark.django_db]

Connect: TypeAlias = Callable[..., WebsocketCommunicator[Any]]
ConnectSync: TypeAlias = Callable[..., SyncWebsocketCommunicator[Any]]
LOBBY = "/ws/rooms/lobby/"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def lobby(db: None) -> Room:
    return Room.objects.create(slug="lobby", name="The lobby")


@pytest.fixture
def ann(db: None) -> User:
    return User.objects.create_user("ann", is_staff=True)


@pytest.fixture
def bob(db: None) -> User:
    return User.objects.create_user("bob")


async def test_others_hear_it(
    ws_connect: Connect, lobby: Room, ann: User, bob: User
) -> None:
    """A socket's user may be given as it is, without a login."""
    async with ws_connect(LOBBY, user=ann) as one, ws_connect(LOBBY, user=bob) as other:
        await one.skip()
        await other.skip()
        await one.send_json({"action": "say", "text": "hello"})
        assert (await one.receive_json())["action"] == "sent"
        assert (await other.receive_json())["who"] == "ann"


async def test_session_of_a_client(
    async_client: AsyncClient, ws_connect: Connect, lobby: Room, ann: User
) -> None:
    """Socket and requests may share pytest-django's client and its session."""
    await async_client.aforce_login(ann)
    async with ws_connect(LOBBY, test_client=async_client) as ws:
        await ws.skip()
        news = {"text": "we close at 6"}
        await async_client.post("/rooms/lobby/announcements/", news)
        assert (await ws.receive_json())["action"] == "announced"


async def test_a_task_speaks(ws_connect: Connect, lobby: Room, ann: User) -> None:
    """What a task puts on the channel layer is heard."""
    message = {"action": "announced", "text": "the backup is done"}
    async with ws_connect(LOBBY, user=ann) as ws:
        await ws.skip()
        send_to_group("default", lobby.group, {"type": "room.news", "message": message})
        assert await ws.receive_json() == message


def test_a_plain_test_will_do(
    ws_connect_sync: ConnectSync, lobby: Room, ann: User
) -> None:
    """The same verbs without await."""
    with ws_connect_sync("/ws/rooms/", session_headers_for(ann)) as ws:
        assert [room["name"] for room in ws.receive_json()["rooms"]] == ["The lobby"]
        lobby.delete()
        assert ws.receive_json() == {"action": "room_closed", "slug": "lobby"}
