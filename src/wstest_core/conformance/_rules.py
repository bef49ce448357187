HEAD


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


def recorded(line: Line, direction: str) -> list[object]:
    return [entry.what for entry in line.transcript if entry.direction == direction]


def expect_recorded(line: Line, direction: str, wanted: list[object]) -> None:
    same(f"entries {direction!r}", recorded(line, direction), wanted)
