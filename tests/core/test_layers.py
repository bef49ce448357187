"""The in-memory layer, driven as Channels and fast-channels drive theirs."""

import asyncio
import re
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event, Thread
from types import SimpleNamespace
from typing import Any

import pytest

from tests.backends import Backend, asyncio_only
from wstest_core import WebsocketCommunicator
from wstest_core.layers import (
    ChannelFull,
    MemoryLayer,
    group_members,
    in_place_of,
    instead,
    standing_in,
)

pytestmark = [pytest.mark.anyio, asyncio_only]

NEWS = {"type": "news", "words": ["hello"]}


async def parked() -> None:
    """Let what was started run until it waits."""
    for _ in range(3):
        await asyncio.sleep(0)


@pytest.fixture
def layer() -> MemoryLayer:
    return MemoryLayer()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    clock = SimpleNamespace(now=1_000_000.0)
    monkeypatch.setattr(time, "time", lambda: clock.now)
    return clock


async def test_messages_come_in_order(layer: MemoryLayer) -> None:
    """A channel keeps its messages, in order, until they are received."""
    for number in range(3):
        await layer.send("ann", {"number": number})
    assert [(await layer.receive("ann"))["number"] for _ in range(3)] == [0, 1, 2]
    assert layer.channels == {}


async def test_messages_are_copied(layer: MemoryLayer) -> None:
    """Neither sender nor receivers share a message."""
    await layer.group_add("room", "ann")
    await layer.group_add("room", "bob")
    message = {"type": "news", "words": ["hello"]}
    await layer.group_send("room", message)
    message["words"] = []
    ann = await layer.receive("ann")
    ann["words"].append("changed")
    assert await layer.receive("bob") == NEWS


async def test_a_receiver_waits(layer: MemoryLayer) -> None:
    """One who receives before anything is sent gets what is sent."""
    waiting = asyncio.create_task(layer.receive("ann"))
    await parked()
    assert not waiting.done()
    await layer.send("ann", NEWS)
    assert await waiting == NEWS
    assert layer.channels == {}


async def test_each_message_goes_to_one_receiver(layer: MemoryLayer) -> None:
    """Of several who wait on a channel, each gets another message."""
    waiting = [asyncio.create_task(layer.receive("ann")) for _ in range(3)]
    await parked()
    for number in range(3):
        await layer.send("ann", {"number": number})
    assert sorted([(await task)["number"] for task in waiting]) == [0, 1, 2]


async def test_a_cancelled_receiver_takes_nothing(layer: MemoryLayer) -> None:
    """What comes as a receiver is cancelled is there for the next."""
    first = asyncio.create_task(layer.receive("ann"))
    second = asyncio.create_task(layer.receive("ann"))
    await parked()
    await layer.send("ann", NEWS)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert await second == NEWS


async def test_a_cancelled_receiver_leaves_no_trace(layer: MemoryLayer) -> None:
    """Cancelling while nothing is there forgets the channel."""
    waiting = asyncio.create_task(layer.receive("ann"))
    await parked()
    assert list(layer.channels) == ["ann"]
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert layer.channels == {}


async def test_a_message_meets_a_cancelled_receiver(layer: MemoryLayer) -> None:
    """A receiver that is cancelled already is passed over."""
    first = asyncio.create_task(layer.receive("ann"))
    second = asyncio.create_task(layer.receive("ann"))
    await parked()
    first.cancel()
    await layer.send("ann", NEWS)
    assert await second == NEWS
    assert first.cancelled()


async def test_a_message_taken_by_another(layer: MemoryLayer) -> None:
    """One who was woken for a message that is gone waits for the next."""
    waiting = asyncio.create_task(layer.receive("ann"))
    await parked()
    await layer.send("ann", {"number": 1})
    assert await layer.receive("ann") == {"number": 1}
    await parked()
    assert not waiting.done()
    await layer.send("ann", {"number": 2})
    assert await waiting == {"number": 2}


async def test_groups(layer: MemoryLayer) -> None:
    """A group message goes to who is in the group, once each."""
    for channel in ("ann", "bob", "ann"):
        await layer.group_add("room", channel)
    await layer.group_add("attic", "cy")
    await layer.group_discard("room", "bob")
    await layer.group_discard("room", "nobody")
    await layer.group_discard("nowhere", "bob")
    await layer.group_send("room", NEWS)
    await layer.group_send("nowhere", NEWS)
    assert layer.pending("ann") == [NEWS]
    assert layer.pending("bob") == layer.pending("cy") == []
    await layer.group_discard("room", "ann")
    assert list(layer.groups) == ["attic"]


async def test_capacity(layer: MemoryLayer) -> None:
    """A full channel refuses a message, and misses one sent to its group."""
    layer = MemoryLayer(capacity=2)
    await layer.group_add("room", "full")
    await layer.group_add("room", "ann")
    await layer.send("full", NEWS)
    await layer.send("full", NEWS)
    with pytest.raises(ChannelFull, match="full"):
        await layer.send("full", NEWS)
    await layer.group_send("room", NEWS)
    assert len(layer.pending("full")) == 2
    assert len(layer.pending("ann")) == 1


async def test_capacity_by_name() -> None:
    """The first pattern that matches a channel says how much it holds."""
    capacities: dict[Any, int] = {"http.*": 1, re.compile("any"): 0, "*": 2}
    layer = MemoryLayer(capacity=9, channel_capacity=capacities)
    names = ("http.request", "any.thing", "else")
    assert [layer.get_capacity(name) for name in names] == [1, 0, 2]
    for _ in range(200):
        layer.put("any.thing", NEWS)
    assert layer.channels["any.thing"].qsize() == 200
    same = MemoryLayer(channel_capacity=layer.channel_capacity)
    assert same.get_capacity("http.request") == 1


async def test_expiry(layer: MemoryLayer, clock: SimpleNamespace) -> None:
    """A message that has waited too long is dropped; its channel leaves its groups."""
    await layer.group_add("room", "ann")
    await layer.send("ann", {"number": 1})
    clock.now += 61
    await layer.send("ann", {"number": 2})
    assert await layer.receive("ann") == {"number": 2}
    assert layer.members("room") == []


async def test_expired_messages_make_room(clock: SimpleNamespace) -> None:
    """They do not count for the capacity."""
    layer = MemoryLayer(capacity=1)
    layer.put("ann", {"number": 1})
    clock.now += 61
    layer.put("ann", {"number": 2})
    assert layer.pending("ann") == [{"number": 2}]


async def test_a_group_message_finds_an_expired_one(
    layer: MemoryLayer, clock: SimpleNamespace
) -> None:
    """A member that does not read is no member any more."""
    for channel in ("lost", "ann"):
        await layer.group_add("room", channel)
    layer.put("lost", NEWS)
    clock.now += 61
    await layer.group_send("room", NEWS)
    assert (layer.pending("lost"), layer.pending("ann")) == ([], [NEWS])


async def test_expiry_of_a_membership(
    layer: MemoryLayer, clock: SimpleNamespace
) -> None:
    """Who joined longer ago than the group's expiry is out."""
    await layer.group_add("room", "ann")
    clock.now += 86_399
    await layer.group_add("room", "bob")
    assert layer.members("room") == ["ann", "bob"]
    clock.now += 2
    assert layer.members("room") == ["bob"]


async def test_flush(layer: MemoryLayer) -> None:
    """Flushing forgets messages and groups, and not those who wait."""
    waiting = asyncio.create_task(layer.receive("ann"))
    await layer.group_add("room", "ann")
    await layer.send("bob", NEWS)
    await parked()
    await layer.flush()
    assert layer.pending("bob") == layer.members("room") == []
    await layer.send("ann", NEWS)
    assert await waiting == NEWS
    await layer.close()


@pytest.mark.parametrize(
    "name", ["", "two words", "späť", "a" * 100, "a!b!c", "line\n", None, 7]
)
async def test_bad_names(layer: MemoryLayer, name: Any) -> None:
    """Names that other layers refuse are refused."""
    for call in (
        lambda: layer.send(name, NEWS),
        lambda: layer.receive(name),
        lambda: layer.group_add("room", name),
        lambda: layer.group_discard("room", name),
    ):
        with pytest.raises(TypeError, match="Channel name must be"):
            await call()
    with pytest.raises(TypeError, match="Group name must be"):
        await layer.group_send(name, NEWS)


async def test_good_names(layer: MemoryLayer) -> None:
    """Names that other layers accept are accepted; new ones differ."""
    channels = [await layer.new_channel() for _ in range(2)]
    assert len({*channels}) == 2
    for name in (*channels, "a.b-c_d", "x!", await layer.new_channel("ann")):
        assert layer.require_valid_channel_name(name)
    assert layer.require_valid_channel_name("x!", receive=True)
    with pytest.raises(TypeError, match="must end at the !"):
        layer.require_valid_channel_name("x!y", receive=True)
    with pytest.raises(TypeError, match="Group name"):
        layer.require_valid_group_name("x!")


@pytest.mark.parametrize("message", ["text", None, {"__asgi_channel__": "x"}])
async def test_bad_messages(layer: MemoryLayer, message: Any) -> None:
    """What other layers assert is refused as they refuse it."""
    with pytest.raises(AssertionError):
        await layer.send("ann", message)
    with pytest.raises(AssertionError):
        await layer.group_send("room", message)


async def test_a_thread_wakes_the_receiver(layer: MemoryLayer) -> None:
    """A message put by a thread arrives, with nothing else to wake the loop."""
    waiting = asyncio.create_task(layer.receive("ann"))
    await parked()
    thread = Thread(target=layer.put, args=("ann", NEWS))
    thread.start()
    assert await asyncio.wait_for(waiting, 10) == NEWS
    thread.join()


async def test_another_loop_wakes_the_receiver(layer: MemoryLayer) -> None:
    """So does one sent by a loop of another thread."""
    await layer.group_add("room", "ann")
    waiting = asyncio.create_task(layer.receive("ann"))
    await parked()
    with ThreadPoolExecutor() as pool:
        pool.submit(lambda: asyncio.run(layer.group_send("room", NEWS))).result()
    assert await asyncio.wait_for(waiting, 10) == NEWS


async def test_threads_lose_nothing(layer: MemoryLayer) -> None:
    """Many threads send to a receiver that is cancelled again and again."""
    layer = MemoryLayer(capacity=0)

    def send(thread: int) -> None:
        for number in range(200):
            layer.put("ann", {"message": (thread, number)})

    threads = [Thread(target=send, args=(thread,)) for thread in range(4)]
    for thread in threads:
        thread.start()
    found: list[tuple[int, int]] = []
    while len(found) < 800:
        task = asyncio.create_task(layer.receive("ann"))
        await asyncio.sleep(0)
        if len(found) % 3:
            task.cancel()
        await asyncio.wait([task])
        if not task.cancelled():
            found.append(task.result()["message"])
        else:
            extra = await asyncio.wait_for(layer.receive("ann"), 10)
            found.append(extra["message"])
    for one in range(4):
        assert [number for thread, number in found if thread == one] == [*range(200)]
    for thread in threads:
        thread.join()


async def test_a_receiver_whose_loop_is_closed(layer: MemoryLayer) -> None:
    """Nobody is woken there; the next one gets the message."""

    def abandon() -> None:
        loop = asyncio.new_event_loop()
        task = loop.create_task(layer.receive("ann"))
        loop.run_until_complete(parked())
        loop.close()
        task._log_destroy_pending = False  # type: ignore[attr-defined]
        left.append(task)

    left: list[object] = []
    with ThreadPoolExecutor() as pool:
        pool.submit(abandon).result()
    waiting = asyncio.create_task(layer.receive("ann"))
    await parked()
    await layer.send("ann", NEWS)
    assert await waiting == NEWS


async def test_pending_takes_nothing(layer: MemoryLayer) -> None:
    """Looking at what waits leaves it there, and a copy may be changed."""
    layer.put("ann", NEWS)
    layer.pending("ann")[0]["type"] = "changed"
    assert layer.pending("ann") == [NEWS]
    assert await layer.receive("ann") == NEWS


async def test_group_members_of_other_layers() -> None:
    """Any layer with its groups in memory can be asked, and no other."""
    other = SimpleNamespace(groups={"room": {"ann": 1.0, "bob": 2.0}})
    assert group_members(other, "room") == ["ann", "bob"]
    assert group_members(other, "attic") == []
    with pytest.raises(TypeError, match="SimpleNamespace does not keep its groups"):
        group_members(SimpleNamespace(), "room")


async def test_attributes_are_put_back_in_any_order() -> None:
    """Blocks that are left out of order leave what the first of them found."""
    attributes: dict[str, Any] = {"old": 1}
    blocks = [
        instead(attributes, {"old": number, "new": number}) for number in (2, 3, 4)
    ]
    for block in blocks:
        block.__enter__()
    for block, left in zip((blocks[1], blocks[0]), (4, 4), strict=True):
        block.__exit__(None, None, None)
        assert attributes == {"old": left, "new": left}
    blocks[2].__exit__(None, None, None)
    assert attributes == {"old": 1}


class _PubSub(MemoryLayer):
    """As a pub/sub layer, it looks its methods up elsewhere."""

    def __getattribute__(self, name: str) -> Any:
        if name == "put":
            raise LookupError("the connection of a loop was asked for")
        return super().__getattribute__(name)


async def test_stand_ins_leave_in_any_order() -> None:
    """What was entered later stands in until it is left; then nothing does."""
    layer = _PubSub()
    attributes, fresh = dict(vars(layer)), MemoryLayer()
    first, second = standing_in(layer, MemoryLayer()), standing_in(layer, fresh)
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    await layer.send("ann", NEWS)
    assert fresh.pending("ann") == [NEWS]
    assert in_place_of(layer) is fresh
    second.__exit__(None, None, None)
    assert vars(layer) == attributes
    assert type(layer) is _PubSub
    assert in_place_of(layer) is layer
    with pytest.raises(LookupError):
        await layer.send("ann", NEWS)


async def chat(scope: Any, receive: Any, send: Any) -> None:
    """Sends its client what comes on the layer in its scope."""
    await receive()
    await send({"type": "websocket.accept"})
    layer = scope["state"]["layer"]

    async def relay() -> None:
        while True:
            message = await layer.receive("ann")
            await send({"type": "websocket.send", "text": message["type"]})

    relaying = asyncio.create_task(relay())
    while (await receive())["type"] != "websocket.disconnect":
        pass
    relaying.cancel()


@contextmanager
def slow_thread(layer: MemoryLayer, started: Event) -> Iterator[None]:
    def work() -> None:
        started.wait()
        layer.put("ann", NEWS)

    thread = Thread(target=work)
    thread.start()
    yield
    thread.join()


async def test_silence_is_proved_over_a_parked_receiver(
    layer: MemoryLayer, anyio_backend: Backend
) -> None:
    """Waiting on the layer is waiting inside: nothing can come, and that at once."""
    hour = 0.1 if "use_uvloop" in anyio_backend[1] else 3600
    ws = WebsocketCommunicator(chat, "/", state={"layer": layer})
    async with ws:
        assert await ws.receive_nothing(timeout=hour)
        await layer.send("ann", NEWS)
        assert await ws.receive_text() == "news"


async def test_a_thread_that_will_send_is_waited_for(layer: MemoryLayer) -> None:
    """No silence is claimed while a thread may still put something on the layer."""
    ws = WebsocketCommunicator(chat, "/", state={"layer": layer})
    async with ws:
        started = Event()
        with slow_thread(layer, started):
            asyncio.get_running_loop().call_soon(started.set)
            assert await ws.receive_text() == "news"


async def test_an_idle_socket_beside_a_parked_receiver(
    layer: MemoryLayer, anyio_backend: Backend
) -> None:
    """Where a connection pool rests, waiting on the layer does not count for it."""
    if "use_uvloop" in anyio_backend[1]:
        pytest.skip("uvloop does not show its sockets")
    near, far = socket.socketpair()
    _, writer = await asyncio.open_connection(sock=near)
    ws = WebsocketCommunicator(chat, "/", state={"layer": layer})
    now = asyncio.get_running_loop().time
    async with ws:
        start = now()
        assert await ws.receive_nothing(timeout=10)
        assert now() - start < 5
    writer.close()
    await writer.wait_closed()
    far.close()
