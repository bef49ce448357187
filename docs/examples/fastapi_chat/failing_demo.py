"""A test that fails on purpose, to show what a failure says."""

import pytest
from test_chat import client, fresh_room, welcomed

from wstest_core import on_action

__all__ = ["fresh_room"]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.mark.anyio
async def test_waits_for_what_never_comes() -> None:
    """The application says "answered", the test waits for "complete"."""
    async with client("ann") as ann:
        await welcomed(ann)
        await ann.send_json({"action": "ask", "text": "why?"})
        await ann.receive_until(on_action("complete"))
