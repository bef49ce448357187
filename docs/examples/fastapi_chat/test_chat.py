"""The chat application, tested as its users meet it."""

from collections.abc import Callable
from threading import Thread
from typing import Any

import app as chat
import pytest

from conftest import Join
from wstest_core import ConnectionRejected, on_action, virtual_clock
from wstest_fastapi import (
    AppClient,
    WebsocketCommunicator,
    capture_broadcasts,
    dependency_overrides,
    group_members,
    send_to_group,
)

pytestmark = pytest.mark.anyio


async def welcomed(ws: WebsocketCommunicator) -> None:
    welcome = await ws.receive_json()
    assert welcome == {"action": "welcome", "who": ws.transcript.name}


async def test_a_stranger_is_refused(ws_connect: Callable[..., Any]) -> None:
    """Without a login there is no connection; a browser is told HTTP 403."""
    with pytest.raises(ConnectionRejected) as refusal:
        async with ws_connect("/rooms/lobby"):
            pytest.fail("the connection was accepted")
    assert (refusal.value.code, refusal.value.status) == (4401, 403)


async def test_logging_in_opens_the_rooms(ws_client: AppClient) -> None:
    """The cookie of the login goes with the sockets of the same client."""
    await ws_client.http.post("/login/ann")
    async with ws_client.websocket("/rooms/lobby", name="ann") as ann:
        await welcomed(ann)


async def test_everybody_in_the_room_hears_it(join: Join) -> None:
    """A message reaches each member of its room, and nobody else."""
    async with join("ann") as ann, join("bob") as bob, join("cy", "attic") as cy:
        for member in (ann, bob, cy):
            await welcomed(member)
        await ann.send_json({"action": "say", "text": "hello"})
        heard = {"action": "said", "who": "ann", "text": "hello"}
        assert await ann.receive_json() == heard
        assert await bob.receive_json() == heard
        await cy.expect_nothing()


async def test_who_leaves_is_out(join: Join) -> None:
    """A client is in its room's group for as long as it is connected."""
    async with join("ann") as ann:
        async with join("bob") as bob:
            assert len(group_members(chat.LAYER, "lobby")) == 2
            await welcomed(bob)
        assert len(group_members(chat.LAYER, "lobby")) == 1
        await welcomed(ann)


async def test_an_answer_streams_in(join: Join) -> None:
    """The answer is collected up to its end, however many pieces it has."""
    async with join("ann") as ann:
        await welcomed(ann)
        await ann.send_json({"action": "ask", "text": "why?"})
        *words, end = await ann.receive_until(on_action("answered"))
        assert [word["text"] for word in words] == ["You", "asked:", "why?"]
        assert end == {"action": "answered"}


async def test_a_reminder_comes_after_an_hour(join: Join) -> None:
    """An hour of the application takes no time in its test."""
    async with join("ann") as ann:
        await welcomed(ann)
        with virtual_clock():
            await ann.send_json({"action": "remind", "after": 3600, "text": "tea"})
            await ann.expect_nothing(within=3599)
            reminder = await ann.receive_json(timeout=3601)
        assert reminder == {"action": "reminder", "text": "tea"}


async def test_work_in_a_thread_is_waited_for(join: Join) -> None:
    """A reply that is still computed in a thread is a reply on its way."""
    async with join("ann") as ann:
        reply = await ann.request({"action": "digest", "text": "x"})
        assert reply["value"].startswith("46d927a2")
        await welcomed(ann)
        await ann.expect_nothing()


async def test_http_and_websocket_are_one_application(
    ws_client: AppClient, join: Join
) -> None:
    """What is announced over HTTP is heard in the room; what is said is kept."""
    async with join("ann") as ann:
        await welcomed(ann)
        news = {"text": "we close at 6"}
        await ws_client.http.post("/rooms/lobby/announcements", json=news)
        assert (await ann.receive_json())["who"] == "the management"
        await ann.send_json({"action": "say", "text": "so soon?"})
        assert (await ann.receive_json())["text"] == "so soon?"
        said = await ws_client.http.get("/rooms/lobby")
        assert said.json() == ["so soon?"]


async def test_a_dependency_is_another(ws_client: AppClient, join: Join) -> None:
    """A dependency is overridden for one block, or for one test."""
    with dependency_overrides(chat.app, {chat.announcer: lambda: "the cat"}):
        async with join("ann") as ann:
            await welcomed(ann)
            news = {"text": "miaow"}
            await ws_client.http.post("/rooms/lobby/announcements", json=news)
            assert (await ann.receive_json())["who"] == "the cat"
    assert chat.app.dependency_overrides == {}


async def test_what_is_broadcast_is_seen_on_its_way(join: Join) -> None:
    """The layer's traffic is recorded, whoever listens."""
    async with join("ann") as ann:
        await welcomed(ann)
        with capture_broadcasts(chat.LAYER) as broadcasts:
            await ann.send_json({"action": "say", "text": "hello"})
            await ann.receive_json()
        assert [record.group for record in broadcasts] == ["lobby"]


async def test_a_worker_thread_speaks(join: Join) -> None:
    """What another thread puts on the layer is waited for, and heard."""
    event = {"type": "room.said", "who": "the cron job", "text": "backup done"}
    async with join("ann") as ann:
        await welcomed(ann)
        worker = Thread(target=send_to_group, args=(chat.LAYER, "lobby", event))
        worker.start()
        assert (await ann.receive_json())["who"] == "the cron job"
        worker.join()


def test_a_plain_test_will_do(ws_connect_sync: Callable[..., Any]) -> None:
    """The same verbs without await, over the same fixtures."""
    headers = [(b"cookie", b"user=ann")]
    with ws_connect_sync("/rooms/lobby", headers) as ann:
        assert ann.receive_json()["who"] == "ann"
        ann.send_json({"action": "say", "text": "hello"})
        assert ann.receive_json()["text"] == "hello"
        assert ann.receive_nothing()
