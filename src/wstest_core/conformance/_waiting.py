"""How a wait ends, and what it must not do."""

from wstest_core.conformance._applications import counts, echoes
from wstest_core.conformance._bench import Bench, Event, fail, same, shown
from wstest_core.conformance._rules import SOON, Rule, expect_silence, rule
from wstest_core.events import Silence

__all__ = ["RULES"]


@rule("Cancelling `receive` loses nothing, whenever it comes.")
async def loses_nothing_by_cancelling(bench: Bench) -> None:
    import anyio

    count = 24
    found: list[Event] = []
    async with bench.accepted(echoes) as line:
        for number in range(count):
            await line.driver.send(str(number))
            if number % 2:
                found += await line.take_and_cancel(1 + number // 2)
            else:
                with anyio.move_on_after(number * 0.0001):
                    found.append(await line.take())
        while len(found) < count:
            event = await line.take()
            if not isinstance(event, str | bytes):
                fail(f"received {shown(found)}, then {shown(event)}")
            found.append(event)
    same("received", found, [str(number) for number in range(count)])


@rule("A wait that ends with nothing returns `Silence`, and harms nothing.")
async def waits_for_nothing(bench: Bench) -> None:
    async with bench.accepted(echoes) as line:
        for timeout in (0.0, SOON, 0.0):
            before = line.driver.now()
            event = await line.driver.receive(timeout=timeout)
            expect_silence(event)
            waited = line.driver.now() - before
            if waited > timeout + bench.timeout:
                fail(f"a wait of at most {timeout} s took {waited:.3f} s")
        await line.driver.send("still there?")
        await line.expect("still there?")


@rule("A frame that meets the end of a timeout is not lost.")
async def loses_nothing_by_timeouts(bench: Bench) -> None:
    found: list[Event] = []
    wanted = [str(number) for number in range(20)]
    async with bench.accepted(echoes) as line:
        for number, frame in enumerate(wanted):
            await line.driver.send(frame)
            event = await line.driver.receive(timeout=number * 0.0001)
            if not isinstance(event, Silence):
                found.append(event)
        await line.expect(*wanted[len(found) :])
    same("received", found, wanted[: len(found)])


@rule("`settle` returns `Silence` and takes nothing.")
async def settles(bench: Bench) -> None:
    async with bench.accepted(counts(2)) as line:
        await line.driver.send("go")
        expect_silence(await line.driver.settle(timeout=SOON))
        await line.expect(b"0", "1")
        expect_silence(await line.driver.settle(timeout=SOON))


RULES: tuple[Rule, ...] = (
    loses_nothing_by_cancelling,
    waits_for_nothing,
    loses_nothing_by_timeouts,
    settles,
)
