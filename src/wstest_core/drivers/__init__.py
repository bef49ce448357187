"""How a communicator reaches an application."""

from wstest_core.drivers._application import AsgiApplication, Run, single_callable
from wstest_core.drivers._protocol import Driver
from wstest_core.drivers.asgi import AsgiDriver, ClientDisconnected
from wstest_core.drivers.network import NetworkDriver

__all__ = [
    "AsgiApplication",
    "AsgiDriver",
    "ClientDisconnected",
    "Driver",
    "NetworkDriver",
    "Run",
    "single_callable",
]
