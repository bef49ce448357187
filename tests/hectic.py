"""Threads that are switched as often as the interpreter can."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def hectic(interval: float = 1e-6) -> Iterator[None]:
    """Let threads take turns after so many seconds within a block."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(interval)
    try:
        yield
    finally:
        sys.setswitchinterval(before)
