"""uvicorn, as tests run it."""

from socket import socket
from typing import final

import uvicorn

from wstest_core.drivers import AsgiApplication
from wstest_core.live import shut_down

__all__ = ["uvicorn_server"]


def uvicorn_server(application: AsgiApplication) -> uvicorn.Server:
    """Return a server for an application; Django has no lifespan."""
    config = uvicorn.Config(
        application,
        lifespan="off",
        log_config=None,  # test runners show what it logs
        interface="asgi3",
        loop="asyncio",  # its rest can be seen, so others' silence be proved
        timeout_graceful_shutdown=5,
    )
    return _Server(config)


@final
class _Server(uvicorn.Server):
    """It has no patience with clients at its end."""

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        await shut_down(super().shutdown(sockets), self.server_state.connections)
