"""How a connection ends."""

from wstest_core.conformance._applications import Watched, echoes, greets, says
from wstest_core.conformance._bench import Bench, fail, same, shown
from wstest_core.conformance._rules import (
    Rule,
    arrival,
    expect_recorded,
    rule,
    stays_ended,
)
from wstest_core.events import Close, Crash, Return, Silence

__all__ = ["RULES"]


@rule("Frames sent before a close come first; then `Close`, ever after.")
async def ends_with_close(bench: Bench) -> None:
    close = {"type": "websocket.close", "code": 4001, "reason": "enough"}
    async with bench.accepted(says(["a", b"b"], close=close, error=None)) as line:
        await line.expect("a", b"b")
        await stays_ended(line, Close(4001, "enough"))


@rule("Frames sent before a crash come first; then a terminal event, ever after.")
async def ends_with_a_crash(bench: Bench) -> None:
    error = ValueError("after accept")
    async with bench.accepted(says(["a", b"b"], error=error)) as line:
        await line.expect("a", b"b")
        terminal = await line.end()
        if isinstance(terminal, Crash):
            same("its error", terminal.error, error)
            same("`exception`", line.driver.exception, error)
        await stays_ended(line, terminal)


@rule("Frames sent before a return come first; then a terminal event, ever after.")
async def ends_with_a_return(bench: Bench) -> None:
    async with bench.accepted(says(["a", b"b"], error=None)) as line:
        await line.expect("a", b"b")
        terminal = await line.take()
        if isinstance(terminal, Silence) and terminal.kind == "expired":
            return  # some servers keep the connection open
        if not isinstance(terminal, Return | Close):
            fail(f"wanted Return, or a server's Close, found {shown(terminal)}")
        same("`exception`", line.driver.exception, None)
        await stays_ended(line, terminal)


@rule("`ended` is None while the connection is open, then the terminal event.")
async def knows_the_end(bench: Bench) -> None:
    close = {"type": "websocket.close", "code": 4001}
    async with bench.accepted(echoes) as line:
        same("`ended` while it is open", line.driver.ended, None)
    async with bench.accepted(says(["a"], close=close, error=None)) as line:
        await line.expect("a")
        same("`ended`", await line.end(), line.driver.ended)


@rule("`send` after the end is harmless, and is not recorded.")
async def ignores_late_sends(bench: Bench) -> None:
    close = {"type": "websocket.close", "code": 4001}
    async with bench.accepted(says([], close=close, error=None)) as line:
        terminal = await line.end()
        await line.driver.send("too late")
        await line.driver.send(b"too late")
        same("`receive` after it", await line.end(), terminal)
        expect_recorded(line, "->", [])


@rule("`close` tells the application, with its code.")
async def says_goodbye(bench: Bench) -> None:
    application = Watched(echoes)
    async with bench.accepted(application) as line:
        await line.close(4321, "bye")
        if not await bench.happens(application.told):
            fail("the application was given no websocket.disconnect")
        same("its code", application.codes, [4321])


@rule("What was not read before `close` can be read after it.")
async def keeps_unread_frames(bench: Bench) -> None:
    async with bench.accepted(greets("a", b"b")) as line:
        await arrival(line, b"b")
        await line.close()
        await line.expect("a", b"b")
        terminal = await line.end()
        await stays_ended(line, terminal)


@rule("`close` can be called twice, and after the application's own end.")
async def closes_twice(bench: Bench) -> None:
    async with bench.accepted(echoes) as line:
        await line.close()
        terminal = await line.end()
        await line.close(4000)
        same("`receive` after it", await line.end(), terminal)
    close = {"type": "websocket.close", "code": 4001}
    async with bench.accepted(says([], close=close, error=None)) as line:
        terminal = await line.end()
        await line.close()
        await line.close()
        same("`receive` after it", await line.end(), terminal)


@rule("`drop` makes the client vanish: the application is told, what came stays.")
async def drops(bench: Bench) -> None:
    application = Watched(echoes)
    async with bench.accepted(application) as line:
        await line.driver.send("a")
        await line.expect("a")
        await line.driver.drop(code=1006)
        if not await bench.happens(application.told):
            fail("the application was given no websocket.disconnect")
        await stays_ended(line, await line.end())


RULES: tuple[Rule, ...] = (
    ends_with_close,
    ends_with_a_crash,
    ends_with_a_return,
    knows_the_end,
    ignores_late_sends,
    says_goodbye,
    closes_twice,
    keeps_unread_frames,
    drops,
)
