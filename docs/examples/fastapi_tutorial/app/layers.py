"""The channel layers: one for each kind of traffic, all of them on Redis."""

import os
from typing import Any

from fast_channels.layers import (
    BaseChannelLayer,
    get_channel_layer,
    register_channel_layer,
)
from fast_channels.layers.redis import RedisChannelLayer, RedisPubSubChannelLayer

CHAT = "chat"  # what is said in rooms: heard by whoever is there, and gone
JOBS = "jobs"  # what a worker tells one client: kept until it is taken
NEWS = "news"  # what any process tells everybody
EVERYBODY = "everybody"


def redis_url() -> str:
    return os.environ.get("REDIS_URL", "redis://localhost:6379")


def register_layers() -> None:
    """Each process that speaks to the others does this when it starts."""
    hosts: Any = [redis_url()]
    for alias in (CHAT, NEWS):
        layer = RedisPubSubChannelLayer(hosts=hosts, prefix=alias)
        register_channel_layer(alias, layer)
    register_channel_layer(JOBS, RedisChannelLayer(hosts=hosts, prefix=JOBS))


def layer(alias: str) -> BaseChannelLayer:
    found = get_channel_layer(alias)
    if found is None:
        raise RuntimeError(f"the layer {alias!r} is not registered: register_layers()")
    return found


async def tell_everybody(text: str) -> None:
    await layer(NEWS).group_send(EVERYBODY, {"type": "news.item", "text": text})
