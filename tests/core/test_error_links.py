"""Each failure leads to its section of the documentation, once."""

import copy
import copyreg
import inspect
import pickle
import traceback
import unittest
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

import pytest

from tests.core.scripted import ACCEPT, Receive, Scope, Send, crashes_after, echo, says
from tests.core.test_pytest_plugin import ALONE, APPS
from tests.services import require_package
from wstest_core import (
    ApplicationCrashed,
    ConnectionClosed,
    ConnectionRejected,
    IllegalAsgiEvent,
    NoMessage,
    SyncWebsocketCommunicator,
    UndecodableFrame,
    UnexpectedMessage,
    UnreadMessages,
    UnreadMessagesWarning,
    WebSocketTestError,
)
from wstest_core import errors as module
from wstest_core._version import DOCUMENTATION

PAGE = f"{DOCUMENTATION}errors.html"
EACH: list[WebSocketTestError] = [
    WebSocketTestError("told", messages=[1]),
    NoMessage("told", messages=[1]),
    ConnectionClosed("told", code=4000, reason="enough"),
    UnexpectedMessage("told"),
    UnreadMessages("told", messages=["a"]),
    ConnectionRejected("told", code=4001, status=401, headers=((b"a", b"b"),)),
    ApplicationCrashed("told", error=ValueError("no more"), messages=[1]),
    UndecodableFrame("told", frame=b"\xff"),
    IllegalAsgiEvent("told"),
]
each_failure = pytest.mark.parametrize("error", EACH, ids=lambda e: type(e).__name__)


def classes() -> Iterator[type[object]]:
    for value in vars(module).values():
        if inspect.isclass(value) and issubclass(value, WebSocketTestError):
            yield value


def test_none_is_left_out() -> None:
    """The failures below are of all classes there are."""
    assert {type(each) for each in EACH} == set(classes())


@each_failure
def test_failure_has_its_address_in_a_note(error: WebSocketTestError) -> None:
    """Its text is as it was; the note is the address, and nothing else."""
    assert str(error) == "told"
    assert error.__notes__ == [f"{PAGE}#{type(error).__name__.lower()}"]
    shown = traceback.format_exception_only(error)
    assert "".join(shown).endswith(f": told\n{error.__notes__[0]}\n")


def unpickled(error: WebSocketTestError) -> WebSocketTestError:
    found: WebSocketTestError = pickle.loads(pickle.dumps(error))
    return found


@each_failure
@pytest.mark.parametrize("way", [unpickled, copy.copy, copy.deepcopy])
def test_failure_survives_a_journey(
    error: WebSocketTestError, way: Callable[[Any], WebSocketTestError]
) -> None:
    """Pickled or copied, it has all that it carried, and its address once."""
    found = way(way(error))
    assert type(found) is type(error)
    assert found.args == error.args == ("told",)
    assert repr(vars(found)) == repr(vars(error))


@each_failure
def test_failure_survives_tblib(error: WebSocketTestError) -> None:
    """So it does from a process of `manage.py test --parallel`, with its notes."""
    require_package("tblib")
    from tblib import pickling_support

    try:
        raise copy.deepcopy(error) from ValueError("no more")
    except WebSocketTestError as caught:
        caught.add_note("and more")
        with mock.patch.dict(copyreg.dispatch_table):
            pickling_support.install(caught)
            found = unpickled(caught)
    assert (type(found), str(found)) == (type(error), "told")
    assert repr(found.__cause__) == "ValueError('no more')"
    assert found.__notes__ == [f"{PAGE}#{type(error).__name__.lower()}", "and more"]
    assert vars(found).keys() == vars(error).keys()


class Late(NoMessage):
    """Somebody's own."""

    def __init__(self, text: str, *, after: float) -> None:
        super().__init__(text)
        self.after = after


def test_class_of_a_user() -> None:
    """It has the address of the class it is derived from, and travels too."""
    found = unpickled(Late("too late", after=3))
    assert isinstance(found, Late)
    assert (str(found), found.after) == ("too late", 3)
    assert found.__notes__ == [f"{PAGE}#nomessage"]


def test_misuse_has_no_note() -> None:
    """A wrong call of the library is explained where it happens."""
    with pytest.raises(RuntimeError) as error:
        SyncWebsocketCommunicator(echo, "/").send_text("hello")
    assert not hasattr(error.value, "__notes__")


def test_illegal_event_within_the_application() -> None:
    """What is raised at `send`, in the application, has its address as well."""

    async def twice(send: Send) -> None:
        await send(ACCEPT)

    with (
        pytest.raises(IllegalAsgiEvent) as error,
        SyncWebsocketCommunicator(says(then=twice), "/") as ws,
    ):
        ws.receive_text()
    cause = error.value.__cause__
    assert isinstance(cause, IllegalAsgiEvent)
    assert cause.__notes__ == error.value.__notes__ == [f"{PAGE}#illegalasgievent"]
    assert "expects ApplicationCrashed" not in str(error.value)


def test_undecodable_frame() -> None:
    """An error that is told anew with its context has the address once."""
    with (
        pytest.raises(UndecodableFrame) as error,
        SyncWebsocketCommunicator(says("{"), "/") as ws,
    ):
        ws.receive_json()
    assert error.value.__notes__ == [f"{PAGE}#undecodableframe"]


def test_later_notes_come_after() -> None:
    """What went wrong afterwards is told below the address of what went wrong."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send(ACCEPT)
        await receive()
        raise ValueError("at the end")

    with (
        pytest.raises(NoMessage) as error,
        SyncWebsocketCommunicator(app, "/") as ws,
    ):
        ws.receive_text()
    address, later = error.value.__notes__
    assert address == f"{PAGE}#nomessage"
    assert later.startswith("While disconnecting: no clean end for client")


def test_warning_ends_with_its_address() -> None:
    """Warnings have no notes that anybody shows, so it is the end of their text."""
    with (
        pytest.warns(UnreadMessagesWarning) as caught,
        SyncWebsocketCommunicator(says("hello"), "/"),
    ):
        pass
    assert str(caught[0].message).endswith(
        f"or ignore_remaining().\n{PAGE}#unreadmessageswarning"
    )


class TestRunners:
    """What one sees of it: it is the last line, however much is shown."""

    @pytest.mark.parametrize(
        "options", [(), ("--tb=short",), ("-qq",), ("--tb=line",), ("--tb=native",)]
    )
    def test_pytest(
        self,
        pytester: pytest.Pytester,
        monkeypatch: pytest.MonkeyPatch,
        options: tuple[str, ...],
    ) -> None:
        """That the library's own frames are hidden does not hide it."""
        monkeypatch.delenv("CI", raising=False)  # the summary would show it again
        pytester.makepyfile(f"""{APPS}
def test_fails():
    with sync(crashes) as ws:
        ws.receive_text()
""")
        lines = pytester.runpytest(*ALONE, *options).stdout.lines
        (at,) = [number for number, line in enumerate(lines) if PAGE in line]
        assert lines[at].endswith(f"{PAGE}#applicationcrashed")
        assert "The application raised ValueError" in lines[at - 1]

    def test_unittest(self) -> None:
        """Django's runner shows it the same way, from a process of its own too."""

        def fails() -> None:
            with SyncWebsocketCommunicator(crashes_after(0), "/") as ws:
                ws.receive_text()

        result = unittest.TestResult()
        unittest.FunctionTestCase(fails).run(result)
        ((_, text),) = result.failures
        assert text.endswith(f"in its `error`.\n{PAGE}#applicationcrashed\n")
