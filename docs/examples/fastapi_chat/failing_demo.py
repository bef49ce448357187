"""A test that fails on purpose, to show what a failure says."""

import pytest
from test_chat import welcomed

from conftest import Join
from wstest_core import on_action


@pytest.mark.anyio
async def test_waits_for_what_never_comes(join: Join) -> None:
    """The application says "answered", the test waits for "complete"."""
    async with join("ann") as ann:
        await welcomed(ann)
        await ann.send_json({"action": "ask", "text": "why?"})
        await ann.receive_until(on_action("complete"))
