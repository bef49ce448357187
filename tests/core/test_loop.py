"""Coroutines of a plain test, in the loop of its communicators."""

import asyncio
import re
import threading
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Literal

import anyio
import pytest

from tests.core.scripted import Receive, Scope, Send, echo
from tests.services import require_package
from wstest_core import ApplicationCrashed, NoMessage, SyncWebsocketCommunicator
from wstest_core.errors import LingeringApplicationWarning
from wstest_core.loop import Loop, running

Backend = Literal["asyncio", "trio"]
Make = Callable[..., Loop]
BACKENDS: list[Backend] = ["asyncio", "trio"]


@pytest.fixture(params=BACKENDS)
def loop_of(request: pytest.FixtureRequest) -> Make:
    require_package(request.param)
    return partial(Loop, timeout=10, backend=request.param)


@pytest.fixture
def loop(loop_of: Make) -> Iterator[Loop]:
    with loop_of("work") as opened:
        yield opened


async def seven() -> int:
    return 7


async def hang() -> None:
    await anyio.Event().wait()


def raises(error: BaseException) -> Callable[[], Awaitable[None]]:
    async def main() -> None:
        raise error

    return main


def placeless(text: object) -> str:
    """A failure without times and places, and without the address at its end."""
    lines = re.sub(r"\d\.\d\d\ds", "0.000s", str(text)).splitlines()
    kept = [line for line in lines if not line.startswith("http")]
    doing = r"is waiting (for an event )?in hang\(\) at \S+\.py:\d+"
    return re.sub(doing, "hangs", "\n".join(kept))


def test_runs(loop: Loop) -> None:
    """What the function returns is returned."""
    assert loop.run("count", seven) == 7


@pytest.mark.parametrize("error", [LookupError(), KeyboardInterrupt(), SystemExit()])
def test_errors(loop: Loop, error: BaseException) -> None:
    """What it raises is raised, whatever it is, and the loop goes on."""
    with pytest.raises(type(error)) as caught:
        loop.run("fail", raises(error))
    assert caught.value is error
    assert loop.run("count", seven) == 7


def test_cancelled_from_within() -> None:
    """That is no cancellation of the test, and is told as a crash."""
    with Loop("work", timeout=10) as loop:
        error = asyncio.CancelledError()
        with pytest.raises(
            ApplicationCrashed, match=r"no answer to end .*Canc"
        ) as told:
            loop.run("end", raises(error))
        assert told.value.__cause__ is error


class TestGivenUp:
    """A run that cannot end is no longer waited for, and harms no other."""

    def test_is_told_at_once(self, loop: Loop) -> None:
        """The text has all runs so far, and says where each stands."""
        loop.run("count", seven)
        for title in ("one", "two"):
            with pytest.raises(NoMessage) as failure:
                loop.run(title, hang)
        assert placeless(failure.value) == (
            "no answer to two for work: nothing more can arrive\n"
            "\n"
            "6 entries\n"
            "   0.000s <- accepted\n"
            "   0.000s -> count\n"
            "   0.000s <- count: done\n"
            "   0.000s -> one\n"
            "   0.000s -- one: given up\n"
            "   0.000s -> two\n"
            "\n"
            "one hangs. two hangs."
        )

    def test_may_end_later(self, loop: Loop) -> None:
        """Then the next runs have their own answers all the same."""
        gates = list[anyio.Event]()

        async def pass_gate() -> str:
            gates.append(anyio.Event())
            await gates[-1].wait()
            return "late"

        async def open_gate() -> str:
            gates[-1].set()
            return "open"

        with pytest.raises(NoMessage):
            loop.run("pass", pass_gate)
        assert loop.run("open", open_gate) == "open"
        assert loop.run("count", seven) == 7
        assert "<- pass: done" in str(loop.transcript)

    def test_may_fail_later(self, loop: Loop) -> None:
        """That is in the log, and raised nowhere."""

        async def fail_after(gate: anyio.Event) -> None:
            await gate.wait()
            raise LookupError("late")

        async def make() -> anyio.Event:
            return anyio.Event()

        async def open_gate() -> None:
            gate.set()

        gate = loop.run("make", make)
        with pytest.raises(NoMessage):
            loop.run("fail", partial(fail_after, gate))
        loop.run("open", open_gate)
        loop.settle()
        assert "<- fail: raised LookupError('late')" in str(loop.transcript)

    def test_would_take_longer(self) -> None:
        """What only time would end is told with how to give it that."""
        with Loop("work", timeout=1) as loop, pytest.raises(NoMessage) as failure:
            loop.run("nap", partial(anyio.sleep, 3600))
        assert "no answer to nap for work: nothing can arrive for" in str(failure.value)
        assert "let time jump: @pytest.mark.wstest(virtual_cl" in str(failure.value)

    def test_is_cancelled_at_the_end(self, loop_of: Make) -> None:
        """It has ended when the block has, in the loop that it began in."""
        cleaned_up = list[str]()

        async def main() -> None:
            try:
                await hang()
            finally:
                cleaned_up.append("yes")

        with loop_of("work") as loop:
            with pytest.raises(NoMessage):
                loop.run("hang", main)
            assert cleaned_up == []
        assert cleaned_up == ["yes"]
        assert "-- hang: stopped" in str(loop.transcript)

    def test_can_be_stopped_before(self, loop: Loop) -> None:
        """`stop` cancels it, and the loop goes on."""
        with pytest.raises(NoMessage):
            loop.run("hang", hang)
        loop.stop()
        assert "-- hang: stopped" in str(loop.transcript)
        assert loop.run("count", seven) == 7

    def test_does_not_want_to_end(self) -> None:
        """A warning says what it is that cannot be stopped."""
        gate = list[asyncio.Event]()

        async def stubborn() -> None:
            gate.append(asyncio.Event())
            while not gate[0].is_set():
                try:
                    await gate[0].wait()
                except asyncio.CancelledError:
                    continue

        async def open_gate() -> None:
            gate[0].set()

        with Loop("work", timeout=10) as loop:
            with pytest.raises(NoMessage):
                loop.run("hang", stubborn)
            told = "cannot be stopped: hang is waiting for an event in stubborn"
            with pytest.warns(LingeringApplicationWarning, match=told):
                loop.stop()
            loop.run("open", open_gate)


def test_threads(loop: Loop) -> None:
    """Runs of several threads are at work at once, and each has its own answer."""
    met, count = list[anyio.Event](), 3

    async def meet(number: int) -> int:
        everyone_is_here = anyio.Event()
        met.append(everyone_is_here)
        if len(met) == count:
            for each in met:
                each.set()
        await everyone_is_here.wait()
        return number

    def work(number: int) -> int:
        return loop.run(f"meet {number}", partial(meet, number))

    with ThreadPoolExecutor(count) as pool:
        assert list(pool.map(work, range(count))) == [*range(count)]


def test_loop_of_communicators(loop_of: Make, loop: Loop) -> None:
    """There is one loop for all that is open, and it ends with the last of them."""

    async def here() -> threading.Thread:
        return threading.current_thread()

    async def tell(scope: Scope, receive: Receive, send: Send) -> None:
        threads.append(threading.current_thread())
        await echo(scope, receive, send)

    threads = [loop.run("here", here)]
    backend: Backend = loop_of.keywords["backend"]  # type: ignore[attr-defined] # a partial
    with SyncWebsocketCommunicator(tell, "/", backend=backend):
        pass
    with loop_of("other") as other:
        threads.append(other.run("here", here))
    assert len(set(threads)) == 1
    loop.disconnect()
    assert not threads[0].is_alive()
    loop.__enter__()


@pytest.mark.wstest(virtual_clock=True)
def test_virtual_clock() -> None:
    """Time jumps in it where the setting says so."""
    with Loop("work", timeout=7200) as loop:
        loop.run("nap", partial(anyio.sleep, 3600))


def test_not_open(loop_of: Make) -> None:
    """There is no loop before the block, and none after it."""
    loop = loop_of("work")
    for _ in range(2):
        with pytest.raises(RuntimeError, match=r"^work has no event loop: use it in"):
            loop.run("count", seven)
        with loop:
            assert running() == {loop}
            with pytest.raises(RuntimeError, match=r"^work has its event loop already"):
                loop.__enter__()
            assert loop.run("count", seven) == 7
        assert running() == frozenset()


def test_unknown_backend() -> None:
    """There are two."""
    with pytest.raises(ValueError, match="backend='curio': there are 'asyncio' and"):
        Loop("work", timeout=1, backend="curio")  # type: ignore[arg-type]


def test_loop_is_stopped() -> None:
    """What a callback stops the loop with ends a run as well, and nothing hangs."""

    async def stop() -> None:
        asyncio.get_running_loop().stop()
        await asyncio.sleep(1000)

    stopped = pytest.raises(RuntimeError, match=r"^the event loop of work was stopped")
    with stopped, Loop("work", timeout=10) as loop:
        loop.run("stop", stop)


@pytest.mark.anyio
async def test_running_loop(anyio_backend: object) -> None:
    """In a coroutine it is refused, as its wait would block that loop."""
    with pytest.raises(RuntimeError, match="an event loop is running here"):
        Loop("work", timeout=1).__enter__()
    assert running() == frozenset()
