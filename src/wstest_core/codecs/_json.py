"""JSON, by the fast parser, and by Python's own where the fast one declines.

`pydantic_core` reads and writes JSON in a third of the time `json` takes. It
declines a few things that `json` accepts and that applications do send: lone
surrogates and deep nesting. Those, and all errors, take the slow way.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias, cast, final

from pydantic_core import from_json, to_json, to_jsonable_python

from wstest_core.codecs._protocol import on_the_wire, undecodable
from wstest_core.errors import UndecodableFrame
from wstest_core.events import Frame

__all__ = [
    "TAKE_AS_IT_IS",
    "TOO_DEEP",
    "Json",
    "JsonCodec",
    "object_in",
    "read_json",
    "write_json",
    "write_like_python",
]

# What JSON can hold, which no type says better than this.
Json: TypeAlias = Any

TOO_DEEP: Final = "JSON nested too deeply for Python"
TAKE_AS_IT_IS: Final = "receive_from() takes any frame as it is."


@final
@dataclass(frozen=True, slots=True)
class JsonCodec:
    """JSON in text frames, or in binary ones with `binary`.

    Decodes both, binary frames if they hold UTF-8. Beyond what `json` can
    write it writes models (by alias), dataclasses, dates and UUIDs.

    Example:
        >>> JsonCodec().encode({"a": [1, 2]})
        '{"a":[1,2]}'
    """

    __module__ = "wstest_core"

    binary: bool = field(default=False, kw_only=True)

    def encode(self, message: object, /) -> Frame:
        """Compact JSON.

        Raises:
            TypeError: naming the part of the message that has no JSON form.
        """
        return write_json(message, binary=self.binary)

    def decode(self, frame: Frame, /) -> Json:
        """What `json.loads` makes of the frame."""
        return read_json(frame)


def write_json(message: object, *, binary: bool) -> Frame:
    """Compact JSON, as a binary or a text frame."""
    try:
        content = to_json(message)
    except ValueError:
        pass  # to be told better below, without this in the traceback
    else:
        return content if binary else content.decode()
    text = _write_slowly(message)
    return text.encode() if binary else text


def write_like_python(message: object) -> str:
    """What `json.dumps` writes, and compact JSON of what it does not take.

    Raises:
        TypeError: naming the part of the message that has no JSON form.
    """
    try:
        return json.dumps(message)
    except (TypeError, ValueError, RecursionError):
        pass  # to be told better below, without this in the traceback
    return _write_slowly(message)


def read_json(frame: Frame) -> Json:
    """What the frame says.

    Raises:
        UndecodableFrame: when it is not JSON.
    """
    try:
        return from_json(frame)
    except (ValueError, TypeError):
        pass  # to be told better below, without this in the traceback
    return _read_slowly(frame)


def object_in(frame: Frame, *, to_carry: str) -> dict[str, Json]:
    """Return the object that a frame holds, so that more can be put into it.

    Raises:
        TypeError: when it holds something else, or is not JSON.
    """
    content: Json = None
    with suppress(UndecodableFrame):
        content = read_json(frame)
    if isinstance(content, dict):
        return cast("dict[str, Json]", content)
    raise TypeError(
        f"only a JSON object can carry {to_carry}, not {on_the_wire(frame)}: "
        "send a dict or a model, with a codec that writes JSON"
    )


def _read_slowly(frame: Frame) -> Json:
    try:
        return json.loads(frame if isinstance(frame, str) else frame.decode())
    except UnicodeDecodeError:
        why = f"a binary frame of {len(frame)} bytes where JSON text was meant"
    except json.JSONDecodeError as error:
        why = f"not JSON: {error.msg} at line {error.lineno} column {error.colno}"
    except RecursionError:
        why = TOO_DEEP
    except ValueError as error:
        why = f"JSON that Python cannot hold: {error}"
    raise undecodable(frame, why, TAKE_AS_IT_IS)


def _write_slowly(message: object) -> str:
    try:
        return _dump(message)
    except RecursionError:
        raise TypeError("message is nested too deeply to go into JSON") from None
    except (TypeError, ValueError):
        path, culprit, cause = _culprit(message)
    kind, why = type(culprit).__qualname__, " ".join(str(cause).split())
    # Its cause without the lines of the parser, which say nothing of the message.
    refusal = cause and cause.with_traceback(None)
    raise TypeError(f"{path}, of type {kind}, has no JSON form: {why}") from refusal


def _dump(message: object) -> str:
    return json.dumps(message, default=to_jsonable_python, separators=(",", ":"))


def _culprit(message: object) -> tuple[str, object, Exception | None]:
    """Where the innermost part is that cannot be written, that part, and why."""
    path, value, within = "message", message, set[int]()
    while id(value) not in within:
        within.add(id(value))
        for step, part in _parts(value):
            if _complaint(part):
                path, value = path + step, part
                break
        else:
            return path, value, _complaint(value)
    return path, value, ValueError("it contains itself")


def _complaint(value: object) -> Exception | None:
    try:
        _dump(value)
    except (TypeError, ValueError, RecursionError) as error:
        return error
    return None


def _parts(value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, Mapping):
        for key, part in cast("Mapping[object, object]", value).items():
            yield f"[{key!r}]", part
    elif isinstance(value, list | tuple):
        for index, part in enumerate(cast("list[object]", value)):
            yield f"[{index}]", part
    else:
        for name in _fields_of(type(value)):
            yield f".{name}", getattr(value, name, None)


def _fields_of(kind: type) -> tuple[str, ...]:
    # A model's fields, or a dataclass's.
    fields: Mapping[str, object] = getattr(kind, "model_fields", None) or getattr(
        kind, "__dataclass_fields__", {}
    )
    return tuple(fields)
