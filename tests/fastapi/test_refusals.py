"""Refusals, as the browser sees them and as the application meant them."""

import pytest

from tests.fastapi.shop import app
from wstest_core import ConnectionRejected
from wstest_fastapi import WebsocketCommunicator

pytestmark = pytest.mark.anyio


async def refusal(path: str) -> ConnectionRejected:
    with pytest.raises(ConnectionRejected) as caught:
        async with WebsocketCommunicator(app, path):
            pytest.fail("the connection was accepted")
    assert caught.value.browser_code == 1006
    return caught.value


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("by-dependency", 1008),
        ("by-exception", 4001),
        ("by-close", 4403),
        ("text", 1008),  # FastAPI's own validation of a path parameter
    ],
)
async def test_close_before_accept_is_http_403(path: str, code: int) -> None:
    """The code is for the test; the browser is told 403 and nothing else."""
    found = await refusal(f"/refused/{path}")
    assert (found.code, found.status, found.body) == (code, 403, b"")


async def test_http_exception_is_a_denial_response() -> None:
    """Its status, headers and detail are what the client gets."""
    found = await refusal("/refused/by-http-exception")
    assert (found.code, found.status) == (None, 401)
    assert found.body == b'{"detail":"who are you?"}'
    assert (b"www-authenticate", b"Bearer") in found.headers


async def test_denial_response() -> None:
    """A response of the application's own goes out as it is."""
    found = await refusal("/refused/by-denial")
    assert (found.status, found.body) == (503, b"closed for today")
    assert dict(found.headers)[b"retry-after"] == b"60"


async def test_no_such_route() -> None:
    """A path that nobody serves is refused too."""
    assert (await refusal("/nowhere")).status == 403


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("by-dependency", (False, 1008)),
        ("by-close", (False, 4403)),
        ("by-denial", (False, 1006)),
    ],
)
async def test_connect_returns_the_refusal(path: str, answer: object) -> None:
    """connect() says it without raising: the close code, where there is one."""
    assert await WebsocketCommunicator(app, f"/refused/{path}").connect() == answer


async def test_an_exception_after_accept_is_a_close() -> None:
    """Then code and reason do reach the browser."""
    async with WebsocketCommunicator(app, "/closed-later") as ws:
        await ws.expect_closed(1008, "too slow")
