"""What a rule is, and what several rules ask for."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import final

from wstest_core.conformance._bench import Bench, Line, fail, same, shown
from wstest_core.events import Frame, Reject, Silence

__all__ = [
    "SOON",
    "Rule",
    "arrival",
    "expect_recorded",
    "expect_reject",
    "expect_silence",
    "expect_words",
    "rule",
    "stays_ended",
]

SOON = 0.05  # seconds for a wait that is to end with nothing


@final
@dataclass(frozen=True, slots=True)
class Rule:
    """A rule for drivers, with the sentence that a failure names it by."""

    sentence: str
    check: Callable[[Bench], Awaitable[None]]


def rule(sentence: str) -> Callable[[Callable[[Bench], Awaitable[None]]], Rule]:
    """Make a rule of the function that checks it."""
    return lambda check: Rule(sentence, check)


def expect_words(line: Line) -> None:
    words = line.driver.doing()
    if not words.strip():
        fail(f"wanted a sentence, found {shown(words)}")


def expect_silence(event: object) -> None:
    if not isinstance(event, Silence):
        fail(f"wanted Silence, found {shown(event)}")
    if event.kind not in ("proved", "presumed", "expired"):
        fail(f"there is no such kind of silence: {event.kind!r}")


def expect_reject(line: Line) -> Reject:
    if not isinstance(line.opened, Reject):
        fail(f"wanted Reject, found {shown(line.opened)}")
    return line.opened


async def stays_ended(line: Line, terminal: object) -> None:
    for timeout in (line.timeout, 0.0, line.timeout):
        event = await line.driver.receive(timeout=timeout)
        same("`receive` once more", event, terminal)
    same("`ended`", line.driver.ended, terminal)
    await line.close()
    same("`receive` after `close`", await line.take(), terminal)


async def arrival(line: Line, frame: Frame) -> None:
    """Wait until a frame has come, or long enough."""
    for _ in range(1 + int(line.timeout / SOON)):
        if frame in _recorded(line, "<-"):
            break
        await line.driver.settle(timeout=SOON)


def _recorded(line: Line, direction: str) -> list[object]:
    return [entry.what for entry in line.transcript if entry.direction == direction]


def expect_recorded(line: Line, direction: str, wanted: list[object]) -> None:
    same(f"entries {direction!r}", _recorded(line, direction), wanted)
