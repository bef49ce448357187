"""The same tests for each contender, within the test case that its manual names.

Imported when Django has been set up.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, TypeAlias
from unittest import TestCase

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from channels.layers import get_channel_layer
from channels.routing import URLRouter
from django.contrib.auth.models import Group
from django.test import TransactionTestCase
from django.urls import path

from wstest_django import WebsocketTestCase

from .measure import Stopwatch

Communicator: TypeAlias = Any
Json: TypeAlias = Any

PATH = "/ws/"
CROWD = "crowd"
# What tests have measured by themselves, in seconds.
measured: list[float] = []


class Diary(AsyncJsonWebsocketConsumer):
    """Writes what it is told, answers with all that was written; repeats the news."""

    groups = (CROWD,)

    async def receive_json(self, content: Json, **_: Any) -> None:
        await self.send_json(await self.write(content["name"]))

    @database_sync_to_async
    def write(self, name: str) -> list[str]:
        Group.objects.create(name=name)
        return list(Group.objects.order_by("pk").values_list("name", flat=True))

    async def crowd_news(self, event: Json) -> None:
        await self.send_json(event["text"])


APPLICATION = URLRouter([path(PATH[1:], Diary.as_asgi())])


class _Ours:
    """For `wstest_django.WebsocketTestCase`."""

    ws_path = PATH
    router = APPLICATION

    def open(self: Any) -> Communicator:
        return self.create_communicator()


class _OnTheirLayer(_Ours):
    """The same, with Channels' own layer left in place."""

    test_channel_aliases = ()


class _Channels:
    """For Django's own test case, with the communicator of `channels.testing`."""

    def open(self) -> Communicator:
        return import_module("channels.testing").WebsocketCommunicator(
            APPLICATION, PATH
        )


class _Chanx:
    """For `chanx.channels.testing.WebsocketTestCase`."""

    ws_path = PATH
    router = APPLICATION
    consumer = Diary

    def open(self: Any) -> Communicator:
        return self.create_communicator()


class _Suite:
    """A test that writes, talks to a consumer that writes, and looks what is there."""

    def setUp(self: Any) -> None:
        super().setUp()  # type: ignore[misc]
        Group.objects.create(name="setUp")

    async def test(self: Any) -> None:
        ws = self.open()
        connected, _ = await ws.connect()
        assert connected
        await ws.send_json_to({"name": "consumer"})
        assert await ws.receive_json_from() == ["setUp", "consumer"]
        await ws.disconnect()
        assert await Group.objects.acount() == 2


class _Nothing:
    """A test that times negative assertions."""

    size: int

    async def test(self: Any) -> None:
        ws = self.open()
        await ws.connect()
        with Stopwatch() as watch:
            for _ in range(self.size):
                assert await ws.receive_nothing()
        await ws.disconnect()
        measured.append(watch.seconds / self.size)


class _Crowd:
    """A test that times one broadcast to many clients."""

    size: int

    async def test(self: Any) -> None:
        crowd = [self.open() for _ in range(self.size)]
        for ws in crowd:
            await ws.connect()
        with Stopwatch() as watch:
            news = {"type": "crowd.news", "text": "hello"}
            await get_channel_layer().group_send(CROWD, news)
            for ws in crowd:
                await ws.receive_json_from()
            if hasattr(crowd[-1], "settle"):
                await crowd[-1].settle()
        for ws in crowd:
            await ws.disconnect()
        measured.append(watch.seconds)


WORKS = {"suite": _Suite, "nothing": _Nothing, "crowd": _Crowd}
CASES: dict[str, tuple[type, Callable[[], type]]] = {
    "wstest_django": (_Ours, lambda: WebsocketTestCase),
    "wstest_django, their layer": (_OnTheirLayer, lambda: WebsocketTestCase),
    "channels.testing": (_Channels, lambda: TransactionTestCase),
    "chanx": (
        _Chanx,
        lambda: import_module("chanx.channels.testing").WebsocketTestCase,
    ),
}


def tests_of(work: str, contender: str, size: int) -> Sequence[TestCase]:
    """So many tests, or one test that does its work so many times."""
    manner, base = CASES[contender]
    case = type("Tests", (WORKS[work], manner, base()), {"size": size})
    return [case("test") for _ in range(size if work == "suite" else 1)]
