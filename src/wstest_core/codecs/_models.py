"""JSON validated into pydantic models, in one pass over the frame.

Only a frame that the models refuse is looked at again: it may be a completion
message the models do not know, or JSON that only Python's own parser accepts;
otherwise it is put into words what is wrong with it.
"""

import sys
from contextlib import suppress
from dataclasses import dataclass
from dataclasses import field as declare
from functools import lru_cache, partial
from types import UnionType
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Final,
    Generic,
    Protocol,
    TypeAlias,
    TypeVar,
    Union,
    cast,
    final,
    get_origin,
    overload,
)

from pydantic_core import ErrorDetails, ValidationError

from wstest_core.codecs._camel_case import camelized, decode_camelized
from wstest_core.codecs._json import Json, read_json, write_json
from wstest_core.codecs._protocol import kind_of, undecodable
from wstest_core.constants import COMPLETE_ACTIONS, action_of
from wstest_core.events import Frame

if TYPE_CHECKING:
    from pydantic import TypeAdapter
    from typing_extensions import TypeForm

__all__ = ["ModelCodec"]

# A message of a class that only the test knows.
Model: TypeAlias = Any
# What pydantic takes for a type: classes, unions, annotated forms.
Source: TypeAlias = Any

M = TypeVar("M")
M_co = TypeVar("M_co", covariant=True)


class SpeaksModels(Protocol[M]):
    """A consumer class that says what its clients receive."""

    @property
    def outgoing_message_adapter(self) -> "TypeAdapter[M]": ...


@final
# Without slots: on Python 3.11 ModelCodec[M](…) could not be called.
@dataclass(frozen=True, init=False)
class ModelCodec(Generic[M_co]):
    """JSON frames validated into pydantic models.

    `source` is a union of models told apart by `field`, a single model, a
    `TypeAdapter`, or a consumer class with an `outgoing_message_adapter`.
    A consumer class also brings its `discriminator_field` and its camelCase
    setting, as they stand when the codec is made.

    Models go out by alias. A completion message that `source` does not know
    comes out as `CompleteMessage`, `GroupCompleteMessage` or
    `EventCompleteMessage`.

    Raises:
        TypeError: when `source` is none of these.

    Example:
        >>> from wstest_core.messages import PingMessage, PongMessage
        >>> codec = ModelCodec(PingMessage | PongMessage)
        >>> codec.decode('{"action":"pong"}')
        PongMessage(action='pong', payload=None)
    """

    __module__ = "wstest_core"

    source: object
    field: str
    binary: bool
    _camelized: bool = declare(repr=False)
    _adapter: "TypeAdapter[Model]" = declare(repr=False, compare=False)

    @overload
    def __init__(
        self: "ModelCodec[M]",
        source: "SpeaksModels[M] | TypeAdapter[M]",
        *,
        field: str | None = None,
        binary: bool = False,
    ) -> None: ...
    @overload
    def __init__(
        self: "ModelCodec[M]",
        source: "TypeForm[M]",
        *,
        field: str | None = None,
        binary: bool = False,
    ) -> None: ...
    @overload
    def __init__(
        self: "ModelCodec[Model]",
        source: object,
        *,
        field: str | None = None,
        binary: bool = False,
    ) -> None: ...
    def __init__(
        self, source: object, *, field: str | None = None, binary: bool = False
    ) -> None:
        consumer = source if hasattr(source, "outgoing_message_adapter") else None
        named: str | None = getattr(consumer, "discriminator_field", None)
        field = field or named or "action"
        put = partial(object.__setattr__, self)  # as frozen dataclasses do
        put("source", source)
        put("field", field)
        put("binary", binary)
        put("_camelized", _speaks_camel_case(consumer))
        put("_adapter", _adapter_of(source, field))

    @property
    def camel_case(self) -> bool:
        """Whether keys are in camelCase on the wire."""
        return self._camelized

    def encode(self, message: object, /) -> Frame:
        """The model, or anything else that JSON can carry, as compact JSON.

        Raises:
            TypeError: naming the part of the message that has no JSON form.
        """
        frame = write_json(message, binary=self.binary)
        return camelized(frame) if self._camelized else frame

    def decode(self, frame: Frame, /) -> M_co:
        """The frame's content as one of the models."""
        if self._camelized:
            return decode_camelized(frame, self._decode)
        return self._decode(frame)

    def _decode(self, frame: Frame) -> M_co:
        # Asking the validator itself saves a fifth of TypeAdapter.validate_json.
        try:
            message: M_co = self._adapter.validator.validate_json(frame)
        except ValidationError as refusal:
            return self._decode_refused(frame, refusal)
        if self.field in getattr(message, "__pydantic_fields_set__", ()):
            return message
        return cast(M_co, self._decode_unnamed(frame, message))

    def _decode_unnamed(self, frame: Frame, message: Model) -> Model:
        declared: object = getattr(cast(object, message), "__class__", None)
        if self.field in getattr(declared, "model_fields", ()):
            why = f"an object without {self.field!r}, so nothing says what it is"
            raise undecodable(frame, why, READ_BY_HAND)
        # A model without the field takes any object, a completion frame too.
        hint = "complete" in frame if isinstance(frame, str) else b"complete" in frame
        if hint and action_of(message, self.field) is None:
            return _completion(read_json(frame), self.field) or message
        return message

    def _decode_refused(self, frame: Frame, refusal: ValidationError) -> M_co:
        content = read_json(frame)
        if refusal.errors()[0]["type"] == "json_invalid":
            # It is JSON to Python's own parser, so validate what that has read.
            try:
                return cast(M_co, self._adapter.validator.validate_python(content))
            except ValidationError as second:
                refusal = second
        completion: M_co | None = _completion(content, self.field)
        if completion and not _is_known(action_of(content, self.field), refusal):
            return completion
        raise undecodable(frame, *_explain(refusal, content, self.field))


def require_type(model: object, verb: str) -> None:
    """Check that a message can be of this type: a class, or pydantic knows it.

    Raises:
        TypeError: if not.
    """
    if isinstance(model, type | UnionType) or _is_form(model):
        return
    raise TypeError(
        f"{verb} takes a class or a type, not {model!r}: "
        "compare JSON with receive_json()"
    )


def _is_form(model: Source) -> bool:
    from pydantic import BaseModel, PydanticUserError, TypeAdapter

    if model is None or isinstance(model, BaseModel | TypeAdapter):
        return False
    build = _build_once if _is_hashable(model) else _build
    try:
        build(model, "action")
    except (PydanticUserError, NameError, TypeError):
        return False
    return True


def _adapter_of(source: Source, field: str) -> "TypeAdapter[Model]":
    from pydantic import PydanticUserError, TypeAdapter

    found: Source = getattr(source, "outgoing_message_adapter", source)
    if isinstance(found, TypeAdapter):
        return cast("TypeAdapter[object]", found)
    build = _build_once if _is_hashable(found) else _build
    try:
        return build(found, field)
    except (PydanticUserError, NameError, TypeError) as error:
        why = error.with_traceback(None)  # the lines of pydantic say nothing
    raise TypeError(
        "ModelCodec takes a model, a union of models, a TypeAdapter or a "
        f"consumer class with an outgoing_message_adapter, not {source!r}"
    ) from why


def _is_hashable(source: Source) -> bool:
    try:
        hash(source)
    except TypeError:  # such as Annotated with a list in it
        return False
    return True


@lru_cache(maxsize=128)
def _build_once(source: Source, field: str) -> "TypeAdapter[Model]":
    # Building takes fifty times as long as connecting, and each test connects.
    return _build(source, field)


def _build(source: Source, field: str) -> "TypeAdapter[Model]":
    from pydantic import Field, PydanticUserError, TypeAdapter

    origin: Source = get_origin(source)
    if origin is Union or origin is UnionType:
        # Told apart by the field, a union is faster and its errors are clearer.
        annotate: Source = Annotated
        with suppress(PydanticUserError, TypeError):
            return TypeAdapter[Model](annotate[source, Field(discriminator=field)])
    if isinstance(source, str):
        raise TypeError("pydantic would look for a class of that name, but where?")
    if isinstance(source, dict):
        raise TypeError("pydantic would take it for a schema of its own")
    return TypeAdapter[Model](source)


def _speaks_camel_case(source: object) -> bool:
    own: object = getattr(source, "camelize", None)
    if own is None and _is_of_chanx(source):
        module = sys.modules.get("chanx.core.config")
        own = getattr(getattr(module, "config", None), "camelize", False)
    return bool(own)


def _is_of_chanx(source: object) -> bool:
    ancestors: tuple[type, ...] = getattr(source, "__mro__", ())
    return any(each.__module__.partition(".")[0] == "chanx" for each in ancestors)


def _completion(content: Json, field: str) -> Model:
    action = action_of(content, field)
    if action not in COMPLETE_ACTIONS:
        return None
    from wstest_core import messages

    known = (
        messages.CompleteMessage,
        messages.GroupCompleteMessage,
        messages.EventCompleteMessage,
    )
    return next(made for kind in known if (made := kind()).action == action)


def _is_known(action: str | None, refusal: ValidationError) -> bool:
    # In a tagged union, where an error is starts with the tag of the member.
    return all(error["loc"][:1] == (action,) for error in refusal.errors())


def _explain(refusal: ValidationError, content: Json, field: str) -> tuple[str, str]:
    """Why the models refuse the content, and what to do."""
    error = refusal.errors()[0]
    kind, where, action = error["type"], error["loc"], action_of(content, field)
    if kind == "union_tag_invalid" or (kind == "literal_error" and where == (field,)):
        context = error.get("ctx", {})
        known = context.get("expected_tags") or context.get("expected")
        return f"unknown {field} {content[field]!r}, known: {known}", ADD_ITS_CLASS
    if kind == "union_tag_not_found":
        return f"an object without {field!r}, so nothing says what it is", READ_BY_HAND
    if kind in NO_OBJECT and not where:
        return f"JSON, but {kind_of(content)} and not an object", READ_BY_HAND
    complaints = [_complaint(each, action) for each in refusal.errors()]
    of = f"{field} {action!r}" if action else "JSON"
    return f"{of} that its model refuses: {'; '.join(complaints[:3])}", MEND_EITHER


def _complaint(error: ErrorDetails, action: str | None) -> str:
    where = [str(step) for step in error["loc"] if step != action]
    return f"{'.'.join(where) or 'the whole'}: {error['msg']}"


NO_OBJECT: Final = frozenset(
    {"dict_type", "model_type", "model_attributes_type", "dataclass_type"}
)
READ_BY_HAND: Final = "receive_json() takes any JSON."
ADD_ITS_CLASS: Final = (
    "Add its class to the messages this client knows; receive_json() takes any JSON."
)
MEND_EITHER: Final = (
    "The application and the model disagree; receive_json() takes any JSON."
)
