"""What is public, what it is called and where it says it lives."""

import importlib
import inspect
import subprocess
import sys
from importlib.util import find_spec

import pytest

import wstest_core
import wstest_django
from tests.services import require_package

SURFACE = {
    "constants": [
        "COMPLETE_ACTIONS",
        "EVENT_ACTION_COMPLETE",
        "GROUP_ACTION_COMPLETE",
        "MESSAGE_ACTION_COMPLETE",
    ],
    "messages": [
        "AuthenticationMessage",
        "BaseMessage",
        "CompleteMessage",
        "ErrorMessage",
        "EventCompleteMessage",
        "GroupCompleteMessage",
        "PingMessage",
        "PongMessage",
    ],
    "codecs": [
        "BytesCodec",
        "CamelCaseCodec",
        "Codec",
        "JsonCodec",
        "ModelCodec",
        "TextCodec",
    ],
    "stop": [
        "Stop",
        "on_action",
        "on_close",
        "on_count",
        "on_match",
        "on_type",
        "when_quiet",
    ],
    "drivers": ["AsgiDriver", "Driver", "NetworkDriver"],
    "errors": [
        "ApplicationCrashed",
        "ConnectionClosed",
        "ConnectionRejected",
        "IllegalAsgiEvent",
        "NoMessage",
        "UndecodableFrame",
        "UnexpectedMessage",
        "UnreadMessages",
        "WebSocketTestError",
    ],
    "communicator": ["WebsocketCommunicator"],
    "application": ["ApplicationCommunicator"],
    "sync": ["SyncWebsocketCommunicator"],
    "capture": [
        "capture_broadcast_events",
        "capture_broadcasts",
        "capture_topic_broadcasts",
    ],
    "clock": ["virtual_clock"],
    "conformance": ["check_codec", "check_driver"],
    "live": ["LiveServer", "live_server"],
    "transcript": ["Transcript"],
}
PAIRS = [(module, name) for module, names in SURFACE.items() for name in names]
VERBS = {
    *("connect", "disconnect", "drop", "settle", "skip", "ignore_remaining"),
    *("send_message", "send_json", "send_text", "send_bytes"),
    *("send_to", "send_json_to", "send_input"),
    *("receive_message", "receive_json", "receive_text", "receive_bytes"),
    *("receive_from", "receive_json_from", "receive_output"),
    *("receive_all_messages", "receive_all_json", "receive_until"),
    *("receive_nothing", "expect_nothing", "expect", "expect_closed"),
    *("assert_closed", "wait_for_auth", "assert_authenticated_status_ok"),
    *("wait", "request", "subscribe", "unsubscribe", "receive_topic_message"),
    *("transcript", "scope", "response_headers", "subprotocol"),
    *("close_code", "close_reason", "exception"),
}


@pytest.mark.parametrize(("module", "name"), PAIRS)
def test_documented_name_is_exported(module: str, name: str) -> None:
    """Each documented name is one object, at the top and in its public module."""
    home = importlib.import_module(f"wstest_core.{module}")
    assert getattr(wstest_core, name) is getattr(home, name)
    assert name in wstest_core.__all__
    assert name in home.__all__


@pytest.mark.parametrize("name", sorted(wstest_core.__all__))
def test_exported_name_exists(name: str) -> None:
    """Nothing is promised in `__all__` that is not there, nor hidden from `dir`."""
    assert hasattr(wstest_core, name)
    assert name in dir(wstest_core)


@pytest.mark.parametrize("module", ["", *(f".{name}" for name in SURFACE)])
def test_all_is_sorted(module: str) -> None:
    """`__all__` is sorted and names nothing twice."""
    names = importlib.import_module(f"wstest_core{module}").__all__
    assert list(names) == sorted(set(names), key=constants_then_classes)


def constants_then_classes(name: str) -> tuple[bool, bool, str]:
    return not name.isupper(), not name[0].isupper(), name


@pytest.mark.parametrize("name", sorted(wstest_core.__all__))
def test_public_class_says_its_public_home(name: str) -> None:
    """A traceback names the import that a user would write."""
    value = getattr(wstest_core, name)
    if inspect.isclass(value):
        assert "._" not in value.__module__
        assert getattr(importlib.import_module(value.__module__), name) is value


@pytest.mark.parametrize("verb", sorted(VERBS))
@pytest.mark.parametrize("twin", ["WebsocketCommunicator", "SyncWebsocketCommunicator"])
def test_communicators_have_every_verb(twin: str, verb: str) -> None:
    """Both communicators speak the whole vocabulary."""
    assert hasattr(getattr(wstest_core, twin), verb)


def test_unknown_name_is_an_attribute_error() -> None:
    """A lazy module refuses what it does not have in the ordinary words."""
    with pytest.raises(AttributeError, match="'wstest_core' has no attribute 'nope'"):
        _ = getattr(wstest_core, "nope")  # noqa: B009


def test_star_import_gives_exactly_the_surface() -> None:
    """`from wstest_core import *` works on the lazy module."""
    code = "import wstest_core; from wstest_core import *; print(*wstest_core.__all__)"
    check = "; assert set(wstest_core.__all__) <= set(globals())"
    command = [sys.executable, "-c", code + check]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split() == list(wstest_core.__all__)


@pytest.mark.parametrize("name", wstest_django.__all__)
def test_name_of_the_django_adapter_has_a_home(name: str) -> None:
    """Nothing is promised there that no module has, nor hidden from `dir`."""
    assert name in wstest_django._HOMES
    if all(map(find_spec, ("django", "channels"))):
        assert name in dir(wstest_django)


def test_help_on_the_django_adapter_without_django() -> None:
    """Who asks for each name meets no error; there are none that need Django."""
    code = (
        "import sys; sys.modules['django'] = None; import pydoc, wstest_django; "
        "assert pydoc.render_doc(wstest_django); print(*dir(wstest_django))"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert not set(done.stdout.split()) & set(wstest_django.__all__)


def test_names_of_the_django_adapter_are_sorted() -> None:
    """Its `__all__` is sorted, and names nothing twice and all there is."""
    names = wstest_django.__all__
    assert list(names) == sorted(set(names), key=constants_then_classes)
    assert set(names) == wstest_django._HOMES.keys()


IN_DJANGO = """
import importlib, inspect
import wstest_django
from tests.api.dump import configure_django

configure_django()
for name in wstest_django.__all__:
    value = getattr(wstest_django, name)
    if not inspect.isclass(value):
        continue
    home = value.__module__
    if "._" in home or getattr(importlib.import_module(home), value.__name__) != value:
        print(name, home)
"""


def test_public_class_of_the_django_adapter_says_its_public_home() -> None:
    """All its names can be used where Django has settings; classes say where from."""
    for package in ("django", "channels"):
        require_package(package)
    command = [sys.executable, "-W", "error", "-c", IN_DJANGO]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("", "")
