"""What the tests share: the application, and a way into its rooms."""

from collections.abc import Callable
from typing import Any, TypeAlias

import app as chat
import pytest
from fastapi import FastAPI

from wstest_fastapi import WebsocketCommunicator, cookie_headers

Join: TypeAlias = Callable[..., WebsocketCommunicator[Any]]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def ws_app() -> FastAPI:
    """The application that the ws_ fixtures test."""
    return chat.app


@pytest.fixture
def join(ws_connect: Callable[..., WebsocketCommunicator[Any]]) -> Join:
    """A function that makes a client who has logged in, for one room."""

    def join(who: str, room: str = "lobby") -> WebsocketCommunicator[Any]:
        return ws_connect(f"/rooms/{room}", cookie_headers(user=who), name=who)

    return join
