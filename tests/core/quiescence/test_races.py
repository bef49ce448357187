"""Threads that are switched at every moment find no gap to slip through."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest
import trio
from asgiref.sync import async_to_sync

from tests.core.quiescence import hops_asyncio, hops_trio
from tests.core.quiescence.hops_threads import POOL, safely
from tests.core.quiescence.rig import (
    Hop,
    Spawn,
    Then,
    connected,
    exchange,
    silence,
    through,
)
from tests.hectic import hectic

ROUNDS = 40


@pytest.fixture(autouse=True)
def switched_at_every_moment() -> Iterator[None]:
    with hectic():
        yield


async def instant_job(spawn: Spawn, then: Then) -> None:
    POOL.submit(int).add_done_callback(safely(spawn, then))


async def instant_jobs_in_a_row(spawn: Spawn, then: Then) -> None:
    answer = safely(spawn, then)

    def job(left: int) -> None:
        if left:
            POOL.submit(job, left - 1)
        else:
            answer()

    POOL.submit(job, 5)


async def job_to_thread_to_job(spawn: Spawn, then: Then) -> None:
    answer = safely(spawn, then)

    def thread() -> None:
        POOL.submit(answer)

    POOL.submit(lambda: threading.Thread(target=thread).start())


RACING: dict[str, Hop] = {
    hop.__name__: hop
    for hop in (instant_job, instant_jobs_in_a_row, job_to_thread_to_job)
}
NAMES = (
    "instant_thread", "thread_by_thread", "job_that_submits", "cancelled_job",
    "coroutine_from_thread", "sync_and_back", "anyio_from_thread", "thread_sensitive",
)  # fmt: skip
RACING |= {name: hops_asyncio.QUICK[name] for name in NAMES}


async def again_and_again(hop: Hop) -> None:
    async with connected(through(hop)) as driver:
        for number in range(ROUNDS):
            assert await exchange(driver, str(number)) == f"{number} done"
        assert await silence(driver) == "proved"


@pytest.mark.parametrize("name", RACING)
def test_asyncio(name: str) -> None:
    """On asyncio no reply of a racing thread is missed."""
    asyncio.run(again_and_again(RACING[name]))


@pytest.mark.parametrize("name", RACING)
def test_asyncio_with_a_parked_main_thread(name: str) -> None:
    """Nor where the main thread works for the loop."""
    async_to_sync(again_and_again)(RACING[name])


@pytest.mark.parametrize(
    "name",
    ["instant_thread", "thread_by_thread", "job_that_submits", "thread_cache",
     "from_thread", "abandoned", "parked_thread"],
)  # fmt: skip
def test_trio(name: str) -> None:
    """Nor on trio."""
    trio.run(again_and_again, hops_trio.QUICK[name])


COLLECTING = """
import faulthandler, gc, threading, time

from wstest_core.quiescence import _threads

faulthandler.dump_traceback_later(60, exit=True)
over = False


class Node:
    def __init__(self):
        self.itself = self

    def __del__(self):
        time.sleep(0)  # another thread goes on


def start_threads():
    while not over:
        threading.Thread(target=int).start()


starter = threading.Thread(target=start_threads)
starter.start()
gc.set_threshold(1)
for _ in range(3_000):
    Node()
    _threads.outstanding(None)
over = True
starter.join()
print("over")
"""


def test_collection_while_looking_at_threads() -> None:
    """What a garbage collection runs does not bring the process to a stand.

    On Python 3.11 one could begin while the interpreter had its list of threads
    locked; the next thread to start then waited for ever.
    """
    command = [sys.executable, "-c", COLLECTING]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout == "over\n", done.stderr
