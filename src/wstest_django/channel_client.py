"""Runs background consumers in a test, one message at a time."""

import asyncio
from collections.abc import Callable, Generator, Mapping
from contextlib import AsyncExitStack, ExitStack, contextmanager
from functools import partial
from itertools import count
from types import TracebackType
from typing import Any, Final, Protocol, Self, TypeAlias, cast, final

from wstest_core import settings
from wstest_core.application import ApplicationCommunicator
from wstest_core.drivers import AsgiApplication
from wstest_core.errors import NoMessage
from wstest_core.loop import Loop, running
from wstest_core.sync import connected
from wstest_django import layers
from wstest_django.applications import channel_application

__all__ = [
    "Client",
    "clients_closed",
    "come_to_rest",
    "next_message",
    "require_plain_test",
    "to_be_closed",
]

# What applications put on layers.
LayerMessage: TypeAlias = Any

_serial: Final = count(1)
# The clients that run something. Not weak: what a test lets go of must be closed,
# or its event loop goes on.
to_be_closed: Final["set[_Closing]"] = set()


class _Closing(Protocol):
    def close(self) -> None: ...


@final
class Client:
    """Sends messages to background consumers, and runs them in plain tests.

    The consumers are those of `ASGI_APPLICATION` under "channel", or of
    `apply_routes`, or of `application`. A message is run by the consumer of
    its channel as `manage.py runworker` would run it: one consumer serves all
    messages of a channel. `alias` is the layer, which must be a fresh one, as
    it is in `ChannelTestCase`. `timeout`, in seconds, guards each wait; by
    default it is that of communicators.

    Replies come to `reply_channel`, a channel of this client's own. Messages
    are sent with its name in "reply_channel", unless they have another.

    >>> class Doubler(AsyncConsumer):
    ...     async def double(self, message):
    ...         reply = {"type": "doubled", "number": 2 * message["number"]}
    ...         await self.channel_layer.send(message["reply_channel"], reply)
    >>> with apply_routes({"sums": Doubler}), Client() as client:
    ...     client.send_and_consume("sums", {"type": "double", "number": 4})
    ...     client.receive()["number"]
    8
    """

    __module__ = "wstest_django"

    def __init__(
        self,
        alias: str = "default",
        *,
        application: AsgiApplication | str | None = None,
        timeout: float | None = None,
    ) -> None:
        self.alias = alias
        self.reply_channel: str = f"test-client.{next(_serial)}"
        self._application = application
        self._timeout = timeout
        self._workers: dict[tuple[str, int], ApplicationCommunicator] = {}
        self._stack = ExitStack()
        self._loop: Loop | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        self.close()

    def send(self, channel: str, message: LayerMessage) -> None:
        """Put a message on a channel, where it waits for `consume`.

        Raises:
            ChannelFull: Channels', when the channel is over its capacity.
            TypeError: when the message is no dict.
        """
        if not isinstance(message, Mapping):
            raise TypeError(f"a message is a dict, not {message!r}")
        given = cast("Mapping[str, LayerMessage]", message)
        content = {"reply_channel": self.reply_channel, **given}
        layers.send_to_channel(self.alias, channel, content)

    def consume(self, channel: str, fail_on_none: bool = True) -> LayerMessage | None:
        """Run the consumer of a channel for its next message.

        Returns the message, when the consumer has come to rest, with all that
        it caused. Without a message it fails, or returns None if
        `fail_on_none` is False.

        Raises:
            NoMessage: if there is no message, or the consumer does not finish.
            ApplicationCrashed: if the consumer raised.
        """
        require_plain_test(type(self))
        message = next_message(self.alias, channel, require=fail_on_none)
        if message is not None:
            self._run(f"consume {channel}", partial(self._feed, channel, message))
        return message

    def send_and_consume(
        self, channel: str, message: LayerMessage, fail_on_none: bool = True
    ) -> None:
        """Send a message, and run the consumer for the next one of its channel."""
        self.send(channel, message)
        self.consume(channel, fail_on_none)

    def receive(self, require: bool = False) -> LayerMessage | None:
        """Take the next reply to this client; None if there is none.

        Raises:
            NoMessage: if there is none, and one is required.
        """
        return next_message(self.alias, self.reply_channel, require=require)

    def join_group(self, group: str) -> None:
        """Let `receive` also take what is sent to a group."""
        layers.join_group(self.alias, group, self.reply_channel)

    @property
    def _patience(self) -> float:
        return settings.current.timeout if self._timeout is None else self._timeout

    def close(self) -> None:
        """Stop the consumers. The test cases do it when a test ends."""
        to_be_closed.discard(self)
        self._loop = None
        self._stack.close()

    # --- inner workings

    def _run(self, title: str, main: Callable[[], Any]) -> Any:
        if self._loop is None:
            loop = Loop("worker", timeout=2 * self._patience)
            self._loop = self._stack.enter_context(loop)
            self._stack.callback(self._loop.run, "stop", self._stop)
            to_be_closed.add(self)
        return self._loop.run(title, main)

    async def _feed(self, channel: str, message: LayerMessage) -> None:
        application = self._application or channel_application()
        key = channel, id(application)  # which the worker keeps alive
        if key not in self._workers:
            scope = {"type": "channel", "channel": channel}
            self._workers[key] = ApplicationCommunicator(
                application, scope, timeout=self._timeout
            )
        worker = self._workers[key]
        await worker.send_input(message)
        rested = await worker.settle()
        if not worker.awaits_input:
            del self._workers[key]
        # What the consumer raised is raised here; it sends nothing but that.
        await worker.receive_nothing(0)
        if not (worker.awaits_input or worker.ended):
            doing = worker.doing()
            why = "" if rested else f" within {self._patience:g} s"
            raise NoMessage(
                f"the consumer of {channel!r} has not finished with {message!r}{why}: "
                f"{doing}"
            )

    async def _stop(self) -> None:
        async with AsyncExitStack() as stack:
            for worker in self._workers.values():
                await stack.enter_async_context(worker)
            self._workers.clear()


@contextmanager
def clients_closed() -> Generator[None]:
    """Close at the end of a block the clients that were made in it."""
    before = set(to_be_closed)
    try:
        yield
    finally:
        with ExitStack() as stack:
            for client in to_be_closed - before:
                stack.callback(client.close)


def next_message(
    alias: str, channel: str, *, require: bool = False, rested: bool = False
) -> LayerMessage | None:
    """Take the next message of a channel, also if a consumer has yet to send it.

    None has where all is known to have `rested`.

    Raises:
        NoMessage: if there is none, and one is required; it says what there is
            on the layer.
    """
    found = layers.next_message(alias, channel)
    if found is None and not rested:
        come_to_rest()
        found = layers.next_message(alias, channel)
    if found is None and require:
        raise NoMessage(_lack(alias, channel))
    return found


def require_plain_test(kind: type[object]) -> None:
    """Raise RuntimeError in a coroutine, whose event loop would be stopped."""
    if _in_a_coroutine():
        raise RuntimeError(
            f"{kind.__name__} runs consumers for plain tests, and an event loop is "
            "running here: make the test a plain `def`, or await communicators "
            "(create_communicator(), ApplicationCommunicator)"
        )


def come_to_rest() -> None:
    """Let whatever plain tests are connected to come to rest."""
    if _in_a_coroutine():
        return
    for each in connected() or running():
        each.settle()
        return  # they share one loop


def _in_a_coroutine() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _lack(alias: str, channel: str) -> str:
    found = "\n".join(
        f"   {name}: {len(messages)}, the next is {str(messages[0])[:72]}"
        for name, messages in layers.contents(alias).items()
    )
    return f"no message on the channel {channel!r} of the layer {alias!r}\n\n" + (
        f"On the layer wait\n{found}" if found else "The layer is empty."
    )
