"""What waiting means beside a worker: any thread may send at any time."""

from time import perf_counter
from typing import Any
from unittest.mock import patch

from jobs import work

from tests.cases import Json, TutorialTestCase, message
from tests.worker import WithWorker
from wstest_core import NoMessage, UnexpectedMessage, on_action

LONG = 20  # seconds: much longer than anything here takes
SHORT = 0.03  # seconds


class WaitingTests(WithWorker, TutorialTestCase):
    async def busy(self, text: str = "hello") -> Any:
        """Have the worker do something slow."""
        ws = await self.connected("/ws/system/")
        await ws.send_json(message("queue", {"kind": "shout", "text": text}))
        assert (await ws.receive_json())["action"] == "queued"
        return ws

    async def test_a_slow_result_needs_no_timeout(self) -> None:
        """It is received, whichever verb waits for it; silence is never guessed."""
        ws = await self.busy("one")
        assert self.result(await ws.receive_json()) == "ONE"
        ws = await self.busy("two")
        (done,) = await ws.receive_until(on_action("done"))
        assert self.result(done) == "TWO"
        ws = await self.busy("three")
        (done,) = await ws.receive_all_messages("done")
        assert self.result(done) == "THREE"

    async def test_silence_is_never_claimed_while_it_works(self) -> None:
        """A result that comes within the time is seen, however long it takes."""
        for milliseconds in range(0, 30, 2):
            with patch.object(work, "SHOUTING", milliseconds / 1000):
                ws = await self.busy()
                assert not await ws.receive_nothing(LONG)
                with self.assertRaises(UnexpectedMessage):  # noqa: PT027
                    await ws.expect_nothing(within=LONG)
                assert self.result(await ws.receive_json()) == "HELLO"

    async def test_silence_beside_an_idle_worker(self) -> None:
        """It is right, before there was a task and after."""
        ann, bob = await self.busy(), await self.connected("/ws/system/")
        await bob.expect_nothing(within=0)
        assert self.result(await ann.receive_json()) == "HELLO"
        for ws in (ann, bob):
            assert await ws.receive_nothing(SHORT)

    async def test_silence_ends_with_the_result(self) -> None:
        """A wait that can end earlier does not last as long as it may."""
        started = perf_counter()
        ws = await self.busy()
        assert not await ws.receive_nothing(LONG)
        assert perf_counter() - started < LONG / 2
        await ws.skip()

    async def test_nothing_comes_in_time(self) -> None:
        """Who waits for too short a time is told so; later, the result is there."""
        ws = await self.busy()
        with self.assertRaises(NoMessage):  # noqa: PT027
            await ws.receive_json(timeout=0)
        assert self.result(await ws.receive_json()) == "HELLO"

    def result(self, done: Json) -> str:
        assert done["action"] == "done"
        result: str = done["payload"]["result"]
        return result
