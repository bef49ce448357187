"""What parts of this package need, and may not be installed."""

from wstest_core.lazy import require

__all__ = ["need_http", "need_live"]


def need_http() -> None:
    require("wstest_fastapi", "fastapi", "httpx2", "httpx")


def need_live() -> None:
    require("wstest_fastapi", "live", "uvicorn")
    require("wstest_fastapi", "live", "websockets", "wsproto")
