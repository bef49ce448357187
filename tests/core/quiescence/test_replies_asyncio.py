"""A reply is never missed, and after it silence is proved: asyncio."""

import pytest

from tests.backends import on
from tests.core.quiescence.hops_asyncio import HOPS
from tests.core.quiescence.rig import Hop, connected, exchange, silence, through

pytestmark = pytest.mark.anyio

every_hop = pytest.mark.parametrize("hop", HOPS.values(), ids=HOPS.keys())


@on("asyncio", "asyncio-eager")
@every_hop
async def test_reply_arrives_and_then_silence_is_proved(hop: Hop) -> None:
    """However a reply comes about, it arrives; then nothing more can, proved."""
    async with connected(through(hop)) as driver:
        assert await exchange(driver, "first") == "first done"
        assert await exchange(driver, "second") == "second done"
        assert await silence(driver) == "proved"


@on("asyncio-uvloop")
@every_hop
async def test_reply_arrives_where_nothing_can_be_proved(hop: Hop) -> None:
    """On uvloop replies arrive as well; silence is then waited for."""
    async with connected(through(hop)) as driver:
        assert await exchange(driver, "first") == "first done"
        assert (await silence(driver, timeout=0.001)).startswith("expired: Loop")
