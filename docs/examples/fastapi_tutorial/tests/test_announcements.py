"""Messages from outside: over HTTP, and from a process that is no server at all."""

from collections.abc import Iterator, Mapping

import pytest
from app.layers import NEWS
from app.messages import News

from conftest import GUARD, Connect, python
from wstest_fastapi import AppClient, FreshLayer, fresh_layers

pytestmark = pytest.mark.anyio


class TestOverHttp:
    """One application: its own layer in memory will do."""

    async def test_everybody_reads_it(
        self, ws_client: AppClient, connect: Connect
    ) -> None:
        """What is posted is read by all who are connected."""
        async with connect("/ws/news") as ann, connect("/ws/news") as bob:
            await ws_client.http.post("/news", params={"text": "we close at six"})
            await ann.expect(News, text="we close at six")
            await bob.expect(News, text="we close at six")


class TestFromAProcess:
    """A script that starts, tells everybody, and ends: the layer is Redis."""

    @pytest.fixture
    def ws_layers(self, redis_url: str) -> Iterator[Mapping[str, FreshLayer]]:
        with fresh_layers(keep={NEWS}) as fresh:
            yield fresh

    async def test_everybody_reads_it(self, connect: Connect) -> None:
        """The script is still starting when the wait for it begins."""
        async with connect("/ws/news") as ann, connect("/ws/news") as bob:
            with python("-m", "app.announce", "we close at six") as script:
                assert not await ann.receive_nothing(GUARD)
                await ann.expect(News, text="we close at six")
                await bob.expect(News, text="we close at six")
                assert script.wait(GUARD) == 0
