"""Correlates a reply with its request, by a field that both carry."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, Final, TypeAlias, cast, final

from wstest_core.codecs._json import Json, object_in, write_json
from wstest_core.constants import COMPLETE_ACTIONS, action_of
from wstest_core.events import Frame

__all__ = ["FieldPath", "Reference", "reference"]

# A field of a JSON object, or of an object in it: "ref", "meta.id", ("a.b",).
FieldPath: TypeAlias = str | Sequence[str]
_Object: TypeAlias = dict[str, Any]

_serial: Final = count(1)


@final
@dataclass(frozen=True, slots=True)
class Reference:
    """A value at a place in a JSON object that a request and its reply share.

    Example:
        >>> ref = reference("meta.id", 7)
        >>> ref.put_into('{"action":"ask"}')
        '{"action":"ask","meta":{"id":7}}'
        >>> ref.is_in({"meta": {"id": 7}})
        True
    """

    __module__ = "wstest_core.requests"

    path: tuple[str, ...]
    value: Json

    def put_into(self, frame: Frame) -> Frame:
        """Return a JSON frame with the value at the place.

        Raises:
            TypeError: when there is something else than an object on the way.
        """
        content = inner = object_in(frame, to_carry="a reference")
        for depth, key in enumerate(self.path[:-1], 1):
            where = ".".join(self.path[:depth])
            inner = _object(inner.setdefault(key, {}), where)
        inner[self.path[-1]] = self.value
        return write_json(content, binary=isinstance(frame, bytes))

    def is_in(self, content: Json) -> bool:
        """Whether what a frame holds has the value there, and says something.

        A completion message says nothing.
        """
        found = content
        for key in self.path:
            if not isinstance(found, dict):
                return False
            found = cast("_Object", found).get(key)
        return found == self.value and action_of(content) not in COMPLETE_ACTIONS

    def __str__(self) -> str:
        return f"{'.'.join(self.path)} {self.value!r}"


def reference(field: FieldPath, value: Json = None) -> Reference:
    """Return a reference with a value of its own, unless one is given.

    A dot in a `field` that is a str leads into an object; a sequence of keys
    is taken as it is.

    Raises:
        ValueError: for a field that names nothing.
    """
    path = tuple(field.split(".")) if isinstance(field, str) else tuple(field)
    if not path or not all(path):
        raise ValueError(f"field={field!r}: give the name of the field for the ref")
    return Reference(path, f"request-{next(_serial)}" if value is None else value)


def _object(content: Json, where: str) -> _Object:
    if isinstance(content, dict):
        return cast("_Object", content)
    raise TypeError(
        f"the field {where!r} is {content!r}, not a JSON object, so it cannot carry "
        "a reference; name another place with field="
    )
