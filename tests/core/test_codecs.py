"""Codecs: what goes out, what comes in, and the words for what does not."""

import json
import math
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import FrozenInstanceError, dataclass
from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

import humps
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, RootModel, TypeAdapter

from wstest_core.codecs import (
    BytesCodec,
    CamelCaseCodec,
    Codec,
    JsonCodec,
    ModelCodec,
    TextCodec,
)
from wstest_core.codecs._camel_case import _camel_case, _snake_case
from wstest_core.errors import UndecodableFrame
from wstest_core.messages import (
    BaseMessage,
    CompleteMessage,
    EventCompleteMessage,
    GroupCompleteMessage,
    PingMessage,
)


class Token(BaseMessage):
    action: Literal["token"] = "token"
    payload: str


class Done(BaseMessage):
    action: Literal["done"] = "done"
    payload: Any = None


class Plain(BaseModel):
    text: str = ""


class Aliased(BaseModel):
    user_id: int = Field(alias="userId")


Answer = Annotated[Token | Done, Field(discriminator="action")]

LONE_SURROGATE = '{"action":"done","payload":"\\ud800"}'
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4)
    ),
    max_leaves=12,
)


def nested(depth: int) -> list[Any]:
    inner: list[Any] = []
    for _ in range(depth):
        inner = [inner]
    return inner


def failure(codec: Codec[object], frame: str | bytes) -> str:
    with pytest.raises(UndecodableFrame) as caught:
        codec.decode(frame)
    assert caught.value.frame == frame
    return str(caught.value)


class TestJson:
    """JSON as `json` reads it, faster."""

    @given(JSON)
    def test_round_trip(self, content: object) -> None:
        """What JSON can hold comes back equal, from text and binary frames."""
        for binary in (False, True):
            codec = JsonCodec(binary=binary)
            frame = codec.encode(content)
            assert isinstance(frame, bytes if binary else str)
            assert codec.decode(frame) == content

    @given(JSON)
    def test_reads_and_is_read_by_json(self, content: object) -> None:
        """The other end may use `json`."""
        codec = JsonCodec()
        assert json.loads(codec.encode(content)) == content
        assert codec.decode(json.dumps(content)) == content

    def test_compact(self) -> None:
        """No blanks go over the wire, on the slow way neither."""
        assert (
            JsonCodec().encode({"a": [1, "é"], "b": None}) == '{"a":[1,"é"],"b":null}'
        )
        assert JsonCodec().encode({"a": ["\ud800"]}) == '{"a":["\\ud800"]}'

    def test_writes_more_than_json(self) -> None:
        """Models go by alias; dataclasses, dates and UUIDs have a form."""

        @dataclass
        class Point:
            x: int

        message = [Aliased(userId=1), Point(2), date(2024, 1, 2), UUID(int=0)]
        assert JsonCodec().encode(message) == (
            '[{"userId":1},{"x":2},"2024-01-02","00000000-0000-0000-0000-000000000000"]'
        )

    @pytest.mark.parametrize(
        "frame",
        ['"\\ud800"', "NaN", "[Infinity,-Infinity]", "1e400", "[" * 300 + "]" * 300],
        ids=["surrogate", "nan", "infinity", "overflow", "deep"],
    )
    def test_accepts_what_json_accepts(self, frame: str) -> None:
        """What the fast parser declines is read as `json` reads it."""
        for given_frame in (frame, frame.encode()):
            assert repr(JsonCodec().decode(given_frame)) == repr(json.loads(frame))

    def test_writes_what_json_writes(self) -> None:
        """Lone surrogates, NaN, deep nesting and models around them go out."""
        codec = JsonCodec()
        done = Done(payload={"a": "\ud800"})
        assert codec.encode(done) == '{"action":"done","payload":{"a":"\\ud800"}}'
        assert codec.encode(math.nan) == "NaN"
        assert codec.decode(codec.encode(nested(300))) == nested(300)

    def test_not_json(self) -> None:
        """A frame that is not JSON is shown, with where it goes wrong."""
        assert failure(JsonCodec(), '{"a": oops}') == (
            "undecodable frame: not JSON: Expecting value at line 1 column 7\n"
            "\n"
            '   {"a": oops}\n'
            "\n"
            "receive_from() takes any frame as it is."
        )

    def test_binary_that_is_no_text(self) -> None:
        """Bytes that are not UTF-8 are told from bad JSON."""
        assert failure(JsonCodec(), b"\xff\x00") == (
            "undecodable frame: a binary frame of 2 bytes where JSON text was meant\n"
            "\n"
            "   b'\\xff\\x00'\n"
            "\n"
            "receive_from() takes any frame as it is."
        )

    @pytest.mark.parametrize(
        ("frame", "why"),
        [
            ("", "not JSON: Expecting value at line 1 column 1"),
            ("1" * 5000, "JSON that Python cannot hold: Exceeds the limit"),
            ("[" * 100_000, "JSON nested too deeply for Python"),
            ('{"a":1}x', "not JSON: Extra data at line 1 column 8"),
            ("\ufeff1", "not JSON: Unexpected UTF-8 BOM"),
            (b"\xef\xbb\xbf1", "not JSON: Unexpected UTF-8 BOM"),
            (json.dumps("a").encode("utf-16"), "a binary frame of 8 bytes where JSON"),
        ],
        ids=["empty", "huge-number", "too-deep", "rest", "bom", "bytes-bom", "utf-16"],
    )
    def test_other_refusals(self, frame: str | bytes, why: str) -> None:
        """Each kind of bad frame has its own words."""
        assert why in failure(JsonCodec(), frame)

    def test_frame_is_cut(self) -> None:
        """Of a long frame 72 columns are shown, on one line, escaped."""
        for frame in ("x" * 100_000, "\n" * 100_000, b"\xff" * 100_000):
            shown = failure(JsonCodec(), frame).split("\n\n")[1]
            assert len(shown) == 3 + 72
            assert shown.isprintable()
            assert shown.endswith("…")

    def test_empty_frame_is_named(self) -> None:
        """An empty frame does not look like a missing one."""
        assert "   (an empty text frame)\n" in failure(JsonCodec(), "")

    @given(st.binary() | st.text(st.characters(exclude_categories=[])))
    def test_any_frame_is_read_or_refused(self, frame: str | bytes) -> None:
        """No frame raises anything but the one error."""
        for codec in (JsonCodec(), ModelCodec(Answer), CamelCaseCodec(JsonCodec())):
            try:
                codec.decode(frame)
            except UndecodableFrame as error:
                assert error.frame == frame  # noqa: PT017


class Opaque:
    pass


def cyclic() -> list[Any]:
    ring: list[Any] = []
    ring.append({"again": ring})
    return ring


@dataclass
class Holder:
    inside: object


REFUSED: Any = [
    (object(), "message, of type object, has no JSON form: Unable to serialize"),
    ({"a": [1, Opaque()]}, "message['a'][1], of type Opaque, has no JSON form: Unable"),
    (Done(payload={"b": Opaque()}), "message.payload['b'], of type Opaque, has no"),
    ([Holder((1, Opaque()))], "message[0].inside[1], of type Opaque, has no JSON form"),
    ({"a": b"\xff"}, "message['a'], of type bytes, has no JSON form: "),
    (cyclic(), "message[0]['again'], of type list, has no JSON form: it contains its"),
    (PingMessage, "message, of type ModelMetaclass, has no JSON form: Unable"),
    ([{Opaque(): 1}], "message[0], of type dict, has no JSON form: "),
]


@pytest.mark.parametrize(("message", "sentence"), REFUSED)
@pytest.mark.parametrize(
    "codec", [JsonCodec(), ModelCodec(Answer), CamelCaseCodec(JsonCodec())], ids=repr
)
def test_unserialisable(codec: Codec[Any], message: object, sentence: str) -> None:
    """What has no JSON form is named by its path and its type, on one line."""
    with pytest.raises(TypeError) as caught:
        codec.encode(message)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.__cause__ is not None


def test_too_deep_to_write_is_one_error() -> None:
    """Nesting beyond Python's own limit is a TypeError too."""
    with pytest.raises(TypeError, match="message is nested too deeply to go into JSON"):
        JsonCodec().encode(nested(100_000))


class TestPlain:
    """Frames that are their own messages."""

    def test_text(self) -> None:
        """Text goes through as it is, the empty one too."""
        for text in ("", "a\x00\ud800"):
            assert TextCodec().decode(TextCodec().encode(text)) == text

    def test_bytes(self) -> None:
        """Bytes go through as they are, from any bytes-like value."""
        assert BytesCodec().decode(b"\xff") == b"\xff"
        for message in (b"ab", bytearray(b"ab"), memoryview(b"ab")):
            encoded = BytesCodec().encode(message)
            assert encoded == b"ab"
            assert type(encoded) is bytes

    def test_other_sort_of_frame(self) -> None:
        """The wrong sort of frame names the verb that takes it."""
        text = failure(TextCodec(), b"\x01")
        assert "a binary frame of 1 bytes where text was meant" in text
        assert "receive_bytes() takes binary frames." in text
        text = failure(BytesCodec(), "abc")
        assert "a text frame of 3 characters where bytes were meant" in text
        assert "receive_text() takes text frames." in text

    @pytest.mark.parametrize(
        ("codec", "message", "sentence"),
        [
            (TextCodec(), {"a": 1}, "TextCodec sends a str, not a dict"),
            (TextCodec(), None, "TextCodec sends a str, not None"),
            (TextCodec(), PingMessage, "TextCodec sends a str, not the class PingM"),
            (BytesCodec(), "a", "BytesCodec sends bytes, not a str"),
        ],
    )
    def test_other_message(
        self, codec: Codec[Any], message: object, sentence: str
    ) -> None:
        """A message of another type is one clear error."""
        with pytest.raises(TypeError, match=sentence):
            codec.encode(message)


class Consumer:
    outgoing_message_adapter: TypeAdapter[Any] = TypeAdapter(Answer)


SOURCES: Any = [Answer, Token | Done, TypeAdapter(Answer), Consumer, RootModel[Answer]]


class TestModels:
    """JSON validated into models."""

    @pytest.mark.parametrize("source", SOURCES, ids=lambda source: str(source)[:20])
    def test_sources(self, source: Any) -> None:
        """Unions, adapters, root models and consumer classes decode alike."""
        codec = ModelCodec(source)
        for message in (Token(payload="a"), Done(payload=[1])):
            decoded = codec.decode(codec.encode(message))
            assert getattr(decoded, "root", decoded) == message

    def test_single_model(self) -> None:
        """A single model needs no union, and its action is not taken for granted."""
        frame = '{"action":"token","payload":"a"}'
        assert ModelCodec(Token).decode(frame) == Token(payload="a")
        with pytest.raises(UndecodableFrame, match="an object without 'action'"):
            ModelCodec(Token).decode('{"payload":"a"}')
        assert ModelCodec(Plain).decode(b'{"text":"a"}') == Plain(text="a")

    def test_by_alias(self) -> None:
        """A model with aliases comes back from what it went out as."""
        codec = ModelCodec(Aliased)
        assert codec.encode(Aliased(userId=1)) == '{"userId":1}'
        assert codec.decode('{"userId":1}') == Aliased(userId=1)

    def test_binary(self) -> None:
        """Models may travel in binary frames."""
        assert ModelCodec(Done, binary=True).encode(Done()) == (
            b'{"action":"done","payload":null}'
        )

    def test_another_field(self) -> None:
        """The discriminator is `field`, or the consumer class's own."""

        class A(BaseModel):
            type: Literal["a"] = "a"

        class B(BaseModel):
            type: Literal["b"] = "b"

        class Typed:
            discriminator_field = "type"
            outgoing_message_adapter: TypeAdapter[Any] = TypeAdapter(
                Annotated[A | B, Field(discriminator="type")]
            )

        for codec in (ModelCodec(A | B, field="type"), ModelCodec(Typed)):
            assert codec.field == "type"
            assert codec.decode('{"type":"b"}') == B()
            assert codec.decode('{"type":"complete"}') == CompleteMessage()
            assert "unknown type 'c', known: 'a', 'b'" in failure(codec, '{"type":"c"}')
        assert ModelCodec(Typed, field="kind").field == "kind"

    def test_union_without_discriminator(self) -> None:
        """Models that share no literal field are tried in turn."""

        class Other(BaseModel):
            number: int

        codec = ModelCodec(Other | Aliased)
        assert codec.decode('{"userId":1}') == Aliased(userId=1)
        assert codec.decode('{"number":1}') == Other(number=1)

    def test_forward_reference_resolved_later(self) -> None:
        """A model that is completed after the codec was made is decoded."""

        class Tree(BaseModel):
            leaf: "Leaf | None" = None

        codec = ModelCodec(Tree)

        class Leaf(BaseModel):
            size: int

        Tree.model_rebuild(_types_namespace={"Leaf": Leaf})
        assert ModelCodec(Tree).decode('{"leaf":{"size":1}}').leaf == Leaf(size=1)
        assert codec.source is Tree

    @pytest.mark.parametrize(
        ("frame", "message"),
        [
            ('{"action":"complete","payload":null}', CompleteMessage()),
            ('{"action":"group_complete"}', GroupCompleteMessage()),
            (b'{"action":"event_complete","ref":"1"}', EventCompleteMessage()),
        ],
    )
    @pytest.mark.parametrize("source", [Answer, Token, Plain, RootModel[Answer]])
    def test_completion_unknown_to_the_source(
        self, source: Any, frame: str | bytes, message: BaseMessage
    ) -> None:
        """Completion messages are understood, whatever the source knows."""
        assert ModelCodec(source).decode(frame) == message

    def test_completion_known_to_the_source(self) -> None:
        """A completion class of the source's own is what comes out."""

        class MyComplete(BaseMessage):
            action: Literal["complete"] = "complete"
            payload: int

        codec = ModelCodec(Token | MyComplete)
        known = codec.decode('{"action":"complete","payload":3}')
        assert known == MyComplete(payload=3)
        text = failure(codec, '{"action":"complete","payload":"x"}')
        assert "payload: Input should be a valid integer" in text

    def test_word_complete_in_a_plain_model(self) -> None:
        """A plain model that talks of completion is no completion message."""
        assert ModelCodec(Plain).decode('{"text":"complete"}') == Plain(text="complete")

    @pytest.mark.parametrize("encoding", ["str", "bytes"])
    def test_what_only_json_accepts(self, encoding: str) -> None:
        """Lone surrogates and deep nesting reach the model's own fields."""
        deep = '{"action":"done","payload":' + "[" * 250 + "]" * 250 + "}"
        for frame in (LONE_SURROGATE, deep):
            sent = frame if encoding == "str" else frame.encode()
            assert ModelCodec(Answer).decode(sent) == Done(
                payload=json.loads(frame)["payload"]
            )

    def test_unknown_action(self) -> None:
        """An unknown action is named, with those that are known."""
        assert failure(ModelCodec(Answer), '{"action":"x","payload":1}') == (
            "undecodable frame: unknown action 'x', known: 'token', 'done'\n"
            "\n"
            '   {"action":"x","payload":1}\n'
            "\n"
            "Add its class to the messages this client knows; "
            "receive_json() takes any JSON."
        )

    def test_invalid_payload(self) -> None:
        """A known action with a wrong payload says which field and why."""
        assert failure(ModelCodec(Answer), '{"action":"token","payload":1}') == (
            "undecodable frame: action 'token' that its model refuses: "
            "payload: Input should be a valid string\n"
            "\n"
            '   {"action":"token","payload":1}\n'
            "\n"
            "The application and the model disagree; receive_json() takes any JSON."
        )

    @pytest.mark.parametrize(
        ("source", "frame", "why"),
        [
            (Answer, "{}", "an object without 'action', so nothing says what it is"),
            (Answer, "[]", "JSON, but a list and not an object"),
            (Token, '"a"', "JSON, but a str and not an object"),
            (Token, "null", "JSON, but None and not an object"),
            (
                Token,
                '{"action":"x","payload":""}',
                "unknown action 'x', known: 'token'",
            ),
            (Aliased, "{}", "JSON that its model refuses: userId: Field required"),
            (Answer, '{"action":7}', "unknown action 7, known: 'token', 'done'"),
            (Answer, "oops", "not JSON: Expecting value at line 1 column 1"),
            (Answer, b"\xff", "a binary frame of 1 bytes where JSON text was meant"),
            (Plain, '{"text":["\\ud800"]}', "its model refuses: text: Input should be"),
        ],
    )
    def test_refusals(self, source: Any, frame: str | bytes, why: str) -> None:
        """Each way to be no message of the source has its own words."""
        assert why in failure(ModelCodec(source), frame)

    @pytest.mark.parametrize("source", [Opaque, Opaque(), "Nowhere", len, 3])
    def test_bad_source(self, source: object) -> None:
        """What is no source of models is refused when the codec is made."""
        with pytest.raises(TypeError, match="ModelCodec takes a model, a union of"):
            ModelCodec(source)

    def test_value(self) -> None:
        """A codec is a frozen value: equal where source and options are."""
        assert ModelCodec(Answer) == ModelCodec(Answer)
        assert hash(ModelCodec(Answer)) == hash(ModelCodec(Answer))
        assert ModelCodec(Answer) != ModelCodec(Token)
        assert JsonCodec() != JsonCodec(binary=True)
        assert TextCodec() == TextCodec()
        frozen: Any = ModelCodec(Answer)
        with pytest.raises(FrozenInstanceError):
            frozen.field = "type"


class UserLeft(BaseMessage):
    action: Literal["user_left"] = "user_left"
    payload: dict[str, int]


class CamelConsumer:
    camelize = True
    outgoing_message_adapter: TypeAdapter[Any] = TypeAdapter(UserLeft)


IDENTIFIERS = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,12}", fullmatch=True) | (
    st.lists(
        st.sampled_from(["_", "a", "B", "1", "user", "ID", "Http", "API", "2"]),
        min_size=1,
        max_size=7,
    ).map("".join)
)


class TestCamelCase:
    """snake_case in the test, camelCase on the wire."""

    @given(IDENTIFIERS)
    @example("HTTPResponse")
    @example("user_ID_2")
    @example("_private__name_")
    @example("I18N")
    def test_camel_case_is_pyhumps_s(self, key: str) -> None:
        """Identifiers are camelized as pyhumps does it."""
        assert _camel_case(key) == humps.camelize(key)

    @given(IDENTIFIERS)
    @example("getHTTPResponse2XX")
    @example("__UserID")
    def test_snake_case_is_pyhumps_s(self, key: str) -> None:
        """Identifiers are decamelized as pyhumps does it."""
        assert _snake_case(key) == humps.decamelize(key)

    @given(st.text())
    def test_any_key_has_a_spelling(self, key: str) -> None:
        """No key is too strange to respell."""
        assert isinstance(_camel_case(key), str)
        assert isinstance(_snake_case(key), str)

    def test_wraps_any_json_codec(self) -> None:
        """Keys are respelled at every depth, values never."""
        codec = CamelCaseCodec(JsonCodec())
        message = {"user_id": [{"is_on": "is_on"}], "x": 1}
        assert codec.encode(message) == '{"userId":[{"isOn":"is_on"}],"x":1}'
        assert codec.decode(codec.encode(message)) == message
        models = CamelCaseCodec(ModelCodec(UserLeft))
        assert models.decode('{"action":"user_left","payload":{"roomId":1}}') == (
            UserLeft(payload={"room_id": 1})
        )

    def test_keeps_the_sort_of_frame(self) -> None:
        """A binary frame stays binary."""
        codec = CamelCaseCodec(JsonCodec(binary=True))
        assert codec.encode({"a_b": 1}) == b'{"aB":1}'
        assert codec.decode(b'{"aB":1}') == {"a_b": 1}

    def test_consumer_s_own_setting(self) -> None:
        """A consumer class that speaks camelCase is spoken to in it."""
        codec = ModelCodec(CamelConsumer)
        left = UserLeft(payload={"room_id": 1})
        assert codec.encode(left) == '{"action":"user_left","payload":{"roomId":1}}'
        assert codec.decode(codec.encode(left)) == left
        assert codec.decode('{"action":"complete"}') == CompleteMessage()

    def test_only_consumers_have_the_setting(self) -> None:
        """A model with a field of that name is not a consumer class."""

        class Settings(BaseModel):
            camelize: bool = True
            user_id: int = 0

        assert (
            ModelCodec(Settings).encode(Settings()) == '{"camelize":true,"user_id":0}'
        )

    def test_failure_shows_the_wire(self) -> None:
        """A refused frame is shown as decoded and as it was on the wire."""
        for codec in (ModelCodec(CamelConsumer), CamelCaseCodec(ModelCodec(UserLeft))):
            text = failure(codec, '{"action":"userGone","roomId":1}')
            assert "unknown action 'userGone', known: 'user_left'" in text
            assert '\n   {"action":"userGone","room_id":1}\n' in text
            assert text.endswith(
                'On the wire, in camelCase:\n\n   {"action":"userGone","roomId":1}'
            )

    def test_failure_of_what_is_not_json(self) -> None:
        """A frame that is not JSON is shown once."""
        text = failure(CamelCaseCodec(JsonCodec()), "oops")
        assert text.count("oops") == 1

    def test_too_deep(self) -> None:
        """Nesting that Python cannot walk is refused like any bad frame."""
        deep = "[" * 5_000 + "]" * 5_000
        text = failure(CamelCaseCodec(JsonCodec()), deep)
        assert "JSON nested too deeply for Python" in text

    def test_wrapping_what_writes_no_json(self) -> None:
        """What a wrapped codec writes must be JSON."""
        with pytest.raises(
            TypeError, match="only JSON can be respelled in camelCase, not h"
        ):
            CamelCaseCodec(TextCodec()).encode("hello")


def run(script: str) -> Iterator[str]:
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    yield from done.stdout.splitlines()


def test_pydantic_is_imported_only_for_models() -> None:
    """Codecs without models do not load pydantic."""
    script = """
import sys
from wstest_core.codecs import CamelCaseCodec, JsonCodec, ModelCodec
from wstest_core.stop import on_action
CamelCaseCodec(JsonCodec()).decode('{"aB":1}')
print("pydantic" in sys.modules, "wstest_core.messages" in sys.modules)
"""
    assert list(run(script)) == ["False False"]
