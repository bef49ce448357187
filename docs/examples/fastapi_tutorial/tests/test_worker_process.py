"""Background jobs done by `arq`, in a process of its own, as in production.

That process can reach the clients only through Redis. So here the layer that it uses
is the real one; the others are fresh ones in memory still.
"""

import time
from collections.abc import Iterator, Mapping

import pytest
from app.layers import CHAT, JOBS, NEWS
from app.messages import Progress, Queued, Translate, Translated

from conftest import GUARD, Connect, python
from wstest_core import NoMessage, on_type
from wstest_fastapi import FreshLayer, fresh_layers

pytestmark = pytest.mark.anyio


@pytest.fixture
def ws_layers(redis_url: str) -> Iterator[Mapping[str, FreshLayer]]:
    """Takes the place of the plugin's fixture of this name."""
    with fresh_layers(keep={JOBS}) as fresh:
        yield fresh


@pytest.fixture(scope="class")
def worker(redis_server: str) -> Iterator[None]:
    """The worker that production runs, if a bit more eager."""
    command = ("-m", "arq", "app.jobs.WorkerSettings")
    with python(*command, REDIS_URL=redis_server, POLL_DELAY="0.05"):
        yield


@pytest.mark.usefixtures("worker")
class TestWithAWorker:
    """Jobs are done while the test goes on."""

    async def test_it_answers_through_redis(self, connect: Connect) -> None:
        """Acknowledged at once; the result comes when the worker has it."""
        async with connect("/ws/jobs") as ws:
            await ws.send_message(Translate(text="good day world"))
            job = (await ws.receive_message(Queued)).job
            *progress, result = await ws.receive_until(on_type(Translated))
            assert result == Translated(job=job, text="bon jour monde")
            assert progress == [Progress(job=job, done=n, of=3) for n in (1, 2, 3)]

    async def test_nobody_says_nothing_while_it_works(self, connect: Connect) -> None:
        """A result from another process cannot be foreseen, so it is waited for."""
        async with connect("/ws/jobs") as ws:
            for text in ("hello", "world", "good day"):
                await ws.send_message(Translate(text=text))
                await ws.expect(Queued)
                assert not await ws.receive_nothing(GUARD)
                await ws.receive_until(on_type(Translated))


async def test_a_failure_says_that_there_is_no_proof(connect: Connect) -> None:
    """No worker runs here: the wait takes its time, and the text says why."""
    async with connect("/ws/jobs", "ann") as ann:
        await ann.send_message(Translate(text="hello"))
        await ann.expect(Queued)
        before = time.monotonic()
        with pytest.raises(NoMessage) as failure:
            await ann.receive_message(Translated, timeout=0.2)
        assert time.monotonic() - before >= 0.2
    text = str(failure.value)
    assert "no Translated for ann: nothing arrived within 0.2 s" in text
    assert "waits for a channel layer on the network, where no proof is" in text


async def test_the_other_layers_are_in_memory(
    connect: Connect, join: Connect, ws_layers: Mapping[str, FreshLayer]
) -> None:
    """Only what another process uses is on Redis."""
    async with join("ann") as ann:
        before = time.monotonic()
        await ann.expect_nothing(within=60)
        assert time.monotonic() - before < 10
    assert ws_layers.keys() == {CHAT, NEWS}
