"""A client that asks and is answered: requests with replies, and topics."""

from functools import partial
from typing import TypeAlias

from wstest_core._connection import Connection, M
from wstest_core.codecs._json import Json, read_json
from wstest_core.errors import UndecodableFrame, hidden
from wstest_core.events import FRAME, Frame
from wstest_core.requests import FieldPath, Reference, reference
from wstest_core.topics import (
    TopicClass,
    TopicMessage,
    addressed,
    is_addressed,
    subscription,
    topic_message,
)

__all__ = ["Correspondence"]

__tracebackhide__ = hidden

_Refs: TypeAlias = tuple[Reference, ...]


class Correspondence(Connection[M]):
    """Sends what is to be answered, and finds the answer.

    See `WebsocketCommunicator`, which adds what is received in order.
    """

    async def send_message(
        self, message: object, *, topic: str | None = None, ref: str | None = None
    ) -> None:
        """Send a message through the codec: a model, or what JSON can hold.

        `topic` addresses it to a topic, `ref` correlates its reply; both go
        beside the message, as chanx wants them.

        Raises:
            TypeError: if the codec cannot send it, or it is not a JSON object
                and has a topic or ref.
            ConnectionClosed: if the connection has ended.
        """
        frame = self._reader.codec.encode(message)
        await self._send(addressed(frame, topic=topic, ref=ref))

    async def request(
        self,
        message: object,
        *,
        field: FieldPath = "ref",
        reply_field: FieldPath | None = None,
        ref: Json = None,
        timeout: float | None = None,
    ) -> M:
        """Send a message with a fresh reference, and receive its reply.

        The reference goes into `field`, spelled as on the wire; a dot leads
        into an object ("meta.id"), and so does a sequence of keys. The reply
        is the first frame that has the same value there, or in `reply_field`.
        All other frames stay, in their order. `ref` is a reference of your
        own, where the application does not take any str.

        Raises:
            NoMessage: as soon as no such reply can come.
            TypeError: if the message cannot carry it.
        """
        sent = reference(field, ref)
        await self._send(sent.put_into(self._reader.codec.encode(message)))
        wanted = sent if reply_field is None else reference(reply_field, sent.value)
        frame = await self._pick((wanted,), timeout)
        self._reader.ledger.read()
        reply: M = self._reader.decode(frame, self._reader.codec.decode)
        return reply

    async def subscribe(
        self, topic: str, ref: str = "1", timeout: float | None = None
    ) -> Json:
        """Subscribe to a topic, as chanx has them, and receive the reply.

        The reply is what JSON holds: a confirmation, or an error. All other
        frames stay, in their order.

        Raises:
            NoMessage: as soon as no reply can come.
        """
        return await self._manage("subscribe", topic, ref, timeout)

    async def unsubscribe(
        self, topic: str, ref: str = "1", timeout: float | None = None
    ) -> Json:
        """Unsubscribe from a topic, likewise."""
        return await self._manage("unsubscribe", topic, ref, timeout)

    async def receive_topic_message(
        self, topic_class: TopicClass, timeout: float | None = None
    ) -> TopicMessage:
        """Receive exactly one message, decoded by the topic's own models.

        Completion messages are skipped, except the topic's.

        Raises:
            NoMessage: as soon as none can come.
            UndecodableFrame: if it is none of the topic's. It is taken.
        """
        like = self._reader.codec
        wait, now = self._seconds(timeout), self._session.driver.now
        self._session.require_connection()
        deadline = now() + wait
        while True:
            frame = await self._reader.frame(wait, "no message of a topic")
            if is_addressed(_content(frame)) or not self._reader.is_completion(frame):
                decode = partial(topic_message, topic_class=topic_class, like=like)
                return self._reader.decode(frame, decode)
            wait = max(0.0, deadline - now())

    # --- inner workings

    async def _manage(
        self, action: str, topic: str, ref: str, timeout: float | None
    ) -> Json:
        # Past the ledger: no completion message answers it.
        await self._session.send(subscription(action, topic=topic, ref=ref))
        wanted = (reference("topic", topic), reference("ref", ref))
        return _content(await self._pick(wanted, timeout))

    async def _pick(self, wanted: _Refs, timeout: float | None) -> Frame:
        """Take the first frame that has all these references."""
        wait = self._seconds(timeout)

        def is_wanted(frame: Frame) -> bool:
            content = _content(frame)
            return all(each.is_in(content) for each in wanted)

        event = await self._session.incoming.pick(wait, is_wanted)
        if isinstance(event, FRAME):
            return event
        values = " and ".join(map(str, wanted))
        raise self._reader.missing(event, f"no reply with {values}", wait)


def _content(frame: Frame) -> Json:
    """What a frame says, spelled as on the wire; None where it is not JSON."""
    try:
        return read_json(frame)
    except UndecodableFrame:
        return None
