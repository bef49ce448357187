"""The checks pass what works, and find what is broken by the rule that it breaks."""

import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest

from tests.backends import asyncio_only, on
from tests.live import Server, server
from wstest_core import (
    BytesCodec,
    CamelCaseCodec,
    JsonCodec,
    ModelCodec,
    PingMessage,
    PongMessage,
    TextCodec,
    Transcript,
    UndecodableFrame,
    check_codec,
    check_driver,
)
from wstest_core.drivers import AsgiDriver, NetworkDriver
from wstest_core.events import Accept, Crash, Reject, Silence

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def live() -> Iterator[Server]:
    with server() as running:
        yield running


@pytest.fixture
def quiet_server_log() -> Iterator[None]:
    """A real server logs each crash of an application; here they are on purpose."""
    logger = logging.getLogger("uvicorn.error")
    logger.disabled = True
    yield
    logger.disabled = False


# --- what works


async def test_asgi_driver_conforms() -> None:
    """The driver that runs applications itself keeps every rule, on every loop."""
    await check_driver(AsgiDriver)


@asyncio_only
@pytest.mark.usefixtures("quiet_server_log")
async def test_network_driver_conforms(live: Server) -> None:
    """The driver that speaks to a server keeps every rule, with a real server."""

    def make(application: Any) -> NetworkDriver:
        live.application = application
        return NetworkDriver(live.url)

    await check_driver(make)


async def test_make_may_be_a_context_manager() -> None:
    """What a driver needs around it is entered and left for each connection."""
    entered, left = [], []

    @asynccontextmanager
    async def make(application: Any) -> AsyncIterator[AsgiDriver]:
        entered.append(application)
        yield AsgiDriver(application)
        left.append(application)

    await check_driver(make)
    assert entered
    assert len(entered) == len(left)


# --- what is broken


class Wrapper:
    """A driver that works; what is derived from it breaks one thing."""

    def __init__(self, application: Any) -> None:
        self.driver = AsgiDriver(application)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.driver, name)


class LosesFramesWhenCancelled(Wrapper):
    breaks = "Cancelling `receive` loses nothing"

    async def receive(self, *, timeout: float) -> Any:
        event = await self.driver.receive(timeout=timeout)
        await anyio.sleep(0)
        return event


class ForgetsTheEnd(Wrapper):
    breaks = "Frames sent before a close come first; then `Close`, ever after"
    told = False

    async def receive(self, *, timeout: float) -> Any:
        event = await self.driver.receive(timeout=timeout)
        if self.told:
            return Silence("proved")
        self.told = not isinstance(event, str | bytes | Silence)
        return event


class Reorders(Wrapper):
    breaks = "Frames arrive in the order they were sent"
    held: Any = None

    async def receive(self, *, timeout: float) -> Any:
        if self.held is not None:
            event, self.held = self.held, None
            return event
        event = await self.driver.receive(timeout=timeout)
        if event == "7":
            self.held = event
            return await self.driver.receive(timeout=timeout)
        return event


class SendsTwice(Wrapper):
    breaks = "Frames are delivered in the order `send` was called"

    async def send(self, frame: Any) -> None:
        await self.driver.send(frame)
        if frame == "7":
            await self.driver.send(frame)


class RecordsNothing(Wrapper):
    breaks = "The transcript has all that was sent and came"

    async def open(self, scope: Any, transcript: Any, *, timeout: float) -> Any:
        return await self.driver.open(scope, Transcript(), timeout=timeout)


class RecordsWhatWasRead(Wrapper):
    breaks = "The transcript has a frame when it arrives, read or not"
    transcript: Any = None
    ended_before = False

    async def open(self, scope: Any, transcript: Any, *, timeout: float) -> Any:
        self.transcript = transcript
        opened = await self.driver.open(scope, Transcript(), timeout=timeout)
        if isinstance(opened, Accept):
            transcript.received(0.0, opened)
        return opened

    async def send(self, frame: Any) -> None:
        if self.driver.ended is None:
            self.transcript.sent(0.0, frame)
        await self.driver.send(frame)

    async def receive(self, *, timeout: float) -> Any:
        event = await self.driver.receive(timeout=timeout)
        if not (isinstance(event, Silence) or self.ended_before):
            self.transcript.received(0.0, event)
            self.ended_before = not isinstance(event, str | bytes)
        return event


class HidesWhatIsUnread(Wrapper):
    breaks = "The transcript is told with `unread_in` where frames wait"

    async def open(self, scope: Any, transcript: Any, *, timeout: float) -> Any:
        opened = await self.driver.open(scope, transcript, timeout=timeout)
        transcript._queues = ()
        return opened


class DropsEmptyFrames(Wrapper):
    breaks = "An empty frame is a frame"

    async def send(self, frame: Any) -> None:
        if frame:
            await self.driver.send(frame)


class ConfusesTextAndBytes(Wrapper):
    breaks = "text stays text and bytes stay bytes"

    async def receive(self, *, timeout: float) -> Any:
        event = await self.driver.receive(timeout=timeout)
        return event.decode() if event == b"x" else event


class CutsBigFrames(Wrapper):
    breaks = "A frame of two megabytes travels whole"

    async def send(self, frame: Any) -> None:
        await self.driver.send(frame[:65536])


class MixesConnections(Wrapper):
    breaks = "Connections at the same time do not mix"
    latest: Any = None

    async def open(self, scope: Any, transcript: Any, *, timeout: float) -> Any:
        MixesConnections.latest = self.driver
        return await self.driver.open(scope, transcript, timeout=timeout)

    async def receive(self, *, timeout: float) -> Any:
        return await self.latest.receive(timeout=timeout)


class RaisesAtTheTimeout(Wrapper):
    breaks = "A wait that ends with nothing returns `Silence`"

    async def receive(self, *, timeout: float) -> Any:
        event = await self.driver.receive(timeout=timeout)
        if isinstance(event, Silence):
            raise TimeoutError
        return event


class LeavesAtTheTimeout(Wrapper):
    breaks = "A wait that ends with nothing returns `Silence`, and harms nothing"

    async def receive(self, *, timeout: float) -> Any:
        event = await self.driver.receive(timeout=timeout)
        if isinstance(event, Silence):
            await self.driver.drop(code=1006)
        return event


class LosesFramesAtTheTimeout(Wrapper):
    breaks = "A frame that meets the end of a timeout is not lost"

    async def receive(self, *, timeout: float) -> Any:
        event = await self.driver.receive(timeout=max(timeout, 0.1))
        return event if timeout > 0.001 else Silence("expired", "")


class TakesWhatSettles(Wrapper):
    breaks = "`settle` returns `Silence` and takes nothing"

    async def settle(self, *, timeout: float) -> Any:
        silence = await self.driver.settle(timeout=timeout)
        await self.driver.receive(timeout=0)
        return silence


class Hangs(Wrapper):
    breaks = "`settle` returns `Silence` and takes nothing.\nit hangs"

    async def settle(self, *, timeout: float) -> Any:
        await anyio.sleep_forever()


class LeavesHeadersOut(Wrapper):
    breaks = "`open` tells the application's path, query, headers"

    async def open(self, scope: Any, transcript: Any, *, timeout: float) -> Any:
        scope = {**scope, "headers": []}
        return await self.driver.open(scope, transcript, timeout=timeout)


class ForgetsTheSubprotocol(Wrapper):
    breaks = "`open` returns the `Accept` with its subprotocol"

    async def open(self, scope: Any, transcript: Any, *, timeout: float) -> Any:
        opened = await self.driver.open(scope, transcript, timeout=timeout)
        return Accept() if isinstance(opened, Accept) else opened


class LosesTheGreeting(Wrapper):
    breaks = "What the application sends right after accepting can be received"

    async def open(self, scope: Any, transcript: Any, *, timeout: float) -> Any:
        opened = await self.driver.open(scope, transcript, timeout=timeout)
        await self.driver.receive(timeout=0)
        return opened


class TakesARefusalForAnAnswer(Wrapper):
    breaks = "A refused connection is a `Reject`"

    async def open(self, scope: Any, transcript: Any, *, timeout: float) -> Any:
        opened = await self.driver.open(scope, transcript, timeout=timeout)
        return Accept() if isinstance(opened, Reject) else opened


class ForgetsTheBody(Wrapper):
    breaks = "A denial response is a `Reject` with its status, headers and body"

    async def open(self, scope: Any, transcript: Any, *, timeout: float) -> Any:
        opened = await self.driver.open(scope, transcript, timeout=timeout)
        if isinstance(opened, Reject) and opened.body:
            return Reject(None, opened.status, opened.headers)
        return opened


class WaitsForEverToOpen(Wrapper):
    breaks = "`open` returns `Silence` when there is no answer in time"

    async def open(self, scope: Any, transcript: Any, *, timeout: float) -> Any:
        return await self.driver.open(scope, transcript, timeout=60)


class TellsOfTheCrashFirst(Wrapper):
    breaks = "Frames sent before a crash come first"

    async def receive(self, *, timeout: float) -> Any:
        if isinstance(self.driver.ended, Crash):
            return self.driver.ended
        return await self.driver.receive(timeout=timeout)


class HidesTheEnd(Wrapper):
    breaks = "then `Close`, ever after.\n`ended`: wanted Close"
    ended = None


class RaisesAfterTheEnd(Wrapper):
    breaks = "`send` after the end is harmless"

    async def send(self, frame: Any) -> None:
        if self.driver.ended is not None:
            raise ConnectionError("closed")
        await self.driver.send(frame)


class MakesUpACloseCode(Wrapper):
    breaks = "`close` tells the application, with its code"

    async def close(self, *, code: int, reason: str, timeout: float) -> None:
        await self.driver.close(code=1000, reason=reason, timeout=timeout)


class ForgetsTheUnread(Wrapper):
    breaks = "What was not read before `close` can be read after it"

    async def close(self, *, code: int, reason: str, timeout: float) -> None:
        await self.driver.close(code=code, reason=reason, timeout=timeout)
        while isinstance(await self.driver.receive(timeout=0), str | bytes):
            pass


class ClosesOnce(Wrapper):
    breaks = "`close` can be called twice"
    closed = False

    async def close(self, *, code: int, reason: str, timeout: float) -> None:
        if self.closed:
            raise RuntimeError("closed already")
        self.closed = True
        await self.driver.close(code=code, reason=reason, timeout=timeout)


class DropsWithoutAWord(Wrapper):
    breaks = "`drop` makes the client vanish: the application is told"

    async def drop(self, *, code: int) -> None:
        pass


class SaysNothing(Wrapper):
    breaks = "`doing` says something"

    def doing(self) -> str:
        return ""


@on("asyncio")
@pytest.mark.parametrize("broken", Wrapper.__subclasses__(), ids=lambda it: it.__name__)
async def test_broken_driver_is_found(broken: type[Any]) -> None:
    """Each broken driver is found, by the sentence of the rule that it breaks."""
    with pytest.raises(AssertionError) as failure:
        await check_driver(broken, timeout=0.5)
    assert broken.breaks in str(failure.value)


@on("asyncio")
async def test_failure_names_rule_wanted_and_found() -> None:
    """The whole text of a failure: the rule, what was wanted, what was found."""
    with pytest.raises(AssertionError) as failure:
        await check_driver(Reorders)
    assert str(failure.value) == (
        "This driver breaks a rule: "
        "Frames arrive in the order they were sent, none missing, none twice.\n"
        "event 8 of 200: wanted '7', found '8'"
    )


@on("asyncio")
async def test_error_in_a_driver_names_the_rule() -> None:
    """What a driver raises is chained to a failure that names the rule."""

    class Raises(Wrapper):
        async def open(self, *_: Any, timeout: float) -> Any:
            raise OSError("no network")

    with pytest.raises(
        AssertionError, match=r"it raised OSError\('no network'\)"
    ) as it:
        await check_driver(Raises)
    assert isinstance(it.value.__cause__, OSError)


# --- codecs


@pytest.mark.parametrize(
    ("codec", "messages"),
    [
        (JsonCodec(), [{"a": [1, None, "\N{SNOWMAN}"]}, [], "", 0]),
        (JsonCodec(binary=True), [{"a": 1}]),
        (TextCodec(), ["", "x"]),
        (BytesCodec(), [b"", b"x"]),
        (ModelCodec(PingMessage | PongMessage), [PingMessage(), PongMessage()]),
        (CamelCaseCodec(JsonCodec()), [{"snake_case": 1}]),
    ],
    ids=lambda it: type(it).__name__,
)
def test_our_codecs_conform(codec: Any, messages: list[Any]) -> None:
    """Every codec of ours keeps every rule."""
    check_codec(codec, messages)


class Plain:
    """A codec that works; what is derived from it breaks one thing."""

    def encode(self, message: object, /) -> Any:
        if not isinstance(message, str):
            raise TypeError(message)
        return message

    def decode(self, frame: Any, /) -> Any:
        return frame


class LosesCase(Plain):
    breaks = "'Hello' comes back equal, not as 'hello', from 'Hello'"

    def decode(self, frame: Any, /) -> Any:
        return frame.lower()


class Numbers(Plain):
    breaks = "encode('Hello') gives the same frame each time"
    number = 0

    def encode(self, message: object, /) -> Any:
        self.number += 1
        return f"{self.number}{super().encode(message)}"


class ReturnsAList(Plain):
    breaks = "encode('Hello') returns str or bytes, not ['Hello']"

    def encode(self, message: object, /) -> Any:
        return [super().encode(message)]


class CannotEncode(Plain):
    breaks = "encode('Hello') raised KeyError('Hello')"

    def encode(self, message: object, /) -> Any:
        raise KeyError(message)


class CannotDecode(Plain):
    breaks = "decode('Hello') raised UndecodableFrame('no')"

    def decode(self, frame: Any, /) -> Any:
        raise UndecodableFrame("no", frame=frame)


class RaisesAnything(Plain):
    breaks = "decode('') may raise only UndecodableFrame: IndexError("

    def decode(self, frame: Any, /) -> Any:
        return frame[0] + frame[1:]


class ForgetsTheFrame(Plain):
    breaks = "UndecodableFrame.frame is the frame, '', not 'gone'"

    def decode(self, frame: Any, /) -> Any:
        if not frame:
            raise UndecodableFrame("empty", frame="gone")
        return frame


class RefusesOddly(Plain):
    breaks = "may raise only TypeError: ValueError("

    def encode(self, message: object, /) -> Any:
        if not isinstance(message, str):
            raise ValueError(message)
        return message


class HasManyFields(Plain):
    breaks = "field, where it has one, is a str, not ('action', 'type')"
    field = ("action", "type")


class SaysCamelCaseInWords(Plain):
    breaks = "camel_case, where it has one, is a bool, not 'yes'"
    camel_case = "yes"


@pytest.mark.parametrize("broken", Plain.__subclasses__(), ids=lambda it: it.__name__)
def test_broken_codec_is_found(broken: type[Any]) -> None:
    """Each broken codec is found, in words that say what it does wrong."""
    with pytest.raises(AssertionError) as failure:
        check_codec(broken(), ["Hello"])
    assert str(failure.value).startswith("This codec breaks a rule: ")
    assert broken.breaks in str(failure.value)


def test_codec_that_works_passes() -> None:
    """The codec that the broken ones derive from breaks nothing."""
    check_codec(Plain(), ["Hello"])


def test_codec_check_without_messages_checks_nothing() -> None:
    """An empty list of messages is a mistake of the test's author."""
    with pytest.raises(ValueError, match="messages is empty"):
        check_codec(JsonCodec(), [])
