"""snake_case in the test, camelCase on the wire.

The spelling is that of pyhumps, which chanx applications use, so that a key
survives the way there and back as it does between chanx and its clients.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Generic, TypeVar, cast, final

from wstest_core.codecs._json import (
    TAKE_AS_IT_IS,
    TOO_DEEP,
    Json,
    read_json,
    write_json,
)
from wstest_core.codecs._protocol import Codec, on_the_wire, undecodable
from wstest_core.errors import UndecodableFrame
from wstest_core.events import Frame

__all__ = ["CamelCaseCodec", "camelized", "decode_camelized"]

M = TypeVar("M")
M_co = TypeVar("M_co", covariant=True)


@final
# Without slots: on Python 3.11 CamelCaseCodec[M](…) could not be called.
@dataclass(frozen=True)
class CamelCaseCodec(Generic[M_co]):
    """Another codec's JSON with the keys in camelCase on the wire.

    All keys of all objects are respelled, no values. Spelling is not
    reversible for every key: `user_ID` comes back as `user_id`.

    Example:
        >>> from wstest_core.codecs import JsonCodec
        >>> codec = CamelCaseCodec(JsonCodec())
        >>> codec.encode({"user_id": 1})
        '{"userId":1}'
        >>> codec.decode('{"userId":1}')
        {'user_id': 1}
    """

    __module__ = "wstest_core"

    inner: Codec[M_co]

    @property
    def field(self) -> str:
        """The field by which messages are told apart: the inner codec's."""
        field: str = getattr(self.inner, "field", "action")
        return field

    @property
    def camel_case(self) -> bool:
        """Whether keys are in camelCase on the wire: they are."""
        return True

    def encode(self, message: object, /) -> Frame:
        """The inner codec's frame, respelled.

        Raises:
            TypeError: when the inner codec refuses, or does not write JSON.
        """
        return camelized(self.inner.encode(message))

    def decode(self, frame: Frame, /) -> M_co:
        """What the inner codec makes of the frame in snake_case."""
        return decode_camelized(frame, self.inner.decode)


def camelized(frame: Frame) -> Frame:
    """A JSON frame of the same sort with its keys in camelCase."""
    try:
        return _respelled(frame, _camel_case)
    except UndecodableFrame:
        raise TypeError(
            f"only JSON can be respelled in camelCase, not {on_the_wire(frame)}"
        ) from None


def decode_camelized(frame: Frame, decode: Callable[[Frame], M]) -> M:
    """Decode a frame with its keys in snake_case."""
    try:
        return decode(_respelled(frame, _snake_case))
    except UndecodableFrame as error:
        if error.frame == frame:
            raise
        text = f"{error}\n\nOn the wire, in camelCase:\n\n   {on_the_wire(frame)}"
        raise UndecodableFrame(text, frame=frame) from None


def _respelled(frame: Frame, spell: Callable[[str], str]) -> Frame:
    content = read_json(frame)
    try:
        content = _with_keys(content, spell)
    except RecursionError:
        raise undecodable(frame, TOO_DEEP, TAKE_AS_IT_IS) from None
    return write_json(content, binary=isinstance(frame, bytes))


def _with_keys(content: Json, spell: Callable[[str], str]) -> Json:
    if isinstance(content, dict):
        pairs = cast("dict[str, Json]", content).items()
        return {spell(key): _with_keys(value, spell) for key, value in pairs}
    if isinstance(content, list):
        return [_with_keys(value, spell) for value in cast("list[object]", content)]
    return content


# Dashes and underscores inside a word, and the character they raise.
_JOINT = re.compile(r"(?<=[^-_])[-_]+([^-_])")
# Capitals and digits up to the next word, as in "HTTP" of "HTTPResponse".
_ACRONYM = re.compile(r"[A-Z\d]+(?=[A-Z\d]|\Z)")
_HUMP = re.compile(r"(?<=.)(?=[A-Z])", re.DOTALL)


@lru_cache(maxsize=4096)
def _camel_case(key: str) -> str:
    if _is_constant(key):
        return key
    if not key[:2].isupper():
        key = key[:1].lower() + key[1:]
    return _JOINT.sub(lambda joint: joint[1].upper(), key)


@lru_cache(maxsize=4096)
def _snake_case(key: str) -> str:
    if _is_constant(key):
        return key
    key = _ACRONYM.sub(lambda acronym: acronym[0].title(), key)
    body = key.lstrip("-_")
    leading = key[: len(key) - len(body)]
    return (leading + _HUMP.sub("_", body)).lower()


def _is_constant(key: str) -> bool:
    return key.isupper() or key.isnumeric()
