"""How a connection opens, or does not."""

import json

from wstest_core.conformance._applications import (
    denies,
    describes_its_scope,
    greets,
    hesitates,
    refuses,
)
from wstest_core.conformance._bench import Bench, fail, same, shown
from wstest_core.conformance._rules import (
    SOON,
    Rule,
    expect_reject,
    expect_silence,
    rule,
)
from wstest_core.events import Accept, Crash, Reject, Return

__all__ = ["RULES"]


@rule("`open` tells the application's path, query, headers and subprotocols.")
async def passes_the_scope_on(bench: Bench) -> None:
    headers = [("X-One", "1"), ("Cookie", "a=b; c=d"), ("x-one", "2")]
    path = "/caf%C3%A9/room?token=a%20b&token=2"
    application, offered = describes_its_scope, ["v1", "v2"]
    async with bench.connect(application, path, headers, offered) as line:
        frame = await line.take()
        if not isinstance(frame, str):
            fail(f"wanted the application's description, found {shown(frame)}")
        scope = json.loads(frame)
    same("type", scope["type"], "websocket")
    same("path", scope["path"], "/caf\N{LATIN SMALL LETTER E WITH ACUTE}/room")
    same("query_string", scope["query"], "token=a%20b&token=2")
    same("subprotocols", scope["subprotocols"], offered)
    found = [header for header in scope["headers"] if header[0] in ("x-one", "cookie")]
    wanted = [[name.lower(), value] for name, value in headers]
    same("headers", sorted(found), sorted(wanted))


@rule("`open` returns the `Accept` with its subprotocol and headers.")
async def returns_accept(bench: Bench) -> None:
    offered = ["v1", "v2"]
    async with bench.connect(describes_its_scope, subprotocols=offered) as line:
        opened = line.opened
        if not isinstance(opened, Accept):
            fail(f"wanted Accept, found {shown(opened)}")
        same("subprotocol", opened.subprotocol, "v2")
        if (b"x-answer", b"yes") not in opened.headers:
            fail(f"the header x-answer is not among {shown(opened.headers)}")


@rule("What the application sends right after accepting can be received.")
async def delivers_greetings(bench: Bench) -> None:
    async with bench.accepted(greets("hello", b"there")) as line:
        await line.expect("hello", b"there")


@rule("A refused connection is a `Reject`, with the HTTP response of a server.")
async def rejects(bench: Bench) -> None:
    close = {"type": "websocket.close", "code": 4001}
    async with bench.connect(refuses(close)) as line:
        reject = expect_reject(line)
        same("status", reject.status, 403)
        if reject.code not in (None, 4001):
            fail(f"code: wanted 4001, or None if it is not seen, found {reject.code}")
        same("`receive` after it", await line.end(), reject)


@rule("A denial response is a `Reject` with its status, headers and body.")
async def rejects_with_a_denial(bench: Bench) -> None:
    async with bench.connect(denies) as line:
        reject = expect_reject(line)
        if reject.status == 403:
            return  # this server has no denial responses
        same("status", reject.status, 401)
        same("body", reject.body, b"who are you?")
        if (b"x-why", b"no token") not in reject.headers:
            fail(f"the header x-why is not among {shown(reject.headers)}")


@rule("An application that ends without an answer has not accepted.")
async def knows_unanswered_connections(bench: Bench) -> None:
    for application in (refuses(), refuses(error=ValueError("before accept"))):
        async with bench.connect(application) as line:
            if not isinstance(line.opened, Reject | Crash | Return):
                fail(f"wanted Reject, Crash or Return, found {shown(line.opened)}")
            same("`receive` after it", await line.end(), line.opened)


@rule("`open` returns `Silence` when there is no answer in time.")
async def gives_up_waiting_for_an_answer(bench: Bench) -> None:
    async with bench.connect(hesitates, patience=SOON) as line:
        expect_silence(line.opened)


RULES: tuple[Rule, ...] = (
    delivers_greetings,
    passes_the_scope_on,
    returns_accept,
    rejects,
    rejects_with_a_denial,
    knows_unanswered_connections,
    gives_up_waiting_for_an_answer,
)
