"""The lifespan of a Starlette application."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from starlette.applications import Starlette

from wstest_core.lifespan import Lifespan

pytestmark = pytest.mark.anyio


async def test_starlette_s_context_managers() -> None:
    """The common form of a lifespan, with a state, in a real application."""
    log = []

    @asynccontextmanager
    async def live(_app: Any) -> AsyncIterator[dict[str, Any]]:
        log.append("up")
        yield {"pool": "a pool"}
        log.append("down")

    async with Lifespan(Starlette(lifespan=live)) as lifespan:
        assert lifespan.state == {"pool": "a pool"}
        assert log == ["up"]
    assert log == ["up", "down"]
