"""The wheel with Starlette alone: neither FastAPI nor fast-channels."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

APPLICATION = """
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute


async def log_in(request):
    response = Response()
    response.set_cookie("who", request.path_params["who"])
    return response


async def greet(socket):
    if "who" not in socket.cookies:
        return await socket.close(1008)
    await socket.accept()
    await socket.send_json({"hello": socket.cookies["who"]})
    await socket.close()


app = Starlette(
    routes=[
        Route("/login/{who}", log_in, methods=["POST"]),
        WebSocketRoute("/", greet),
    ]
)
"""
TESTS = """
from wstest_fastapi import cookie_headers


async def test_log_in(ws_client):
    await ws_client.http.post("/login/ann")
    async with ws_client.websocket("/") as ws:
        assert await ws.receive_json() == {"hello": "ann"}


async def test_be_refused(ws_connect):
    assert await ws_connect("/").connect() == (False, 1008)


def test_plainly(ws_connect_sync, ws_layers):
    assert ws_layers == {}
    with ws_connect_sync("/", cookie_headers(who="ann")) as ws:
        assert ws.receive_json() == {"hello": "ann"}
"""
INI = "ws_app = app:app\nanyio_mode = auto\npythonpath = .\nfilterwarnings = error"


@pytest.mark.parametrize("name", ["fastapi", "fast_channels"])
def test_nothing_else_is_installed(name: str) -> None:
    """The extra brings what it says, and these checks run without the rest."""
    assert find_spec(name) is None


def test_fixtures_test_an_application(tmp_path: Path) -> None:
    """Clients, logins and refusals work, in plain tests too."""
    (tmp_path / "app.py").write_text(APPLICATION)
    (tmp_path / "test_it.py").write_text(TESTS)
    (tmp_path / "pytest.ini").write_text(f"[pytest]\n{INI}")
    command = [sys.executable, "-m", "pytest", "-q"]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert "\n3 passed in " in done.stdout


def test_absent_layers_are_named() -> None:
    """Who asks for channel layers is told in one sentence what brings them."""
    with pytest.raises(ModuleNotFoundError, match=r"wstest-core\[fastapi\]"):
        from wstest_fastapi import fresh_layers  # noqa: F401


def test_names_that_are_there() -> None:
    """The package lists what works here."""
    import wstest_fastapi

    assert "AppClient" in dir(wstest_fastapi)
    assert "fresh_layers" not in dir(wstest_fastapi)
