"""What the page on Starlette's TestClient says that stands in for its arguments."""

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from fastapi import FastAPI, WebSocket
from starlette.responses import JSONResponse, RedirectResponse

from wstest_core import ApplicationCrashed, ConnectionClosed, ConnectionRejected
from wstest_fastapi import SyncAppClient, basic_headers, cookie_headers

app = FastAPI()


@app.get("/old")
async def old() -> RedirectResponse:
    return RedirectResponse("/new")


@app.get("/new")
async def new() -> str:
    return "here"


@app.get("/boom")
async def boom() -> None:
    raise LookupError("boom")


@app.websocket("/mirror")
async def mirror(socket: WebSocket) -> None:
    await socket.accept()
    scope: Any = socket.scope
    await socket.send_json(
        {
            "params": dict(socket.query_params),
            "cookies": socket.cookies,
            "authorization": socket.headers.get("authorization"),
            "client": list(scope["client"]),
            "root_path": scope["root_path"],
        }
    )
    await socket.close(4001, "enough")


@app.websocket("/refusing")
async def refusing(socket: WebSocket) -> None:
    await socket.close(4403, "no entry")


@app.websocket("/denying")
async def denying(socket: WebSocket) -> None:
    answer = JSONResponse({"why": "tea"}, 418, headers={"x-answer": "42"})
    await socket.send_denial_response(answer)


@app.websocket("/binary")
async def binary(socket: WebSocket) -> None:
    await socket.accept()
    content = await socket.receive_json(mode="binary")
    await socket.send_json(content, mode="binary")
    await socket.receive()


@app.websocket("/crashing")
async def crashing(socket: WebSocket) -> None:
    await socket.accept()
    raise LookupError("crash")


def test_arguments_of_a_connection() -> None:
    """`params=`, `cookies=` and `auth=` have a place in the path and the headers."""
    headers = cookie_headers(sid="1") + basic_headers("ann", "secret")
    path = "/mirror?" + urlencode({"q": "a b"})
    with SyncAppClient(app) as client, client.websocket(path, headers) as ws:
        seen = ws.receive_json()
    assert seen["params"] == {"q": "a b"}
    assert seen["cookies"] == {"sid": "1"}
    assert seen["authorization"].startswith("Basic ")


def test_arguments_of_the_client() -> None:
    """`params`, `client=` and `root_path=` are told to each connection."""
    with SyncAppClient(app, cookies={"sid": "1"}) as client:
        client.http.params = {"q": "1"}  # type: ignore[assignment]  # it takes these
        ws = client.websocket("/mirror", client=("10.0.0.1", 7))
        ws.scope["root_path"] = "/r"
        with ws:
            seen = ws.receive_json()
    assert seen["params"] == {"q": "1"}
    assert seen["cookies"] == {"sid": "1"}
    assert seen["client"] == ["10.0.0.1", 7]
    assert seen["root_path"] == "/r"


def test_redirects() -> None:
    """Redirects are followed where the client is told to."""
    with SyncAppClient(app) as client:
        assert client.http.get("/old").status_code == 307
        assert client.http.get("/old", follow_redirects=True).json() == "here"
        client.http.follow_redirects = True
        assert client.http.get("/old").json() == "here"


def test_code_and_reason_of_a_close() -> None:
    """They are the communicator's, and the failure's."""
    with SyncAppClient(app) as client:
        with client.websocket("/mirror") as ws:
            ws.receive_json()
            ws.expect_closed(4001, "enough")
            assert (ws.close_code, ws.close_reason) == (4001, "enough")
        with client.websocket("/mirror") as ws:
            ws.receive_json()
            with pytest.raises(ConnectionClosed) as closed:
                ws.receive_text()
            assert (closed.value.code, closed.value.reason) == (4001, "enough")


def test_code_and_reason_of_a_refusal() -> None:
    """A refusal has its code, and tells the reason in its text."""
    with SyncAppClient(app) as client:
        refusal = pytest.raises(ConnectionRejected, match="no entry")
        with refusal as refused, client.websocket("/refusing"):
            pass
    assert refused.value.code == 4403


def test_denial_response() -> None:
    """A denial response has a status, headers as pairs and a body to be decoded."""
    with SyncAppClient(app) as client, pytest.raises(ConnectionRejected) as refused:
        client.websocket("/denying").__enter__()
    assert refused.value.status == 418
    assert dict(refused.value.headers)[b"x-answer"] == b"42"
    assert json.loads(refused.value.body) == {"why": "tea"}


def test_binary_json() -> None:
    """JSON is sent in a binary frame as bytes, and received as any other."""
    with SyncAppClient(app) as client, client.websocket("/binary") as ws:
        ws.send_bytes(json.dumps({"a": 1}).encode())
        assert ws.receive_json() == {"a": 1}


def test_errors_of_endpoints() -> None:
    """A request raises what the endpoint does; a socket's is in ApplicationCrashed."""
    with SyncAppClient(app) as client:
        with pytest.raises(LookupError, match="boom"):
            client.http.get("/boom")
        failure = pytest.raises(ApplicationCrashed)
        with failure as crash, client.websocket("/crashing") as ws:
            ws.receive_text()
        assert isinstance(crash.value.error, LookupError)
    with SyncAppClient(app, raise_app_exceptions=False) as client:
        assert client.http.get("/boom").status_code == 500
