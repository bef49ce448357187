"""How frames travel."""

from wstest_core.conformance._applications import counts, echoes
from wstest_core.conformance._bench import Bench
from wstest_core.conformance._rules import Rule, rule
from wstest_core.events import Frame

__all__ = ["RULES"]


@rule("Frames arrive in the order they were sent, none missing, none twice.")
async def keeps_order(bench: Bench) -> None:
    frames = [str(n) if n % 3 else str(n).encode() for n in range(200)]
    async with bench.accepted(counts(len(frames))) as line:
        for _ in range(2):
            await line.driver.send("go")
            await line.expect(*frames)


@rule("Frames are delivered in the order `send` was called.")
async def sends_in_order(bench: Bench) -> None:
    frames = [str(n) if n % 3 else str(n).encode() for n in range(100)]
    async with bench.accepted(echoes) as line:
        for frame in frames:
            await line.driver.send(frame)
        await line.expect(*frames)


@rule("An empty frame is a frame, and text stays text and bytes stay bytes.")
async def keeps_kinds(bench: Bench) -> None:
    frames: list[Frame] = ["", b"", "x", b"x", "\N{SNOWMAN}\x00\n", b"\xff\x00"]
    async with bench.accepted(echoes) as line:
        for frame in frames:
            await line.driver.send(frame)
            await line.expect(frame)


@rule("A frame of two megabytes travels whole, in both directions.")
async def carries_big_frames(bench: Bench) -> None:
    frames: list[Frame] = ["\N{SNOWMAN}" * 700_000, b"\x00\xff" * 1_000_000]
    async with bench.accepted(echoes) as line:
        for frame in frames:
            await line.driver.send(frame)
            await line.expect(frame)


@rule("Connections at the same time do not mix.")
async def keeps_connections_apart(bench: Bench) -> None:
    async with bench.accepted(echoes) as one, bench.accepted(echoes) as other:
        await one.driver.send("one")
        await other.driver.send("other")
        await other.expect("other")
        await one.expect("one")


RULES: tuple[Rule, ...] = (
    keeps_order,
    sends_in_order,
    keeps_kinds,
    carries_big_frames,
    keeps_connections_apart,
)
