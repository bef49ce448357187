"""Keeps other threads and the garbage collector out of steps that belong together.

What the collector finishes may run anything in the thread that it happens to be
in: also the end of a block that somebody has forgotten, in the midst of another's.
"""

import gc
from collections.abc import Generator
from contextlib import contextmanager
from threading import RLock
from typing import Final

__all__ = ["alone", "undisturbed"]

# Held by whoever switches the collector off and on again: so it is never left off.
alone: Final = RLock()


@contextmanager
def undisturbed() -> Generator[None]:
    """Run a block with no collection in it, and no other such block beside it."""
    with alone:
        collecting = gc.isenabled()
        try:
            gc.disable()
            yield
        finally:
            if collecting:
                gc.enable()
