"""One database for everything that runs in a test."""

from collections.abc import Generator
from contextlib import ExitStack, contextmanager

from wstest_django._commit_hooks import running_commit_hooks
from wstest_django._connections import shared, sharing, strangers_closed

__all__ = ["one_database"]


@contextmanager
def one_database() -> Generator[None]:
    """Let all threads of a test see one database, as it is in production.

    For a test within a transaction (`django.test.TestCase`, pytest-django's
    `db`), and for databases in memory: every thread uses the connections of
    the calling one, nobody closes them, and `transaction.on_commit` hooks run
    when the application's outermost atomic block ends. Elsewhere each thread
    has its own connections, which are closed at the end of the block.

    Enter it when the test's transaction has begun. The test cases and fixtures
    of this package do.

    Raises:
        RuntimeError: in an event loop; at the end, if a thread has left an
            atomic block open.
    """
    with ExitStack() as stack:
        stack.enter_context(strangers_closed())
        common = shared()
        if common:
            turns = stack.enter_context(sharing(common))
            stack.enter_context(running_commit_hooks(common.values(), turns))
            for turn in turns.values():
                stack.callback(turn.await_end)
        yield
