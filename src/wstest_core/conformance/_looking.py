"""What can be looked at."""

from wstest_core.conformance._applications import counts, echoes
from wstest_core.conformance._bench import Bench, same
from wstest_core.conformance._rules import (
    Rule,
    arrival,
    expect_recorded,
    expect_words,
    rule,
)

__all__ = ["RULES"]


@rule("The transcript has all that was sent and came, in order, with the end.")
async def records_everything(bench: Bench) -> None:
    async with bench.accepted(echoes) as line:
        for frame in ("a", b"b", ""):
            await line.driver.send(frame)
            await line.expect(frame)
        await line.close()
        terminal = await line.end()
        expect_recorded(line, "->", ["a", b"b", ""])
        expect_recorded(line, "<-", [line.opened, "a", b"b", "", terminal])


@rule("The transcript has a frame when it arrives, read or not.")
async def records_on_arrival(bench: Bench) -> None:
    async with bench.accepted(counts(2)) as line:
        await line.driver.send("go")
        await arrival(line, "1")
        expect_recorded(line, "<-", [line.opened, b"0", "1"])
        await line.expect(b"0", "1")


@rule("The transcript is told with `unread_in` where frames wait to be received.")
async def shows_what_is_unread(bench: Bench) -> None:
    async with bench.accepted(counts(2)) as line:
        await line.driver.send("go")
        await arrival(line, "1")
        same("unread", line.transcript.unread, [b"0", "1"])
        await line.expect(b"0")
        same("unread, after one was received", line.transcript.unread, ["1"])


@rule("`doing` says something, before and after the end.")
async def tells_what_happens(bench: Bench) -> None:
    async with bench.accepted(echoes) as line:
        expect_words(line)
        await line.close()
        expect_words(line)


RULES: tuple[Rule, ...] = (
    records_everything,
    records_on_arrival,
    shows_what_is_unread,
    tells_what_happens,
)
