"""What the tests share: ways into the service, and what runs beside it."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from app.messages import Outgoing
from redis import Redis

from wstest_fastapi import WebsocketCommunicator

HERE = Path(__file__).parent
# A guard against hanging, in seconds: no wait that ends with a message takes so long.
GUARD = 20.0

Client: TypeAlias = WebsocketCommunicator[Outgoing]
Connect: TypeAlias = Callable[..., Client]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def connect(ws_connect: Callable[..., Any]) -> Connect:
    """A function that makes a client who reads our messages."""

    def connect(path: str, name: str | None = None) -> Client:
        client: Client
        client = ws_connect(path, messages=Outgoing, name=name, timeout=GUARD)
        return client

    return connect


@pytest.fixture
def join(connect: Connect) -> Connect:
    """A function that makes a guest of a room."""

    def join(who: str, room: str = "lobby") -> Client:
        return connect(f"/ws/rooms/{room}?who={who}", name=who)

    return join


# --- Redis


@pytest.fixture(scope="session")
def redis_server() -> Iterator[str]:
    """A Redis that stores nothing, on a free port: its URL."""
    program = shutil.which("redis-server")
    if program is None:
        absent("redis-server is not installed")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = ["--bind", "127.0.0.1", "--port", str(port), "--save", ""]
    with running(str(program), *options, stdout=subprocess.PIPE) as server:
        for line in server.stdout or ():
            if "Ready to accept connections" in line:
                break
        else:
            pytest.fail("redis-server did not start")
        yield f"redis://127.0.0.1:{port}/0"


@pytest.fixture
def redis_url(redis_server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The Redis of one test: empty, and where the service looks for it."""
    with Redis.from_url(redis_server) as redis:
        redis.flushdb()
    monkeypatch.setenv("REDIS_URL", redis_server)
    return redis_server


def absent(what: str) -> None:
    """Skip a test; fail it where nothing may be absent."""
    if os.environ.get("WSTEST_REQUIRE_ALL"):
        pytest.fail(f"{what} (WSTEST_REQUIRE_ALL is set)", pytrace=False)
    pytest.skip(what)


# --- other processes


@contextmanager
def running(*command: str, **options: Any) -> Iterator[subprocess.Popen[str]]:
    """Run a program beside the tests, and end it."""
    process = subprocess.Popen(command, text=True, cwd=HERE, **options)
    try:
        yield process
    finally:
        process.terminate()
        process.communicate()


@contextmanager
def python(*arguments: str, **variables: str) -> Iterator[subprocess.Popen[str]]:
    """Run Python in this folder, with the environment of the test and more."""
    environment = {**os.environ, **variables}
    with running(sys.executable, *arguments, env=environment) as process:
        yield process
