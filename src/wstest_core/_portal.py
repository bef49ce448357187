"""A test's thread and the loop that runs its application.

The loop's proofs need to know what the test's thread does. It counts as
waiting from when the loop has taken over what it asked for until just before
it gets the answer, and not a moment longer: after that it may cause anything.
"""

from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import CancelledError, Future
from contextlib import ExitStack
from threading import Lock
from typing import Final, TypeAlias, TypeVar

from anyio.from_thread import BlockingPortal, BlockingPortalProvider
from anyio.lowlevel import checkpoint

from wstest_core import quiescence, settings
from wstest_core.errors import WebSocketTestError, hidden

__all__ = ["Work", "finish", "provider", "require_plain_test", "step"]

__tracebackhide__ = hidden

T = TypeVar("T")
Work: TypeAlias = Coroutine[object, object, T]

# One loop of each kind, for all that is open at once.
_PORTALS: Final = {name: BlockingPortalProvider(name) for name in ("asyncio", "trio")}


def provider(backend: str) -> BlockingPortalProvider:
    """Return what lends the loop of a kind, as long as somebody has it.

    Raises:
        ValueError: for a kind that there is not.
    """
    if backend not in _PORTALS:
        raise ValueError(f"backend={backend!r}: there are 'asyncio' and 'trio'")
    return _PORTALS[backend]


def require_plain_test(work: Work[object]) -> None:
    try:
        quiescence.watch()
    except RuntimeError:
        return
    work.close()
    raise RuntimeError(
        "an event loop is running here, and SyncWebsocketCommunicator would stop it: "
        "use WebsocketCommunicator with await"
    )


def step(work: Work[T]) -> T:
    """Run what needs no loop, as nothing does that has no connection."""
    token = settings.stepping.set(False)
    try:
        work.send(None)
    except StopIteration as stop:
        result: T = stop.value
        return result
    finally:
        settings.stepping.reset(token)
    work.close()
    raise RuntimeError("not connected: use `with`, or call connect() first")


def finish(portal: BlockingPortal, work: Work[T]) -> T:
    """Run work in the portal's loop, while this thread waits for it."""
    stepping = settings.debugger_attached()
    waiting, handover = ExitStack(), Lock()

    async def run() -> T:
        try:
            await checkpoint()  # an eager task would wait for itself below
            with handover:  # nothing happens before the caller counts as waiting
                settings.stepping.set(stepping)
            return await work
        finally:
            work.close()
            with handover:
                waiting.close()

    with handover:
        future = _start(portal, run, work)
        waiting.enter_context(quiescence.parked())
    try:
        return future.result()
    except WebSocketTestError as error:
        # The same error, without the lines of threads and futures between.
        raise error.with_traceback(None)  # noqa: B904
    finally:
        future.cancel()  # does something only if this thread was interrupted
        with handover:
            waiting.close()


def _start(
    portal: BlockingPortal, run: Callable[[], Awaitable[T]], work: Work[T]
) -> Future[T]:
    try:
        return portal.start_task_soon(run)
    except BaseException as error:
        work.close()
        if isinstance(error, RuntimeError):  # it has stopped running
            raise CancelledError from error
        raise
