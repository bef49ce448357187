"""Runs background consumers in a test, one message at a time."""

from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import count
from types import TracebackType
from typing import Any, Final, Protocol, Self, TypeAlias, final
from weakref import WeakSet

from wstest_core.application import ApplicationCommunicator
from wstest_core.drivers import AsgiApplication
from wstest_core.errors import NoMessage
from wstest_core.loop import Loop
from wstest_django import layers
from wstest_django.applications import channel_application

__all__ = ["Client", "clients_closed", "required", "to_be_closed"]

# What applications put on layers.
LayerMessage: TypeAlias = Any

_serial: Final = count(1)
to_be_closed: Final["WeakSet[_Closing]"] = WeakSet()


class _Closing(Protocol):
    def close(self) -> None: ...


@final
class Client:
    """Sends messages to background consumers, and runs them in plain tests.

    The consumers are those of `ASGI_APPLICATION` under "channel", or of
    `apply_routes`, or of `application`. A message is run by the consumer of
    its channel as `manage.py runworker` would run it: one consumer serves all
    messages of a channel. `alias` is the layer, which must be a fresh one, as
    it is in `ChannelTestCase`. `timeout`, in seconds, guards each wait.

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
        timeout: float = 1.0,
    ) -> None:
        self.alias = alias
        self.reply_channel: str = f"test-client.{next(_serial)}"
        self._application = application
        self._timeout = timeout
        self._workers: dict[str, ApplicationCommunicator] = {}
        self._stack = ExitStack()
        self._loop: Loop | None = None
        to_be_closed.add(self)

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
        """
        content = {"reply_channel": self.reply_channel, **message}
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
        message = layers.next_message(self.alias, channel)
        if message is None:
            return required(message, self.alias, channel) if fail_on_none else None
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
        found = layers.next_message(self.alias, self.reply_channel)
        return required(found, self.alias, self.reply_channel) if require else found

    def join_group(self, group: str) -> None:
        """Let `receive` also take what is sent to a group."""
        layers.join_group(self.alias, group, self.reply_channel)

    def close(self) -> None:
        """Stop the consumers. The test cases do it when a test ends."""
        to_be_closed.discard(self)
        self._stack.close()

    # --- inner workings

    def _run(self, title: str, main: Callable[[], Any]) -> Any:
        if self._loop is None:
            loop = Loop("worker", timeout=2 * self._timeout)
            self._loop = self._stack.enter_context(loop)
            self._stack.callback(self._loop.run, "stop", self._stop)
        return self._loop.run(title, main)

    async def _feed(self, channel: str, message: LayerMessage) -> None:
        worker = self._worker(channel)
        await worker.send_input(message)
        rested = await worker.settle()
        if not worker.awaits_input:
            del self._workers[channel]
        # What the consumer raised is raised here; it sends nothing but that.
        await worker.receive_nothing(0)
        if not (worker.awaits_input or worker.ended):
            doing = worker.doing()
            why = "" if rested else f" within {self._timeout:g} s"
            raise NoMessage(
                f"the consumer of {channel!r} has not finished with {message!r}{why}: "
                f"{doing}"
            )

    def _worker(self, channel: str) -> ApplicationCommunicator:
        if channel not in self._workers:
            application = self._application or channel_application()
            scope = {"type": "channel", "channel": channel}
            self._workers[channel] = ApplicationCommunicator(
                application, scope, timeout=self._timeout
            )
        return self._workers[channel]

    async def _stop(self) -> None:
        for worker in self._workers.values():
            await worker.__aexit__(None, None, None)


@contextmanager
def clients_closed() -> Generator[None]:
    """Close at the end of a block the clients that were made in it."""
    before = set(to_be_closed)
    try:
        yield
    finally:
        with ExitStack() as stack:
            for client in set(to_be_closed) - before:
                stack.callback(client.close)


def required(message: LayerMessage | None, alias: str, channel: str) -> LayerMessage:
    """Return a message that was taken from a channel, if there was one.

    Raises:
        NoMessage: if there was none; it says what there is on the layer.
    """
    if message is not None:
        return message
    contents = layers.contents(alias)
    found = "\n".join(
        f"   {name}: {len(messages)}, the next is {str(messages[0])[:72]}"
        for name, messages in contents.items()
    )
    raise NoMessage(
        f"no message on the channel {channel!r} of the layer {alias!r}\n\n"
        + (f"On the layer wait\n{found}" if found else "The layer is empty.")
    )
