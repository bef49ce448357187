"""Runs a driver through all the rules."""

from wstest_core.conformance import _ending, _frames, _looking, _opening, _waiting
from wstest_core.conformance._bench import Bench, Make
from wstest_core.conformance._rules import Rule

__all__ = ["check_driver"]

_RULES = (
    *_opening.RULES,
    *_frames.RULES,
    *_waiting.RULES,
    *_ending.RULES,
    *_looking.RULES,
)
_GUARD = 10  # times the timeout: no rule of a working driver takes so long


async def check_driver(make: Make, *, timeout: float = 5.0) -> None:
    """Check that a driver keeps all that `Driver` promises.

    `make(application)` returns a fresh driver that will reach the given ASGI
    application, or an asynchronous context manager that yields one. It is
    called for each connection, and no driver is opened before it is returned.
    A driver that runs applications itself is its own `make`; for one that
    speaks to a server, start a real one around the application:

        @asynccontextmanager
        async def behind_a_server(application):
            async with my_server(application) as url:
                yield MyDriver(url)

        await check_driver(behind_a_server)

    `timeout`, in seconds, is how long the driver may take for what it must
    do. Run it on each kind of event loop that the driver is made for.

    Raises:
        AssertionError: naming the first rule that is broken.

    >>> import asyncio
    >>> from wstest_core import AsgiDriver
    >>> asyncio.run(check_driver(AsgiDriver))
    """
    bench = Bench(make, timeout)
    for rule in _RULES:
        await _run(rule, bench)


async def _run(rule: Rule, bench: Bench) -> None:
    import anyio

    limit = _GUARD * bench.timeout
    broken = f"This driver breaks a rule: {rule.sentence}\n"
    try:
        with anyio.move_on_after(limit) as guard:
            await rule.check(bench)
    except AssertionError as failure:
        raise AssertionError(f"{broken}{failure}") from failure
    except Exception as error:
        raise AssertionError(f"{broken}it raised {error!r}") from error
    if guard.cancelled_caught:
        raise AssertionError(f"{broken}it hangs: nothing happened in {limit:g} s")


check_driver.__module__ = "wstest_core.conformance"
