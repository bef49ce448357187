"""The service: `uvicorn app.main:app`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from arq import ArqRedis
from fastapi import FastAPI
from starlette.routing import WebSocketRoute

from app.consumers import Jobs, NewsFeed, Room, System
from app.layers import redis_url, register_layers, tell_everybody


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
    """The queue connects when the first job comes: chatting needs no Redis."""
    register_layers()
    async with ArqRedis.from_url(redis_url()) as queue:
        yield {"queue": queue}


app = FastAPI(lifespan=lifespan)


@app.post("/news", status_code=202)
async def announce(text: str) -> None:
    await tell_everybody(text)


app.router.routes += [
    WebSocketRoute("/ws/system", System.as_asgi()),
    WebSocketRoute("/ws/rooms/{room}", Room.as_asgi()),
    WebSocketRoute("/ws/jobs", Jobs.as_asgi()),
    WebSocketRoute("/ws/news", NewsFeed.as_asgi()),
]
