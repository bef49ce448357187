"""Background jobs: the queue is a real Redis, the worker is ARQ's own.

It runs in this process, where it reaches the same layers in memory as the service and
where what its jobs call can be replaced. Worker processes: test_worker_process.py.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from queue import Queue
from signal import SIGTERM
from threading import Thread

import pytest
from app import jobs
from app.messages import Failed, Progress, Queued, Translate, Translated
from arq import ArqRedis
from arq.connections import RedisSettings
from arq.worker import FailedJobs, Worker

from conftest import GUARD, Connect
from wstest_core import on_type
from wstest_fastapi import AppClient

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("redis_url")]


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Replaces what is slow; says what was asked of it."""
    asked: list[str] = []

    async def look_up(word: str) -> str:
        asked.append(word)
        return jobs.DICTIONARY[word]

    monkeypatch.setattr(jobs, "look_up", look_up)
    return asked


async def test_a_job_is_acknowledged_at_once(
    ws_client: AppClient, connect: Connect
) -> None:
    """The job is in the queue, with all that it needs; nobody works on it yet."""
    queue: ArqRedis = ws_client.state["queue"]
    async with connect("/ws/jobs") as ws:
        await ws.send_message(Translate(text="hello"))
        acknowledged = await ws.receive_message(Queued)
        await ws.expect_nothing(within=60)
        (job,) = await queue.queued_jobs()
    assert job.job_id == acknowledged.job
    assert job.function == "translate"
    assert job.args[0] == "hello"


# --- a worker that does what there is to do, in the loop of the test


async def work(queue: ArqRedis) -> int:
    """Do all jobs that are queued; return how many there were."""
    worker = Worker(
        [jobs.translate],
        redis_pool=queue,
        burst=True,
        poll_delay=0,
        handle_signals=False,
    )
    return await worker.run_check()


async def test_the_result_comes_as_an_event(
    ws_client: AppClient, connect: Connect, service: list[str]
) -> None:
    """Between the acknowledgement and the result there is progress."""
    async with connect("/ws/jobs") as ws:
        await ws.send_message(Translate(text="good day world"))
        job = (await ws.receive_message(Queued)).job
        assert await work(ws_client.state["queue"]) == 1
        *progress, result = await ws.receive_until(on_type(Translated))
        assert result == Translated(job=job, text="bon jour monde")
        assert progress == [Progress(job=job, done=n, of=3) for n in (1, 2, 3)]
        await ws.expect_nothing()
    assert service == ["good", "day", "world"]


async def test_a_job_that_fails_says_so(
    ws_client: AppClient, connect: Connect, service: list[str]
) -> None:
    """The client is told why, and the worker knows it too."""
    async with connect("/ws/jobs") as ws:
        await ws.send_message(Translate(text="hello moon"))
        job = (await ws.receive_message(Queued)).job
        with pytest.raises(FailedJobs):
            await work(ws_client.state["queue"])
        *_, failure = await ws.receive_until(on_type(Failed))
        assert failure == Failed(job=job, why="what does 'moon' mean?")


async def test_the_result_is_for_who_asked(
    ws_client: AppClient, connect: Connect, service: list[str]
) -> None:
    """Two clients, two jobs, and no word of one to the other."""
    async with (
        connect("/ws/jobs", "ann") as ann,
        connect("/ws/jobs", "bob") as bob,
        connect("/ws/jobs", "cy") as cy,
    ):
        await ann.send_message(Translate(text="hello"))
        await bob.send_message(Translate(text="world"))
        assert await work(ws_client.state["queue"]) == 2
        for client, text in ((ann, "bonjour"), (bob, "monde")):
            job = (await client.receive_message(Queued)).job
            await client.expect(Progress, job=job, done=1, of=1)
            await client.expect(Translated, job=job, text=text)
        await cy.expect_nothing()


# --- a worker that works beside the test, in a thread


@contextmanager
def worker_thread(url: str) -> Iterator[None]:
    """Run the worker in a thread with an event loop of its own, and stop it."""
    started: Queue[Worker] = Queue()

    def run() -> None:
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        worker = Worker(
            [jobs.translate],
            redis_settings=RedisSettings.from_dsn(url),
            poll_delay=0.05,
            handle_signals=False,
            job_completion_wait=int(GUARD),
        )
        loop.call_soon(started.put, worker)
        worker.run()
        loop.close()

    thread = Thread(target=run, name="the worker")
    thread.start()
    try:
        worker = started.get(timeout=GUARD)
        yield
        stop = worker.handle_sig_wait_for_completion
        worker.loop.call_soon_threadsafe(stop, SIGTERM)
    finally:
        thread.join(GUARD)


# ARQ 0.28 closes its pool by a name that redis-py has given up.
@pytest.mark.filterwarnings("ignore:Call to deprecated close:DeprecationWarning")
async def test_a_worker_in_a_thread_is_waited_for(
    connect: Connect, redis_url: str, service: list[str]
) -> None:
    """It reaches the layers in memory, and nobody says "nothing" too early."""
    with worker_thread(redis_url):
        async with connect("/ws/jobs") as ws:
            for text in ("hello", "world"):
                await ws.send_message(Translate(text=text))
                await ws.expect(Queued)
                assert not await ws.receive_nothing(GUARD)
                await ws.expect(Progress)
                await ws.expect(Translated, text=jobs.DICTIONARY[text])
