"""What can be looked at."""

IMPORTS


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
        for _ in range(LOOKS):
            if "1" in recorded(line, "<-"):
                break
            await line.driver.settle(timeout=SOON)
        expect_recorded(line, "<-", [line.opened, b"0", "1"])
        await line.expect(b"0", "1")


@rule("`doing` says something, before and after the end.")
async def tells_what_happens(bench: Bench) -> None:
    async with bench.accepted(echoes) as line:
        expect_words(line)
        await line.close()
        expect_words(line)
