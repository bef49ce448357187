"""The event loops that core's tests run on, by the names shown in test ids.

A module whose tests are coroutines says `pytestmark = pytest.mark.anyio` and runs on
all of them. A narrower set is one mark more: `asyncio_only`, or `proving_only` for
loops whose quiescence can be proved.
"""

import asyncio
import sys
from typing import Any, TypeAlias

import pytest

from tests.services import require, require_package

Backend: TypeAlias = tuple[str, dict[str, Any]]

ASYNCIO = ["asyncio", "asyncio-uvloop"]
if sys.version_info >= (3, 12):
    ASYNCIO.append("asyncio-eager")
ALL = [*ASYNCIO, "trio"]
PROVING = [name for name in ALL if name != "asyncio-uvloop"]


def on(*names: str) -> pytest.MarkDecorator:
    """Run a test on those of these loops that this Python has."""
    there = [name for name in names if name in ALL]
    return pytest.mark.parametrize("anyio_backend", there, indirect=True)


asyncio_only = on(*ASYNCIO)
proving_only = on(*PROVING)


def backend(name: str) -> Backend:
    """What anyio's plugin wants for `name`; skips or fails where it is absent."""
    if name == "asyncio-eager":
        if sys.version_info < (3, 12):
            pytest.skip("eager tasks came with Python 3.12")
        return "asyncio", {"loop_factory": eager_loop}
    if name == "asyncio-uvloop":
        require(sys.platform != "win32", "uvloop does not run on Windows")
        require_package("uvloop")
        return "asyncio", {"use_uvloop": True}
    if name == "trio":
        require_package("trio")
    return name, {}


def eager_loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    if sys.version_info >= (3, 12):
        loop.set_task_factory(asyncio.eager_task_factory)
    return loop
