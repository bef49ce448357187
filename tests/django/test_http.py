"""HTTP requests to plain ASGI applications, and to Django."""

import math
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import anyio
import pytest
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.test import override_settings
from django.urls import path
from project.asgi import application
from project.models import Note

from wstest_core import ApplicationCrashed, IllegalAsgiEvent, NoMessage, settings
from wstest_django import WebsocketTestCase
from wstest_django.http import HttpCommunicator

App = Callable[[Any, Any, Any], Awaitable[None]]
START: dict[str, Any] = {"type": "http.response.start", "status": 200}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def sends(*events: dict[str, Any], then: Exception | None = None) -> App:
    """Reads the request, sends these events, and returns or raises."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        for event in events:
            await send(event)
        if then is not None:
            raise then

    return app


def part(body: bytes, *, more: bool = False) -> dict[str, Any]:
    return {"type": "http.response.body", "body": body, "more_body": more}


def get(app: App) -> HttpCommunicator:
    return HttpCommunicator(app, "GET", "/")


def scope_of(*arguments: Any) -> dict[str, Any]:
    return dict(HttpCommunicator(sends(), *arguments).scope)


def without_times(text: str) -> str:
    return re.sub(r"\d+\.\d{3}s", "0.000s", text)


# --- the request


def test_the_scope_is_a_server_s() -> None:
    """It has all that the specification asks for, decoded and raw."""
    assert scope_of("get", "/caf%C3%A9/a b?q=%20x&é=1#here") == {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/café/a b",
        "raw_path": b"/caf%C3%A9/a%20b",
        "query_string": b"q=%20x&%C3%A9=1",
        "root_path": "",
        "headers": [(b"host", b"testserver")],
        "client": ("127.0.0.1", 50000),
        "server": ("testserver", 80),
        "state": {},
        "extensions": {},
    }


def test_a_url_says_scheme_and_host() -> None:
    """A port that is not the scheme's stands in the Host header."""
    scope = scope_of("GET", "https://example.org:8443/x")
    assert (scope["scheme"], scope["server"]) == ("https", ("example.org", 8443))
    assert scope["headers"] == [(b"host", b"example.org:8443")]
    assert scope_of("GET", "http://example.org")["path"] == "/"


def test_headers_are_a_client_s() -> None:
    """Names in lower case, Host and Content-Length added where they lack."""
    length = (b"content-length", b"3")
    host = (b"host", b"testserver")
    given = [("Content-Type", "text/plain")]
    sent = [(b"content-type", b"text/plain")]
    assert scope_of("POST", "/", b"abc", given)["headers"] == [host, length, *sent]
    assert (b"content-length", b"0") in scope_of("PUT", "/")["headers"]
    assert scope_of("DELETE", "/")["headers"] == [host]
    assert scope_of("DELETE", "/", b"abc")["headers"] == [host, length]
    own = {"Host": "other", "content-length": "9"}
    assert scope_of("POST", "/", b"abc", own)["headers"] == [
        (b"host", b"other"),
        (b"content-length", b"9"),
    ]
    chunked = [(b"transfer-encoding", b"chunked")]
    assert scope_of("POST", "/", b"abc", chunked)["headers"] == [host, *chunked]


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        (("GET", "x"), ValueError, "'x' is no path of a request: start it with '/'"),
        (("GET", "ws://h/x"), ValueError, "as in '/h/x', or give an http:// or"),
        (("GET", 1), TypeError, "Expected str, got <class 'int'> as the path of a req"),
        (("G T", "/"), ValueError, "'G T' is no HTTP method: give one such as 'GET'"),
        ((1, "/"), ValueError, "1 is no HTTP method"),
        (("POST", "/", "text"), TypeError, "a body is bytes, not str: encode it"),
        (("GET", "/", b"", [1]), TypeError, "1 is not a header: give pairs of bytes"),
    ],
)
def test_what_no_client_sends(
    arguments: Any, error: type[Exception], text: str
) -> None:
    """One clear error, when the communicator is made."""
    with pytest.raises(error, match=re.escape(text)):
        scope_of(*arguments)


@pytest.mark.anyio
async def test_the_request_reaches_the_application() -> None:
    """Its body is one event, and no more follows."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        request = await receive()
        await send(START)
        await send(part(repr((scope["method"], request)).encode()))

    response = await HttpCommunicator(app, "post", "/", b"abc").get_response()
    request = {"type": "http.request", "body": b"abc", "more_body": False}
    assert response["body"] == repr(("POST", request)).encode()


def test_it_needs_neither_channels_nor_daphne() -> None:
    """Nor Django: it is for any ASGI application."""
    code = "import sys, wstest_django.http; print(*sys.modules)"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert not {"channels", "daphne", "django"} & {*done.stdout.split()}


# --- the response


@pytest.mark.anyio
async def test_a_response_is_put_together() -> None:
    """Its parts are joined; headers are as they were sent, and may be missing."""
    headers = [(b"Content-Type", b"text/plain")]
    start = {**START, "headers": headers, "status": 201}
    empty = {"type": "http.response.body", "more_body": True}
    app = sends(start, part(b"a", more=True), empty, part(b"b"))
    response = await get(app).get_response()
    assert response == {"status": 201, "headers": headers, "body": b"ab"}
    last = {"type": "http.response.body"}
    response = await get(sends(START, last)).get_response()
    assert response == {"status": 200, "headers": [], "body": b""}


@pytest.mark.anyio
async def test_a_response_can_be_asked_for_again() -> None:
    """The request is sent once, and the response is kept."""
    communicator = get(sends(START, part(b"a")))
    first = await communicator.get_response()
    assert await communicator.get_response() == first
    await communicator.wait()
    assert await communicator.receive_nothing()


@pytest.mark.anyio
async def test_a_response_that_comes_late_loses_nothing() -> None:
    """A timeout leaves the application alone, and what has arrived is kept."""
    go_on = anyio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send(START)
        await send(part(b"early ", more=True))
        await go_on.wait()
        await send(part(b"late"))

    communicator = get(app)
    with pytest.raises(TimeoutError, match=r"^no complete response to GET /: no event"):
        await communicator.get_response(timeout=0.01)
    go_on.set()
    assert (await communicator.get_response())["body"] == b"early late"


@pytest.mark.anyio
@pytest.mark.parametrize("delay", [0, 0.001])
async def test_the_timeout_is_for_the_whole_response(delay: float) -> None:
    """One that goes on for ever, fast or slowly, is not waited for for ever."""

    async def drips(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        while True:
            await anyio.sleep(delay)
            await send(part(b".", more=True))

    # Which it is depends on where the time runs out: at an event, or between two.
    text = (
        r"^no complete response to GET /: "
        r"(it takes longer|.* nothing (can arrive|arrived within))"
    )
    async with get(drips) as communicator:
        with pytest.raises(NoMessage, match=text):
            await communicator.get_response(timeout=0.05)
        communicator.stop()


@pytest.mark.anyio
@pytest.mark.parametrize("stepping", [False, True])
async def test_there_may_be_no_timeout(*, stepping: bool) -> None:
    """None is given, or a person steps through the test with a debugger."""
    app = sends(START, part(b"a", more=True), part(b"b"))
    token = settings.stepping.set(stepping)
    try:
        response = await get(app).get_response(timeout=0 if stepping else math.inf)
    finally:
        settings.stepping.reset(token)
    assert response["body"] == b"ab"


@pytest.mark.anyio
async def test_an_incomplete_response_is_one_clear_error() -> None:
    """It says how the application ended, and what it had sent."""
    with pytest.raises(NoMessage) as caught:
        await get(sends(START, part(b"a", more=True))).get_response(timeout=3600)
    assert without_times(str(caught.value)) == (
        "no complete response to GET /: "
        "no event from the application (scope type 'http'): it has returned\n"
        "\n"
        "4 entries\n"
        "   0.000s -> http.request body=b'' more_body=False\n"
        "   0.000s <- http.response.start status=200\n"
        "   0.000s <- http.response.body body=b'a' more_body=True\n"
        "   0.000s <- (the application returned)\n"
        "\n"
        "The application has returned."
    )


@pytest.mark.anyio
async def test_a_crash_within_a_response() -> None:
    """It is raised as a crash, chained, after all parts."""
    error = LookupError("no row")
    with pytest.raises(ApplicationCrashed, match="no row") as caught:
        await get(sends(START, part(b"a", more=True), then=error)).get_response()
    assert caught.value.__cause__ is error


@pytest.mark.anyio
async def test_a_crash_after_a_response_is_not_lost() -> None:
    """A response that is complete is a response; leaving tells of the crash."""
    with pytest.raises(ApplicationCrashed, match="in the background"):
        async with get(
            sends(START, part(b"a"), then=LookupError("in the background"))
        ) as communicator:
            assert (await communicator.get_response())["status"] == 200


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("events", "rule"),
    [
        ([part(b"a")], "illegal 'http.response.body': 'http.response.start' must come"),
        ([START, START], "illegal 'http.response.start': 'http.response.body' must "),
        ([{**START, "status": "ok"}], "'status' is an HTTP status code, not 'ok'"),
        ([{**START, "headers": [("a", "b")]}], "a header is a pair of bytes, not ("),
        ([START, {**part(b""), "body": "a"}], "'body' is bytes, not 'a'"),
    ],
)
async def test_what_asgi_does_not_allow(
    events: list[dict[str, Any]], rule: str
) -> None:
    """The rule is told, with what was sent."""
    with pytest.raises(IllegalAsgiEvent, match=re.escape(rule)):
        await get(sends(*events)).get_response()


# --- Django


def upload(request: HttpRequest) -> HttpResponse:
    files = {name: file.read().decode() for name, file in request.FILES.items()}
    return JsonResponse({**request.POST.dict(), **files})


def write(request: HttpRequest) -> HttpResponse:
    Note.objects.create(text=request.body.decode())
    return HttpResponse(status=201)


async def stream(request: HttpRequest) -> StreamingHttpResponse:
    async def parts() -> AsyncIterator[str]:
        yield "one "
        await anyio.lowlevel.checkpoint()
        yield "two"

    return StreamingHttpResponse(parts())


def fail(request: HttpRequest) -> HttpResponse:
    raise LookupError("in the view")


def where(request: HttpRequest) -> HttpResponse:
    return HttpResponse(request.build_absolute_uri())


urlpatterns = [
    path("where/", where),
    path("upload/", upload),
    path("write/", write),
    path("stream/", stream),
    path("fail/", fail),
]
MULTIPART = (
    b'--x\r\nContent-Disposition: form-data; name="who"\r\n\r\nann\r\n'
    b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n'
    b"content\r\n--x--\r\n"
)


@override_settings(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["testserver"])
class DjangoTests(WebsocketTestCase):
    async def ask(self, *arguments: Any, **options: Any) -> Any:
        async with HttpCommunicator(application, *arguments, **options) as http:
            response = await http.get_response()
            await http.wait()
        return response

    async def test_a_form_with_a_file(self) -> None:
        """Django reads it, because the request has a length."""
        headers = {"Content-Type": "multipart/form-data; boundary=x"}
        response = await self.ask("POST", "/upload/", MULTIPART, headers=headers)
        assert response["body"] == b'{"who": "ann", "file": "content"}'

    async def test_rows_are_the_test_s(self) -> None:
        """A sync view writes into the test's transaction."""
        response = await self.ask("POST", "/write/", b"hello")
        assert response["status"] == 201
        assert await Note.objects.acount() == 1

    async def test_rows_are_gone(self) -> None:
        """And what it wrote in another test is not there."""
        assert await Note.objects.acount() == 0

    async def test_a_streamed_response(self) -> None:
        """Its parts are joined."""
        response = await self.ask("GET", "/stream/")
        assert response["body"] == b"one two"

    async def test_refusals_are_responses(self) -> None:
        """Django answers for what it does not find, and for its own crashes."""
        assert (await self.ask("GET", "/nowhere/"))["status"] == 404
        with self.assertLogs("django.request", "ERROR"):
            assert (await self.ask("GET", "/fail/"))["status"] == 500

    async def test_django_sees_where_it_is(self) -> None:
        """Scheme, host, path and query are the request's; ALLOWED_HOSTS counts."""
        response = await self.ask("GET", "https://testserver/where/?q=%C3%A9")
        assert response["body"] == b"https://testserver/where/?q=%C3%A9"
        with self.assertLogs("django", "ERROR"):
            refused = await self.ask("GET", "http://elsewhere.example/where/")
        assert refused["status"] == 400
