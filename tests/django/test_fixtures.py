"""The fixtures, under pytest-django with pytest-asyncio and with anyio's plugin."""

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from project.models import Note

from wstest_django import send_to_group


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class _Tests:
    @pytest.mark.django_db(databases=["default", "logs"])
    async def test_rows_are_shared(self, ws_connect: Any) -> None:
        """The test's coroutine, its consumers and fixtures see the same rows."""
        await Note.objects.acreate(text="of the test")
        async with ws_connect("/ws/databasesynctoasync/") as ws:
            await ws.send_json({"write": "of the consumer"})
            found = await ws.receive_json()
        assert found["notes"] == ["of the test", "of the consumer"]

    @pytest.mark.django_db(databases=["default", "logs"])
    async def test_rows_are_gone(self, ws_connect: Any) -> None:
        """What another thread has written is rolled back, too."""
        async with ws_connect("/ws/sync/") as ws:
            await ws.send_json({"write": "only"})
            assert (await ws.receive_json())["notes"] == ["only"]

    async def test_db_may_come_later(self, ws_connect: Any, db: None) -> None:
        """The order of fixtures does not matter."""
        note = await Note.objects.acreate(text="one")
        assert note.pk
        async with ws_connect("/ws/notes/") as ws:
            await note.adelete()
            assert await ws.receive_json() == ["deleted", "one"]

    async def test_rows_of_a_fixture(self, note: Note, ws_connect: Any) -> None:
        """A plain fixture's rows are seen by the ORM's coroutines."""
        assert await Note.objects.acount() == 1

    async def test_without_a_database(self, ws_connect: Any) -> None:
        """A test that asks for no database may talk to a socket all the same."""
        async with ws_connect("/ws/echo/", user=_Nobody()) as ws:
            await ws.send_json("hello")
            assert await ws.receive_json() == "hello"

    async def test_layer_is_fresh(self, ws_connect: Any, ws_layers: Any) -> None:
        """Channel layers are in memory, and one for each test."""
        async with ws_connect("/ws/room/a/", user=_Nobody()) as ws:
            event = {"type": "room.said", "text": "hi"}
            send_to_group("default", "a", event)
            assert await ws.receive_json() == {"room": "a", "text": "hi"}
            assert len(ws_layers["default"].members("a")) == 1

    async def test_session_is_shared(
        self, client: Client, ws_connect: Any, db: None
    ) -> None:
        """A socket may have the session of pytest-django's client."""
        user = await get_user_model().objects.acreate_user("ann")
        await client.aforce_login(user)
        async with ws_connect("/ws/whoami/", test_client=client) as ws:
            assert (await ws.receive_json())["user"] == "ann"

    async def test_socket_that_is_left_open(self, ws_connect: Any) -> None:
        """It is closed when the test ends, in the test's own loop."""
        ws = ws_connect("/ws/echo/", user=_Nobody())
        assert await ws.connect() == (True, None)


class _Nobody:
    """A user that needs no database."""

    is_authenticated = False


@pytest.mark.asyncio
class TestUnderPytestAsyncio(_Tests):
    pass


@pytest.mark.anyio
class TestUnderAnyio(_Tests):
    pass


@pytest.fixture
def note(db: None) -> Note:
    made: Note = Note.objects.create(text="of a fixture")
    return made


@pytest.mark.django_db(databases=["default", "logs"])
def test_plain(ws_connect_sync: Any) -> None:
    """A plain test has the same, and shares its rows likewise."""
    Note.objects.create(text="of the test")
    with ws_connect_sync("/ws/orm/") as ws:
        ws.send_json({"write": "of the consumer"})
        assert ws.receive_json()["notes"] == ["of the test", "of the consumer"]


@pytest.mark.django_db(transaction=True, databases=["default", "logs"])
def test_plain_with_real_transactions(ws_connect_sync: Any) -> None:
    """Also where the database is flushed."""
    Note.objects.create(text="of the test")
    with ws_connect_sync("/ws/anythread/") as ws:
        ws.send_json({"write": "of the consumer"})
        assert ws.receive_json()["notes"] == ["of the test", "of the consumer"]


def test_wrong_arguments(ws_connect_sync: Any) -> None:
    """The path comes first, and what there is beside it is named."""
    first = (
        r'^ws_connect_sync\(\) takes its path first: ws_connect_sync\("/ws/chat/"\)$'
    )
    for wrong in ({}, {"ws_path": "/ws/echo/"}):
        with pytest.raises(TypeError, match=first):
            ws_connect_sync(**wrong)
    others = r"beside it there are .*headers, subprotocols, user, test_client, "
    for unknown in ("usr", "ws_path"):
        text = rf"^ws_connect_sync\(\) takes no {unknown}: its path comes first, and "
        with pytest.raises(TypeError, match=text + others):
            ws_connect_sync("/ws/echo/", **{unknown: "x"})


@pytest.mark.asyncio
async def test_wrong_arguments_in_a_coroutine(ws_connect: Any) -> None:
    """The fixture for coroutines says the same of itself."""
    with pytest.raises(TypeError, match=r"^ws_connect\(\) takes its path first"):
        ws_connect(ws_path="/ws/echo/")
    with pytest.raises(TypeError, match=r"^ws_connect\(\) takes no usr"):
        ws_connect("/ws/echo/", usr="x")
