"""Topics: many subscriptions over one connection, as chanx has them.

A frame that belongs to a topic says so beside the message, on the same flat
object: its version, its topic, the ref of the request that it answers, and
the seq of an event. Here that envelope is put on, taken off and read.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, Protocol, TypeAlias, TypeVar, cast, final

from wstest_core.codecs import CamelCaseCodec, Codec, ModelCodec
from wstest_core.codecs._json import Json, object_in, read_json, write_json
from wstest_core.events import Frame

__all__ = [
    "ENVELOPE_FIELDS",
    "ENVELOPE_VERSION",
    "Addressed",
    "TopicClass",
    "TopicCodec",
    "TopicMessage",
    "addressed",
    "is_addressed",
    "subscription",
    "topic_message",
]

ENVELOPE_FIELDS: Final = frozenset({"version", "topic", "ref", "seq"})
ENVELOPE_VERSION: Final = 1

# Each topic has messages of its own, which only the test knows.
TopicMessage: TypeAlias = Any
_Object: TypeAlias = Mapping[str, Json]

_CONTROL: Final = frozenset({"subscribed", "unsubscribed"})

M = TypeVar("M")
M_co = TypeVar("M_co", covariant=True)


class TopicClass(Protocol):
    """A topic as its application declares it: chanx's `Topic` is one."""

    @property
    def outgoing_message_adapter(self) -> Any: ...

    def parse(self, topic: str, /) -> object:
        """Return the parameters of a topic of this class, or None."""
        ...


@final
@dataclass(frozen=True, slots=True)
class Addressed(Generic[M_co]):
    """A message, and what its envelope says: topic, ref and seq."""

    __module__ = "wstest_core.topics"

    message: M_co
    topic: str | None = None
    ref: str | None = None
    seq: int | None = None

    @property
    def root(self) -> M_co:
        """The message, where stops look for an action."""
        return self.message


@final
@dataclass(frozen=True, slots=True)
class TopicCodec(Generic[M_co]):
    """Messages with their envelopes, around any codec that speaks JSON.

    Decodes into `Addressed`: with a topic, by the messages of the first of
    `topics` that it belongs to; without, by `inner`. Confirmations of
    subscriptions are what JSON holds. Encodes `Addressed` and bare messages.

    Example:
        >>> from wstest_core import JsonCodec
        >>> codec = TopicCodec(JsonCodec())
        >>> frame = codec.encode(Addressed({"action": "go"}, topic="run:1", ref="7"))
        >>> frame
        '{"action":"go","version":1,"topic":"run:1","ref":"7"}'
        >>> codec.decode(frame)
        Addressed(message={'action': 'go'}, topic='run:1', ref='7', seq=None)
    """

    __module__ = "wstest_core.topics"

    inner: Codec[M_co]
    topics: Sequence[TopicClass] = ()

    @property
    def field(self) -> str:
        """The field by which messages are told apart."""
        field: str = getattr(self.inner, "field", "action")
        return field

    @property
    def camel_case(self) -> bool:
        """Whether keys are in camelCase on the wire."""
        return bool(getattr(self.inner, "camel_case", False))

    def encode(self, message: object, /) -> Frame:
        """The inner codec's frame, in its envelope.

        Raises:
            TypeError: when the inner codec refuses, or does not write an object.
        """
        if not isinstance(message, Addressed):
            return self.inner.encode(message)
        found = cast("Addressed[object]", message)
        frame = self.inner.encode(found.message)
        return addressed(frame, topic=found.topic, ref=found.ref)

    def decode(self, frame: Frame, /) -> Addressed[M_co | TopicMessage]:
        """The message in the frame and what its envelope says."""
        content = read_json(frame)
        if not isinstance(content, dict) or "version" not in content:
            return Addressed(self.inner.decode(frame))
        found = cast("dict[str, Json]", content)
        message = self._message(frame, found)
        said = {name: found.get(name) for name in ("topic", "ref", "seq")}
        return Addressed(message, **said)

    def _message(self, frame: Frame, content: _Object) -> M_co | TopicMessage:
        bare = _bare(content)
        topic = content.get("topic")
        if topic is not None and content.get(self.field) in _CONTROL:
            return bare
        codec = self._codec_of(topic) or self.inner
        return codec.decode(write_json(bare, binary=isinstance(frame, bytes)))

    def _codec_of(self, topic: str | None) -> Codec[TopicMessage] | None:
        if topic is None:
            return None
        for topic_class in self.topics:
            if topic_class.parse(topic) is not None:
                return _topic_codec(topic_class, self.inner)
        return None


def addressed(frame: Frame, *, topic: str | None, ref: str | None) -> Frame:
    """Return a JSON frame with an envelope; without topic and ref, as it is.

    Raises:
        TypeError: when the frame does not hold a JSON object.
    """
    if topic is None and ref is None:
        return frame
    content = object_in(frame, to_carry="a topic or a ref")
    if topic is not None:
        content |= {"version": ENVELOPE_VERSION, "topic": topic}
    if ref is not None:
        content["ref"] = ref
    return write_json(content, binary=isinstance(frame, bytes))


def subscription(action: str, *, topic: str, ref: str) -> Frame:
    """Return the frame that asks to subscribe to a topic, or to unsubscribe."""
    return addressed(write_json({"action": action}, binary=False), topic=topic, ref=ref)


def is_addressed(content: Json) -> bool:
    """Whether what a frame holds belongs to a topic."""
    return isinstance(content, dict) and "topic" in content


def topic_message(
    frame: Frame, /, topic_class: TopicClass, *, like: Codec[object]
) -> TopicMessage:
    """Return the message of a topic in a frame, spelled as `like` spells.

    Raises:
        UndecodableFrame: when it is none of the topic's.
    """
    content = read_json(frame)
    codec = _topic_codec(topic_class, like)
    if isinstance(content, dict):
        bare = _bare(cast("dict[str, Json]", content))
        frame = write_json(bare, binary=isinstance(frame, bytes))
    return codec.decode(frame)


def _bare(content: _Object) -> dict[str, Json]:
    return {key: each for key, each in content.items() if key not in ENVELOPE_FIELDS}


def _topic_codec(topic_class: TopicClass, like: Codec[object]) -> Codec[TopicMessage]:
    codec: Codec[TopicMessage] = ModelCodec(topic_class)
    return CamelCaseCodec(codec) if getattr(like, "camel_case", False) else codec
