"""A broadcast to a crowd, over fast-channels' own layer and over the fresh one.

Every client of a fast-channels consumer collects one group message; the time ends
when the consumers wait for their next one. Once without and once with connecting and
disconnecting.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from functools import partial
from time import perf_counter
from typing import Any

from fast_channels.consumer.websocket import AsyncWebsocketConsumer
from fast_channels.layers import (
    BaseChannelLayer,
    InMemoryChannelLayer,
    channel_layers,
    register_channel_layer,
    unregister_channel_layer,
)

from wstest_core import WebsocketCommunicator
from wstest_fastapi.layers import FreshLayer

from .measure import Stopwatch, Trial

ALIAS = "benchmark"
THEIRS, OURS = "InMemoryChannelLayer", "FreshLayer"
LAYERS: dict[str, Callable[[], BaseChannelLayer]] = {
    THEIRS: InMemoryChannelLayer,
    OURS: FreshLayer,
}


class Listener(AsyncWebsocketConsumer):
    """Tells its client what the group is told."""

    channel_layer_alias = ALIAS
    groups: list[str] = ["crowd"]

    async def crowd_news(self, event: Any) -> None:
        await self.send(event["text"])


def seconds(layer: str, clients: int, *, whole: bool = False) -> float:
    """How long one group message takes to reach each client and its test."""
    register_channel_layer(ALIAS, LAYERS[layer]())
    try:
        with Stopwatch() as stopwatch:
            alone = asyncio.run(_broadcast(clients))
    finally:
        unregister_channel_layer(ALIAS)
    return stopwatch.seconds if whole else alone


async def _broadcast(clients: int) -> float:
    application = Listener.as_asgi()
    async with AsyncExitStack() as stack:
        crowd = [
            await stack.enter_async_context(WebsocketCommunicator(application, "/"))
            for _ in range(clients)
        ]
        layer = channel_layers[ALIAS]
        start = perf_counter()
        await layer.group_send("crowd", {"type": "crowd.news", "text": "hello"})
        for client in crowd:
            await client.receive_text()
        await crowd[-1].settle()
        return perf_counter() - start


def trials(clients: int, times: int, *, whole: bool = False) -> list[Trial]:
    """Seconds for one broadcast, over each of the layers."""
    return [
        Trial(name, partial(seconds, name, clients, whole=whole), times)
        for name in LAYERS
    ]
