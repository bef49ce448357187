"""The checks that every driver and every codec passes, ours included.

They need no test framework: what is broken is an `AssertionError` that names
the broken rule.
"""

from wstest_core.conformance._codec import check_codec
from wstest_core.conformance._driver import check_driver

__all__ = ["check_codec", "check_driver"]
