"""The wheel where no framework is installed."""

import re
import subprocess
import sys

import pytest

CONNECTION = """
import asyncio
from wstest_core import WebsocketCommunicator

asyncio.run(WebsocketCommunicator("ws://localhost", "/").connect())
"""


def run(code: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_core_needs_no_extra() -> None:
    """A session with a plain ASGI application runs on the core's own needs."""
    done = run(SESSION)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("statement", "extra"),
    [
        # What is missing is found out on import, on the first use of a name (the
        # package of a pytest plugin is imported everywhere), or on connecting.
        ("from wstest_django import WebsocketTestCase", "django"),
        ("from wstest_fastapi import WebsocketCommunicator", "fastapi"),
        (CONNECTION, "live"),
    ],
)
def test_absent_framework_names_its_extra(statement: str, extra: str) -> None:
    """What is not installed is said in one sentence that names the extra."""
    done = run(statement)
    last = done.stderr.strip().splitlines()[-1]
    assert re.match(r"(ModuleNotFound|Import)Error: .*wstest-core", last), last
    assert f"wstest-core[{extra}]" in last


SESSION = """
import asyncio
from wstest_core import WebsocketCommunicator

async def echo(scope, receive, send):
    await receive()
    await send({"type": "websocket.accept"})
    while (event := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": event["text"]})

async def main():
    async with WebsocketCommunicator(echo, "/") as ws:
        await ws.send_text("hello")
        assert await ws.receive_text() == "hello"
        assert await ws.receive_nothing()

asyncio.run(main())
"""
