"""The HTTP library: httpx2, or httpx where that is what is installed."""

from typing import TYPE_CHECKING

from wstest_core.lazy import missing

__all__ = ["httpx"]

if TYPE_CHECKING:
    import httpx2 as httpx
else:
    try:
        import httpx2 as httpx
    except ModuleNotFoundError:
        try:
            import httpx
        except ModuleNotFoundError:
            raise missing("wstest_fastapi", "fastapi", "httpx2") from None
