"""The fixtures, in runs of their own, under each plugin that runs coroutines."""

from collections.abc import Callable
from fnmatch import fnmatch
from importlib.metadata import entry_points

import pytest

APPLICATION = """
    from contextlib import asynccontextmanager

    from fast_channels.layers import (
        InMemoryChannelLayer,
        channel_layers,
        has_layers,
        register_channel_layer,
    )
    from fastapi import Depends, FastAPI, Response, WebSocket

    log = []

    @asynccontextmanager
    async def live(app):
        log.append("up")
        yield {"greeting": "hello"}
        log.append("down")

    app = FastAPI(lifespan=live)
    register_channel_layer("chat", InMemoryChannelLayer())

    def user():
        return "nobody"

    @app.post("/login")
    async def login(response: Response):
        response.set_cookie("user", "ann")

    @app.websocket("/ws")
    async def ws(socket: WebSocket, user: str = Depends(user)):
        await socket.accept()
        name = socket.cookies.get("user", user)
        await socket.send_text(f"{socket.state.greeting} {name}")
        async for text in socket.iter_text():
            if text == "crash":
                raise LookupError("in the endpoint")
            await socket.send_text(text)
"""
CONFTEST = """
    import pytest
    import service

    @pytest.fixture
    def ws_app():
        return service.app

    @pytest.fixture
    def as_bob(ws_app):
        ws_app.dependency_overrides[service.user] = lambda: "bob"
"""
TESTS = """
    import pytest
    import service
    from fast_channels.layers import channel_layers

    {mark}

    async def test_connect(ws_connect):
        assert service.log == ["up"]
        async with ws_connect("/ws") as ann, ws_connect("/ws", name="bob") as bob:
            for ws in (ann, bob):
                assert await ws.receive_text() == "hello nobody"
                await ws.expect_nothing()
        assert service.log == ["up"]

    def test_lifespan_is_over():
        assert service.log == ["up", "down"]
        service.log.clear()

    async def test_http_and_sockets(ws_client, ws_connect):
        assert (await ws_client.http.post("/login")).status_code == 200
        async with ws_connect("/ws") as ws:
            assert await ws.receive_text() == "hello ann"
        async with ws_client.websocket("/ws") as ws:
            assert await ws.receive_text() == "hello ann"

    async def test_the_next_test_has_a_client_of_its_own(ws_connect):
        async with ws_connect("/ws") as ws:
            assert await ws.receive_text() == "hello nobody"

    async def test_overrides(as_bob, ws_connect):
        async with ws_connect("/ws") as ws:
            assert await ws.receive_text() == "hello bob"

    async def test_overrides_are_gone(ws_app, ws_connect):
        assert ws_app.dependency_overrides == {{}}
        ws_app.dependency_overrides[service.user] = lambda: "cy"

    def test_overrides_within_a_test_are_gone_too(ws_app):
        assert ws_app.dependency_overrides == {{}}

    async def test_fresh_layers(ws_layers, ws_connect):
        assert channel_layers["chat"] is ws_layers["chat"]
        test_fresh_layers.layer = ws_layers["chat"]

    async def test_fresher_layers(ws_layers, ws_connect):
        assert ws_layers["chat"] is not test_fresh_layers.layer

    @pytest.mark.parametrize("name", ["ann", "bob"])
    async def test_parameters_and_fixtures(name, ws_connect, tmp_path):
        async with ws_connect("/ws", name=name, unread="ignore") as ws:
            assert ws.transcript.name == name

    class TestMethods:
        async def test_method(self, ws_connect):
            async with ws_connect("/ws", unread="ignore"):
                pass

    def test_plain(ws_connect_sync, ws_client_sync):
        assert ws_client_sync.http.post("/login").status_code == 200
        with ws_connect_sync("/ws") as ws:
            assert ws.receive_text() == "hello ann"
"""
PASSED = 13
SCOPE = ["-o", "asyncio_default_fixture_loop_scope=function"]
STRICT = [*SCOPE, "-o", "asyncio_mode=strict"]
AUTO = [*SCOPE, "-o", "asyncio_mode=auto"]
ANYIO = ["-p", "no:asyncio"]
MODULE = "wstest_fastapi.pytest_plugin"
# Where the entry point is installed, pytest finds it by itself.
INSTALLED = MODULE in {point.value for point in entry_points(group="pytest11")}
OPTIONS = [*([] if INSTALLED else ["-p", MODULE]), "-p", "no:randomly", "-Werror"]

Run = Callable[..., pytest.RunResult]


@pytest.fixture
def run(pytester: pytest.Pytester) -> Run:
    """Run tests of the service in a process of their own."""
    pytester.makepyfile(service=APPLICATION)
    pytester.makeconftest(CONFTEST)
    pytester.makeini("[pytest]\npythonpath = .")

    def run(tests: str, *options: str) -> pytest.RunResult:
        pytester.makepyfile(test_service=tests)
        return pytester.runpytest_subprocess(*OPTIONS, *(options or ANYIO))

    return run


@pytest.mark.parametrize(
    ("mark", "options"),
    [
        ("", AUTO),
        ("", [*AUTO, "-o", "asyncio_default_test_loop_scope=module"]),
        ("pytestmark = pytest.mark.anyio", ANYIO),
    ],
    ids=["auto", "auto-module", "anyio"],
)
def test_fixtures_work(run: Run, mark: str, options: list[str]) -> None:
    """All of it, under pytest-asyncio and anyio's plugin (asyncio and trio)."""
    if mark:
        backend = (
            '\n    @pytest.fixture\n    def anyio_backend():\n        return "{}"\n'
        )
        for name in ("asyncio", "trio"):
            tests = TESTS.format(mark=mark + backend.format(name))
            run(tests, *options).assert_outcomes(passed=PASSED)
    else:
        run(TESTS.format(mark=""), *options).assert_outcomes(passed=PASSED)


def test_fixtures_work_in_strict_mode(run: Run) -> None:
    """The same where each test is marked."""
    marked = TESTS.format(mark="").replace(
        "    async def test", "    @pytest.mark.asyncio\n    async def test"
    )
    marked = marked.replace(
        "    @pytest.mark.asyncio\n    async def test_method",
        "    @pytest.mark.asyncio\n        async def test_method",
    )
    run(marked, *STRICT).assert_outcomes(passed=PASSED)


def test_a_client_left_open_is_reported(run: Run) -> None:
    """It is closed, and the test that left it is the one that fails."""
    result = run(
        """
        import pytest
        import service
        pytestmark = pytest.mark.anyio

        @pytest.fixture
        def anyio_backend():
            return "asyncio"

        async def test_leaves(ws_connect):
            await ws_connect("/ws", name="ann", unread="ignore").connect()

        async def test_fails(ws_connect):
            await ws_connect("/ws").connect()
            raise ZeroDivisionError

        async def test_crash(ws_connect):
            ws = ws_connect("/ws", unread="ignore")
            await ws.connect()
            await ws.send_text("crash")
            await ws.settle()

        def test_all_was_shut_down():
            assert service.log == ["up", "down"] * 3

        def test_plain(ws_connect_sync):
            ws_connect_sync("/ws", name="bob", unread="ignore").connect()
        """
    )
    # A plain test's client is closed by its fixture.
    result.assert_outcomes(passed=2, failed=3, errors=1)
    result.stdout.fnmatch_lines_random(
        [
            "*UnfinishedClientWarning: ann was still connected when the test ended*",
            "E*ZeroDivisionError",
            "*ApplicationCrashed: no clean end for client*LookupError('in the endp*",
            "*UnfinishedClientWarning: bob was still connected when the test ended*",
        ]
    )


def test_startup_that_fails(run: Run, pytester: pytest.Pytester) -> None:
    """The test fails, with the startup's own traceback."""
    pytester.makepyfile(
        service=APPLICATION.replace('log.append("up")', "raise LookupError('no db')")
    )
    tests = "async def test(ws_connect):\n    raise NotImplementedError"
    result = run(tests, *AUTO)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines_random(
        [
            "*service.py:*: LookupError",
            "*ApplicationCrashed: the application did not start: it raised Lookup*",
        ]
    )


def test_the_application_may_be_named(run: Run, pytester: pytest.Pytester) -> None:
    """By an ini option, or by a fixture that returns an import string."""
    pytester.makeconftest("")
    tests = """
        async def test(ws_connect):
            async with ws_connect("/ws") as ws:
                assert await ws.receive_text() == "hello nobody"
    """
    result = run(tests, *AUTO, "-o", "ws_app=service:app")
    result.assert_outcomes(passed=1)
    result = run(tests, *AUTO)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["which application? Define a fixture `ws_app` *"])


def test_the_wrong_fixture_is_one_clear_error(run: Run) -> None:
    """A plain test has no use for an async client."""
    result = run("def test_plain(ws_connect):\n    raise NotImplementedError")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["test_plain is no coroutine function: use ws_client_sync or *"]
    )


def test_sockets_may_be_made_in_fixtures(run: Run) -> None:
    """They are connected in the test, when the application has started."""
    tests = """
        import pytest

        @pytest.fixture
        def ann(ws_connect):
            return ws_connect("/ws", name="ann")

        async def test(ann):
            async with ann:
                assert await ann.receive_text() == "hello nobody"
    """
    run(tests, *AUTO).assert_outcomes(passed=1)


FIXTURES = """
    import pytest
    import pytest_asyncio
    import service

    {mark}

    @{fixture}
    async def ann(ws_connect):
        async with ws_connect("/ws", name="ann") as ws:
            yield ws

    @{fixture}
    async def logged_in(ws_client):
        assert (await ws_client.http.post("/login")).status_code == 200

    @{fixture}
    async def greeted(ann):
        return await ann.receive_text()

    async def test_connected(ann, ws_connect):
        assert await ann.receive_text() == "hello nobody"
        async with ws_connect("/ws", name="bob") as bob:
            assert await bob.receive_text() == "hello nobody"
        await ann.send_text("there?")
        assert await ann.receive_text() == "there?"
        assert service.log == ["up"]

    def test_is_over():
        assert service.log == ["up", "down"]

    async def test_logged_in(logged_in, ws_connect):
        async with ws_connect("/ws") as ws:
            assert await ws.receive_text() == "hello ann"

    async def test_logged_in_and_connected(logged_in, greeted, ann):
        assert greeted == "hello ann"
        await ann.expect_nothing()

    @pytest.mark.xfail(raises=ZeroDivisionError)
    async def test_fails(as_bob, greeted):
        assert greeted == "hello bob"
        1 / 0

    @{fixture}
    async def raises(greeted):
        raise ZeroDivisionError

    @pytest.mark.xfail(raises=ZeroDivisionError)
    async def test_setup_fails(raises):
        raise NotImplementedError

    @{fixture}
    async def met(ws_connect):
        async with ws_connect("/ws") as ws:
            return await ws.receive_text()

    async def test_a_fixture_connects_and_leaves(met, ws_connect):
        assert met == "hello nobody"
        async with ws_connect("/ws") as ws:
            assert await ws.receive_text() == "hello nobody"

    def test_all_are_over():
        assert service.log == ["up", "down"] * 6
        assert service.app.dependency_overrides == {{}}
"""
PLAIN = "pytest.fixture"
OF_ASYNCIO = "pytest_asyncio.fixture"
ON_ANYIO = """
    pytestmark = pytest.mark.anyio

    @pytest.fixture
    def anyio_backend():
        return "{}"
"""


@pytest.mark.parametrize(
    ("mark", "fixture", "options"),
    [
        ("", PLAIN, AUTO),
        ("", OF_ASYNCIO, AUTO),
        ("", OF_ASYNCIO, STRICT),
        (ON_ANYIO.format("asyncio"), PLAIN, ANYIO),
        (ON_ANYIO.format("trio"), PLAIN, ANYIO),
    ],
    ids=["auto", "auto-own", "strict", "anyio-asyncio", "anyio-trio"],
)
def test_fixtures_may_connect(
    run: Run, mark: str, fixture: str, options: list[str]
) -> None:
    """The lifespan is then around the fixtures, too."""
    tests = FIXTURES.format(mark=mark, fixture=fixture)
    if options == STRICT:
        tests = tests.replace(
            "    async def test", "    @pytest.mark.asyncio\n    async def test"
        )
    run(tests, *options).assert_outcomes(passed=6, xfailed=2)


def test_a_fixture_that_leaves_its_socket_open_is_reported(run: Run) -> None:
    """No coroutine runs any more that could close it; overrides are put back."""
    result = run(
        """
        import pytest

        @pytest.fixture
        async def ann(ws_connect):
            ws = ws_connect("/ws", name="ann", unread="ignore")
            await ws.connect()
            return ws

        async def test(ann):
            assert await ann.receive_text() == "hello nobody"
            ann.ignore_remaining()
        """,
        *AUTO,
    )
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(
        ["*UnfinishedClientWarning: ann was still connected when the test ended*"]
    )


def test_a_fixture_in_another_loop(run: Run) -> None:
    """A client lives in one loop; the text says how they come to share it."""
    result = run(
        """
        import pytest

        @pytest.fixture
        async def ann(ws_connect):
            async with ws_connect("/ws", unread="ignore") as ws:
                yield ws

        async def test(ann):
            raise NotImplementedError

        def test_is_over():
            import service
            assert service.log == ["up", "down"]
        """,
        *AUTO,
        *("-o", "asyncio_default_test_loop_scope=module"),
    )
    result.assert_outcomes(failed=1, passed=1)
    result.stdout.fnmatch_lines(
        ["E*RuntimeError: a fixture of this test has used the client in another ev*"]
    )


def test_startup_that_fails_in_a_fixture(run: Run, pytester: pytest.Pytester) -> None:
    """The error is the startup's own, once."""
    pytester.makepyfile(
        service=APPLICATION.replace('log.append("up")', "raise LookupError('no db')")
    )
    tests = FIXTURES.format(mark="", fixture=PLAIN)
    result = run(tests, *AUTO, "-k", "test_connected")
    result.assert_outcomes(errors=1, deselected=7)
    result.stdout.fnmatch_lines(
        ["E*ApplicationCrashed: the application did not start: it raised Lookup*"]
    )


def whole_report(result: pytest.RunResult) -> list[str]:
    """What stands between the headline of the one failure and the summary."""
    lines = result.stdout.lines
    begin = next(i for i, line in enumerate(lines) if line.startswith("______"))
    end = next(i for i, line in enumerate(lines) if "short test summary" in line)
    return lines[begin + 1 : end]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("mian:app", "'mian:app': there is no module 'mian'"),
        ("service", "'service' names no application: write 'package.module:app', *"),
        ("service:ap", "'service:ap': <module 'service' from *> has no attribute 'ap'"),
    ],
)
def test_an_application_that_is_not_there(
    run: Run, pytester: pytest.Pytester, name: str, text: str
) -> None:
    """One sentence says so, and nothing else."""
    pytester.makeconftest("")
    result = run("def test(ws_connect_sync): ...", *ANYIO, "-o", f"ws_app={name}")
    result.assert_outcomes(errors=1)
    (line,) = whole_report(result)
    assert fnmatch(line, f"ws_app: {text}")


def test_an_application_whose_import_fails(run: Run, pytester: pytest.Pytester) -> None:
    """Its own traceback is shown, and no line of the plugin."""
    pytester.makeconftest("")
    pytester.makepyfile(service="int('no number')")
    result = run("def test(ws_connect_sync): ...", *ANYIO, "-o", "ws_app=service:app")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["service.py:1: ValueError"])
    result.stdout.no_fnmatch_line("*pytest_plugin.py*")


def test_no_plugin_runs_the_test(run: Run) -> None:
    """The text names what is missing, for a fixture and for a test."""
    tests = FIXTURES.format(mark="", fixture=PLAIN)
    result = run(tests, *ANYIO, "-k", "test_connected")
    result.assert_outcomes(errors=1, deselected=7)
    (line,) = whole_report(result)
    assert line.startswith("the fixture ann is `async def`, and no plugin runs it: set")
    assert "anyio_mode = auto or asyncio_mode = auto" in line
    result = run("async def test(ws_client): ...")
    result.assert_outcomes(failed=1)
    (line,) = whole_report(result)
    assert line.startswith(
        "test is `async def`, and no plugin runs it: set the ini opt"
    )


def test_a_lifespan_is_no_transcript(run: Run) -> None:
    """A plain test's report shows requests, if there were any."""
    result = run(
        """
        def test_socket(ws_connect_sync):
            with ws_connect_sync("/ws", unread="ignore"):
                raise ZeroDivisionError
        """
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*wstest: transcript of client*"])
    result.stdout.no_fnmatch_line("*transcript of http*")
    result = run(
        """
        def test_request(ws_client_sync):
            ws_client_sync.http.post("/login")
            raise ZeroDivisionError
        """
    )
    result.stdout.fnmatch_lines(["*transcript of http*", "*-> POST /login"])


@pytest.mark.parametrize(
    ("fixture", "instead"),
    [
        ("ws_client", "ws_connect makes sockets, and pytest-django's async_client"),
        ("ws_client_sync", "ws_connect_sync makes sockets, and pytest-django's client"),
    ],
)
def test_a_django_project_without_httpx2(
    run: Run, pytester: pytest.Pytester, fixture: str, instead: str
) -> None:
    """It is told of its own clients, and to install nothing."""
    pytester.makeconftest(
        """
        import pytest
        import service
        from wstest_core import lazy

        ws_app = pytest.fixture(lambda: service.app)
        lazy.find_spec = lambda name: None

        def pytest_configure(config):
            config.pluginmanager.register(object(), "wstest_django_fixtures")
        """
    )
    result = run(f"def test({fixture}): ...")
    result.assert_outcomes(errors=1)
    (line,) = whole_report(result)
    assert line.startswith(f"{fixture} is for FastAPI, and needs httpx2: in a Django p")
    assert f"{instead} sends requests" in line


def test_unused_it_loads_nothing(pytester: pytest.Pytester) -> None:
    """A run that uses no fixture of ours loads no framework for us."""
    pytester.makepyfile(
        """
        import sys

        def test_nothing_of_ours():
            heavy = {"fastapi", "starlette", "fast_channels", "httpx2", "pydantic",
                     "anyio", "asyncio"}
            assert heavy & sys.modules.keys() == set()
        """
    )
    plugin = ("-p", MODULE, "-p", "no:cacheprovider")
    result = pytester.runpytest_subprocess(*plugin, "--disable-plugin-autoload")
    result.assert_outcomes(passed=1)
