"""The HTTP library: httpx2, or httpx where that is what is installed."""

from typing import TYPE_CHECKING

from wstest_fastapi._extras import need_http

__all__ = ["httpx"]

if TYPE_CHECKING:
    import httpx2 as httpx
else:
    need_http()
    try:
        import httpx2 as httpx
    except ModuleNotFoundError:
        import httpx
