"""The package itself: what it exports, and what it says where something lacks."""

import subprocess
import sys

import pytest

import wstest_core
import wstest_fastapi
from tests.services import require_package

WITHOUT = """
import sys
from importlib.abc import MetaPathFinder

class Missing(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {missing!r}:
            raise ModuleNotFoundError(name)

import importlib.util
real = importlib.util.find_spec
importlib.util.find_spec = lambda name: None if name in {missing!r} else real(name)
sys.meta_path.insert(0, Missing())
import wstest_fastapi
wstest_fastapi.{name}
"""


def without(missing: set[str], name: str) -> str:
    """The last line of what Python says where these packages are not installed."""
    code = WITHOUT.format(missing=missing, name=name)
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stderr.strip().rpartition("\n")[2]


@pytest.mark.parametrize("name", wstest_fastapi.__all__)
def test_exported_name_exists(name: str) -> None:
    """Nothing is promised that is not there."""
    assert hasattr(wstest_fastapi, name)
    assert name in dir(wstest_fastapi)


def test_the_communicators_are_core_s() -> None:
    """There is one communicator; the adapter adds nothing to it."""
    for name in ("WebsocketCommunicator", "SyncWebsocketCommunicator"):
        assert getattr(wstest_fastapi, name) is getattr(wstest_core, name)


def test_unknown_name_is_an_attribute_error() -> None:
    """In the ordinary words."""
    with pytest.raises(AttributeError, match="has no attribute 'nope'"):
        _ = getattr(wstest_fastapi, "nope")  # noqa: B009


@pytest.mark.parametrize(
    ("missing", "name", "wanted"),
    [
        ({"starlette", "fastapi"}, "WebsocketCommunicator", "starlette"),
        ({"fast_channels"}, "fresh_layers", "fast_channels"),
        ({"httpx2", "httpx"}, "AppClient", "httpx2"),
    ],
)
def test_what_is_missing_is_said(missing: set[str], name: str, wanted: str) -> None:
    """One sentence, which names the extra."""
    assert without(missing, name) == (
        f"ModuleNotFoundError: wstest_fastapi needs {wanted}, not installed here: "
        'python -m pip install "wstest-core[fastapi]"'
    )


SHOWN = """
import pydoc
import sys

sys.modules["{missing}"] = None
import {package}

assert pydoc.render_doc({package})
print(*dir({package}))
from {package} import {name}
"""


@pytest.mark.parametrize(
    ("missing", "name", "extra", "kept"),
    [
        ("uvicorn", "live_websocket_server", "live", "AppClient"),
        ("fast_channels", "fresh_layers", "fastapi", "live_websocket_server"),
    ],
)
def test_help_leaves_out_what_is_missing(
    missing: str, name: str, extra: str, kept: str
) -> None:
    """help() and completion work; the name itself still says what it needs."""
    code = SHOWN.format(missing=missing, package="wstest_fastapi", name=name)
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    names = done.stdout.split()
    assert kept in names
    assert name not in names
    assert done.stderr.strip().rpartition("\n")[2] == (
        f"ModuleNotFoundError: wstest_fastapi needs {missing}, not installed here: "
        f'python -m pip install "wstest-core[{extra}]"'
    )


@pytest.mark.parametrize(
    ("missing", "name"), [({"fast_channels"}, "AppClient"), ({"httpx2"}, "AppClient")]
)
def test_what_is_not_needed_may_be_missing(missing: set[str], name: str) -> None:
    """Without fast-channels there is a client; without httpx2 there is httpx."""
    require_package("httpx")
    assert without(missing, name) == ""
