"""How a message becomes a frame, and a frame a message."""

from wstest_core.codecs._camel_case import CamelCaseCodec
from wstest_core.codecs._json import JsonCodec
from wstest_core.codecs._models import ModelCodec
from wstest_core.codecs._plain import BytesCodec, TextCodec
from wstest_core.codecs._protocol import Codec
from wstest_core.constants import action_of

__all__ = [
    "BytesCodec",
    "CamelCaseCodec",
    "Codec",
    "JsonCodec",
    "ModelCodec",
    "TextCodec",
    "action_of",
]
