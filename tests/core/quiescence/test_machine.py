"""A state machine over the communicator: whatever a test does, nothing is lost."""

import asyncio
from collections import deque
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from tests.core.quiescence.hops_asyncio import QUICK
from tests.core.quiescence.hops_threads import INSTANT
from tests.core.quiescence.rig import GUARD
from wstest_core.communicator import WebsocketCommunicator
from wstest_core.errors import ApplicationCrashed, ConnectionClosed, NoMessage

T = TypeVar("T")


async def scripted(scope: Any, receive: Any, send: Any) -> None:
    """Does what it is told: "say <hop> <frame>...", "close <code>", "crash".

    One thing after the other, and each only when the hop has been taken.
    """
    await receive()
    await send({"type": "websocket.accept"})
    while (event := await receive())["type"] == "websocket.receive":
        order, *words = event["text"].split()
        if order == "crash":
            raise LookupError("told to")
        if order == "close":
            await send({"type": "websocket.close", "code": int(words[0])})
            continue
        await _say(words[0], words[1:], send)


async def _say(hop: str, frames: list[str], send: Any) -> None:
    said = asyncio.Event()
    tasks: list[asyncio.Task[None]] = []

    async def say() -> None:
        for frame in frames:
            await send({"type": "websocket.send", "text": frame})
        said.set()

    await QUICK[hop](lambda then: tasks.append(_started(then)), say)
    await said.wait()
    await asyncio.gather(*tasks)


def _started(then: Any) -> asyncio.Task[None]:
    return asyncio.ensure_future(then())


class Conversation(RuleBasedStateMachine):
    """Knows which frames must come, in which order, and how it ended."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.coming: deque[str] = deque()
        self.sent = 0
        self.end: type[AssertionError] | None = None

    def do(self, main: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(main)

    @initialize()
    def connect(self) -> None:
        async def main() -> WebsocketCommunicator:
            ws = WebsocketCommunicator(scripted, "/", timeout=GUARD)
            assert await ws.connect() == (True, None)
            return ws

        self.ws = self.do(main())

    def teardown(self) -> None:
        with self.runner:
            self.do(self.ws.disconnect())

    @property
    def open(self) -> bool:
        return self.end is None

    @precondition(lambda self: self.open)
    @rule(hop=st.sampled_from(sorted(QUICK)), count=st.integers(0, 3))
    def send(self, hop: str, count: int) -> None:
        """Order some frames, and do not wait for them."""
        frames = [str(self.sent + number) for number in range(count)]
        self.sent += count
        self.coming.extend(frames)
        self.do(self.ws.send_text(" ".join(["say", hop, *frames])))

    @rule()
    def receive(self) -> None:
        """Take the next frame; without one silence or the end is known."""
        if self.coming:
            assert self.do(self.ws.receive_text()) == self.coming.popleft()
        else:
            with pytest.raises(self.end or NoMessage):
                self.do(self.ws.receive_text())

    @rule()
    def receive_nothing(self) -> None:
        """Nothing comes if and only if nothing is on its way."""
        if self.coming:
            assert not self.do(self.ws.receive_nothing(GUARD))
        elif self.open:
            assert self.do(self.ws.receive_nothing(GUARD))

    @rule(turns=st.integers(0, 12))
    def cancel_a_receive(self, turns: int) -> None:
        """Cancel a receive after some turns of the loop; it took one or none."""

        async def main() -> None:
            task = asyncio.ensure_future(self.ws.receive_text())
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait([task])
            if not task.cancelled():
                self.took(task)

        self.do(main())

    @rule(seconds=st.sampled_from([0.0, INSTANT / 4, INSTANT, 2 * INSTANT]))
    def time_a_receive_out(self, seconds: float) -> None:
        """Put a timeout around a receive; it took one or none."""

        async def main() -> None:
            task = asyncio.ensure_future(asyncio.wait_for(self.limited(), seconds))
            await asyncio.wait([task])
            if not isinstance(task.exception(), TimeoutError):
                self.took(task)

        self.do(main())

    async def limited(self) -> str:
        async with asyncio.timeout(INSTANT):
            return await self.ws.receive_text()

    def took(self, task: "asyncio.Task[str]") -> None:
        error = task.exception()
        if error is None:
            assert task.result() == self.coming.popleft()
        else:
            assert isinstance(error, self.end or NoMessage)
            assert not self.coming

    @rule()
    def two_at_once(self) -> None:
        """Let two receive at the same time; the first gets the first."""
        if len(self.coming) < 2:
            return

        async def main() -> list[str]:
            return await asyncio.gather(self.ws.receive_text(), self.ws.receive_text())

        assert self.do(main()) == [self.coming.popleft(), self.coming.popleft()]

    @precondition(lambda self: self.open)
    @rule()
    def settle(self) -> None:
        """Come to rest: everything that was on its way is there then."""
        self.do(self.ws.settle())
        for _ in range(len(self.coming)):
            found = self.do(self.ws.receive_text(timeout=0))
            assert found == self.coming.popleft()

    @precondition(lambda self: self.open)
    @rule()
    def close(self) -> None:
        """Let the application close."""
        self.do(self.ws.send_text("close 4001"))
        self.end = ConnectionClosed

    @precondition(lambda self: self.open)
    @rule()
    def crash(self) -> None:
        """Let the application raise."""
        self.do(self.ws.send_text("crash"))
        self.end = ApplicationCrashed

    @precondition(lambda self: not self.open and not self.coming)
    @rule()
    def the_end_stays(self) -> None:
        """The end is told again and again."""
        assert self.end is not None
        for _ in range(3):
            with pytest.raises(self.end):
                self.do(self.ws.receive_text())

    @invariant()
    def time_is_real(self) -> None:
        """No verb leaves the loop's time changed."""
        assert "time" not in vars(self.runner.get_loop())


TestConversation = Conversation.TestCase
TestConversation.settings = settings(
    max_examples=80,
    stateful_step_count=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
