"""The test rig itself: an absent service is a skip here, a failure in CI."""

import asyncio

import asyncpg
import pytest
import redis.asyncio
import sniffio

from tests.backends import asyncio_only, on
from tests.services import require


def test_requirement_met_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A condition that holds neither skips nor fails."""
    monkeypatch.setenv("WSTEST_REQUIRE_ALL", "1")
    require(condition=True, reason="unused")


def test_absence_skips_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a machine that lacks something its tests are skipped, and it is named."""
    monkeypatch.delenv("WSTEST_REQUIRE_ALL", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no such thing"):
        require(condition=False, reason="no such thing")


def test_absence_fails_where_nothing_may_be_absent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With WSTEST_REQUIRE_ALL set, what is absent fails instead of hiding."""
    monkeypatch.setenv("WSTEST_REQUIRE_ALL", "1")
    with pytest.raises(pytest.fail.Exception, match="no such thing"):
        require(condition=False, reason="no such thing")


@pytest.mark.anyio
@on("asyncio")
async def test_redis_answers(redis_url: str) -> None:
    """The Redis of the fixture is ready when the test starts."""
    async with redis.asyncio.Redis.from_url(redis_url) as client:
        assert await client.ping()


@pytest.mark.anyio
@on("asyncio")
async def test_postgres_answers(postgres_dsn: str) -> None:
    """The PostgreSQL of the fixture is ready, as root and as anybody."""
    connection = await asyncpg.connect(postgres_dsn)
    try:
        assert await connection.fetchval("select 1") == 1
    finally:
        await connection.close()


@pytest.mark.anyio
async def test_runs_on_the_named_loop(request: pytest.FixtureRequest) -> None:
    """A test id names the library that really runs the test."""
    wanted = request.node.callspec.params["anyio_backend"]
    assert wanted.startswith(sniffio.current_async_library())


@pytest.mark.anyio
@asyncio_only
async def test_asyncio_variants_differ(request: pytest.FixtureRequest) -> None:
    """uvloop's and eager loops are what their ids say."""
    wanted = request.node.callspec.params["anyio_backend"]
    loop = asyncio.get_running_loop()
    assert type(loop).__module__.startswith("uvloop") == (wanted == "asyncio-uvloop")
    assert (loop.get_task_factory() is not None) == (wanted == "asyncio-eager")
