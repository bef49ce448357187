"""The wheel with every extra installed."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize("package", ["wstest_core", "wstest_django", "wstest_fastapi"])
def test_package_imports_alone(package: str) -> None:
    """Each package imports first and alone, without a warning."""
    command = [sys.executable, "-W", "error", "-c", f"import {package}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


DJANGO = """
from django.conf import settings

settings.configure(
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
)
import django

django.setup()
import unittest

from channels.generic.websocket import JsonWebsocketConsumer
from wstest_django import WebsocketTestCase


class Echo(JsonWebsocketConsumer):
    def receive_json(self, content):
        self.send_json(content)


class EchoTests(WebsocketTestCase):
    router, ws_path = Echo, "/"

    async def test_echo(self):
        async with self.create_communicator() as ws:
            await ws.send_json({"say": "hello"})
            self.assertEqual(await ws.receive_json(), {"say": "hello"})


unittest.main(argv=["tests"])
"""

FASTAPI = """
import asyncio
from fastapi import FastAPI, WebSocket
from wstest_fastapi import AppClient, live_websocket_server

app = FastAPI()


@app.websocket("/ws")
async def echo(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_json(await socket.receive_json())


async def main() -> None:
    async with AppClient(app) as client, client.websocket("/ws") as ws:
        await ws.send_json({"say": "hello"})
        assert await ws.receive_json() == {"say": "hello"}


asyncio.run(main())
with live_websocket_server(app) as live:
    assert live.url.startswith("http://")
"""


@pytest.mark.parametrize("program", [DJANGO, FASTAPI], ids=["django", "fastapi"])
def test_adapter_tests_an_application(program: str) -> None:
    """A test of a real application runs with what the wheel brings."""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
