"""What the ARQ worker does: `arq app.jobs.WorkerSettings`."""

import asyncio
import os
from typing import Any, ClassVar

from arq.connections import RedisSettings

from app.layers import JOBS, layer, redis_url, register_layers

DICTIONARY = {"hello": "bonjour", "good": "bon", "day": "jour", "world": "monde"}


async def look_up(word: str) -> str:
    """Stands in for a service that takes its time."""
    await asyncio.sleep(0.01)
    return DICTIONARY[word]


async def translate(ctx: dict[str, Any], text: str, reply_to: str) -> str:
    """Translate word by word; tell the client who asked how it goes."""

    async def tell(what: str, **more: Any) -> None:
        event = {"type": f"job.{what}", "job": ctx["job_id"], **more}
        await layer(JOBS).send(reply_to, event)

    words: list[str] = []
    for word in text.split():
        try:
            words.append(await look_up(word))
        except LookupError:
            await tell("failed", why=f"what does {word!r} mean?")
            raise
        await tell("progress", done=len(words), of=len(text.split()))
    await tell("translated", text=" ".join(words))
    return " ".join(words)


async def startup(ctx: dict[str, Any]) -> None:
    register_layers()


class WorkerSettings:
    """How `arq` runs the worker."""

    functions: ClassVar[list[Any]] = [translate]
    on_startup = startup
    redis_settings = RedisSettings.from_dsn(redis_url())
    poll_delay = float(os.environ.get("POLL_DELAY", "0.5"))
