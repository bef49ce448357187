"""The one place that knows event loops: when has one come to rest?"""

from wstest_core.quiescence._current import watch
from wstest_core.quiescence._interface import Bell, Running, Watch
from wstest_core.quiescence._servers import runs_server
from wstest_core.quiescence._threads import parked

__all__ = ["Bell", "Running", "Watch", "parked", "runs_server", "watch"]
