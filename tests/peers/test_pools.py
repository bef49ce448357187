"""Idle connection pools are presumed silent; a reply through one is not missed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import ModuleType
from typing import Any

import aiosqlite
import asyncpg
import psycopg_pool
import pytest
import redis.asyncio

from tests.backends import on
from tests.core.quiescence.rig import (
    Handler,
    Reply,
    Spawn,
    answering,
    connected,
    exchange,
    silence,
)

pytestmark = [pytest.mark.anyio, on("asyncio", "asyncio-eager")]

here = ModuleType("here")
SLOW_IN_SQLITE = """
with recursive numbers(n) as (select 1 union all select n + 1 from numbers limit 20000)
select 'answer' from numbers where n = 20000
"""
SLOW = "select pg_sleep(0.03), 'answer'"


@asynccontextmanager
async def redis_client(url: str) -> AsyncIterator[redis.asyncio.Redis]:
    async with redis.asyncio.Redis.from_url(url, decode_responses=True) as client:
        await client.ping()
        yield client


async def answers_and_rests(handle: Handler) -> str:
    """Return the kind of the silence after two replies."""
    async with connected(answering(handle)) as driver:
        assert await exchange(driver, "x") == "answer"
        assert await exchange(driver, "y") == "answer"
        return (await silence(driver)).partition(":")[0]


async def test_asyncpg_pool(postgres_dsn: str) -> None:
    """asyncpg: a slow query's reply arrives, and the idle pool is presumed silent."""
    async with asyncpg.create_pool(postgres_dsn, min_size=3) as pool:

        async def query(text: str, spawn: Spawn, reply: Reply) -> None:
            row = await pool.fetchrow(SLOW)
            await reply(row[1])

        assert await answers_and_rests(query) == "presumed"


async def test_asyncpg_pool_that_is_exhausted(postgres_dsn: str) -> None:
    """asyncpg: a reply that waits for a connection first is not missed."""
    async with asyncpg.create_pool(postgres_dsn, min_size=1, max_size=1) as pool:

        async def query(text: str, spawn: Spawn, reply: Reply) -> None:
            rows = await asyncio.gather(*(pool.fetchrow(SLOW) for _ in range(3)))
            await reply(rows[-1][1])

        assert await answers_and_rests(query) == "presumed"


async def test_asyncpg_listener(postgres_dsn: str) -> None:
    """asyncpg: a task that a NOTIFY may feed through a queue is waited for."""
    async with asyncpg.create_pool(postgres_dsn, min_size=2) as pool:
        notes: asyncio.Queue[str] = asyncio.Queue()

        def listener(*payload: Any) -> None:
            notes.put_nowait(payload[-1])

        async def forward(text: str, spawn: Spawn, reply: Reply) -> None:
            async def wait() -> None:
                await reply(await notes.get())

            spawn(wait)

        async with pool.acquire() as connection:
            await connection.add_listener("room", listener)
            async with connected(answering(forward)) as driver:
                await driver.send("x")
                found = await silence(driver, timeout=0.03)
                assert "may wake what waits in wait()" in found, found
                await pool.execute("select pg_notify('room', 'answer')")
                assert await driver.receive(timeout=5) == "answer"
                assert (await silence(driver)).startswith("presumed: ")
            await connection.remove_listener("room", listener)


async def test_asyncpg_listener_that_feeds_a_queue(postgres_dsn: str) -> None:
    """asyncpg: what a notification is put into is found, by whatever name."""
    here.notified = asyncio.Queue()

    async def notice(*arguments: Any) -> None:
        await here.notified.put(arguments[-1])

    async def ask(text: str, spawn: Spawn, reply: Reply) -> None:
        await connection.execute(f"notify news, '{text}'")
        await reply(await here.notified.get())

    connection = await asyncpg.connect(postgres_dsn)
    try:
        await connection.add_listener("news", notice)
        async with connected(answering(ask)) as driver:
            assert await exchange(driver, "x") == "x"
            waiting = asyncio.ensure_future(driver.receive(timeout=0.1))
            await driver.send("y")
            assert await waiting == "y"
    finally:
        await connection.close()


async def test_aiosqlite() -> None:
    """aiosqlite: a query's reply arrives, and its idle thread is harmless."""
    async with aiosqlite.connect(":memory:") as connection:

        async def query(text: str, spawn: Spawn, reply: Reply) -> None:
            for row in await connection.execute_fetchall(SLOW_IN_SQLITE):
                await reply(row[0])

        async def outlived(text: str, spawn: Spawn, reply: Reply) -> None:
            spawn(lambda: query(text, spawn, reply))

        for handle in (query, outlived):
            assert await answers_and_rests(handle) == "proved"


async def test_psycopg_pool(postgres_dsn: str) -> None:
    """psycopg: a slow query's reply arrives; its idle pool does not expire a wait."""
    async with psycopg_pool.AsyncConnectionPool(
        postgres_dsn, min_size=2, open=False
    ) as pool:
        await pool.wait()

        async def query(text: str, spawn: Spawn, reply: Reply) -> None:
            async with pool.connection() as connection:
                cursor = await connection.execute(SLOW)
                row = await cursor.fetchone()
            assert row is not None
            await reply(row[1])

        assert await answers_and_rests(query) in ("proved", "presumed")


async def test_redis_client(redis_url: str) -> None:
    """redis: an idle client is presumed silent after its replies."""
    async with redis_client(redis_url) as client:

        async def ask(text: str, spawn: Spawn, reply: Reply) -> None:
            await client.set("key", "answer")
            await reply(await client.get("key"))

        assert await answers_and_rests(ask) == "presumed"


async def test_redis_blocking_pop(redis_url: str) -> None:
    """redis: a reply that waits in BLPOP is waited for."""
    async with redis_client(redis_url) as client:

        async def pop(text: str, spawn: Spawn, reply: Reply) -> None:
            async def push() -> None:
                await asyncio.sleep(0.03)
                await client.rpush("list", "answer")

            spawn(push)
            _, value = await client.blpop(["list"], timeout=5)  # type: ignore[misc]
            await reply(value)

        assert await answers_and_rests(pop) == "presumed"


async def test_redis_subscription(redis_url: str) -> None:
    """redis: while a task listens to a channel nothing is presumed."""
    async with redis_client(redis_url) as client, client.pubsub() as pubsub:
        await pubsub.subscribe("room")

        async def listen(text: str, spawn: Spawn, reply: Reply) -> None:
            async def forward() -> None:
                async for message in pubsub.listen():
                    if message["type"] == "message":
                        await reply(message["data"])
                        return

            spawn(forward)

        async with connected(answering(listen)) as driver:
            await driver.send("x")
            found = await silence(driver, timeout=0.03)
            assert found.startswith("expired: ")
            await client.publish("room", "answer")
            assert await driver.receive(timeout=5) == "answer"
            assert (await silence(driver)).startswith("presumed: ")
