"""Django Channels adapter. It has no names yet.

Until it has, drive the application with `wstest_core` directly.
"""

from wstest_django import _requires as _requires

__all__: list[str] = []
