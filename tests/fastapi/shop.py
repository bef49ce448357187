"""A small FastAPI application with all that a client can share."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import (
    BackgroundTasks,
    Depends,
    FastAPI,
    HTTPException,
    Response,
    WebSocket,
    WebSocketDisconnect,
    WebSocketException,
    status,
)

log: list[str] = []
listeners: set[WebSocket] = set()


@asynccontextmanager
async def live(_app: FastAPI) -> AsyncIterator[dict[str, Any]]:
    log.append("up")
    yield {"greeting": "welcome"}
    log.append("down")


app = FastAPI(lifespan=live)


def current_user() -> str:
    return "nobody"


User = Annotated[str, Depends(current_user)]


@app.post("/login/{user}")
async def login(user: str, response: Response) -> dict[str, str]:
    response.set_cookie("session", user, httponly=True)
    return {"user": user}


@app.post("/announce/{text}")
async def announce(text: str, later: BackgroundTasks) -> None:
    later.add_task(tell_all, text)


async def tell_all(text: str) -> None:
    for listener in listeners:
        await listener.send_json({"text": text})


@app.get("/whoami")
async def whoami(user: User) -> str:
    return user


@app.get("/crash")
async def crash() -> None:
    raise LookupError("in the endpoint")


@app.websocket("/listen")
async def listen(socket: WebSocket) -> None:
    await socket.accept()
    listeners.add(socket)
    try:
        async for _ in socket.iter_json():
            pass
    finally:
        listeners.discard(socket)


@app.websocket("/echo")
async def echo(socket: WebSocket, user: User) -> None:
    """Say all that a test wants to know of the handshake, then echo."""
    await socket.accept(
        subprotocol=next(iter(socket.scope["subprotocols"]), None),
        headers=[(b"set-cookie", b"seen=yes; Path=/"), (b"set-cookie", b"n=1")],
    )
    await socket.send_json(
        {
            "url": str(socket.url),
            "cookies": socket.cookies,
            "headers": dict(socket.headers),
            "greeting": getattr(socket.state, "greeting", None),
            "user": user,
        }
    )
    try:
        while True:
            await socket.send_json(await socket.receive_json())
    except WebSocketDisconnect as goodbye:
        log.append(f"left with {goodbye.code}")


@app.websocket("/later")
async def later(socket: WebSocket) -> None:
    await socket.accept()

    async def remind() -> None:
        await asyncio.sleep(0.001)
        await socket.send_text("later")

    job = asyncio.create_task(remind())
    await socket.receive_text()
    await job


@app.websocket("/crash")
async def crash_socket(socket: WebSocket) -> None:
    await socket.accept()
    await socket.receive_text()
    raise LookupError("in the endpoint")


def no_entry() -> None:
    raise WebSocketException(status.WS_1008_POLICY_VIOLATION, "not you")


@app.websocket("/refused/by-dependency")
async def refused_by_dependency(
    socket: WebSocket, _: Annotated[None, Depends(no_entry)]
) -> None:
    raise NotImplementedError


@app.websocket("/refused/by-exception")
async def refused_by_exception(socket: WebSocket) -> None:
    raise WebSocketException(4001, "go away")


@app.websocket("/refused/by-http-exception")
async def refused_by_http_exception(socket: WebSocket) -> None:
    raise HTTPException(401, "who are you?", {"WWW-Authenticate": "Bearer"})


@app.websocket("/refused/by-denial")
async def refused_by_denial(socket: WebSocket) -> None:
    response = Response("closed for today", 503, {"Retry-After": "60"})
    response.set_cookie("denied", "yes")
    await socket.send_denial_response(response)


@app.websocket("/refused/by-close")
async def refused_by_close(socket: WebSocket) -> None:
    await socket.close(4403, "closed")


@app.websocket("/refused/{number}")
async def refused_by_validation(socket: WebSocket, number: int) -> None:
    raise NotImplementedError


@app.websocket("/closed-later")
async def closed_later(socket: WebSocket) -> None:
    await socket.accept()
    raise WebSocketException(1008, "too slow")
