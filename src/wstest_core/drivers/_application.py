"""Finds the application and brings it into the one form that ASGI 3 has."""

import importlib
import inspect
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

__all__ = ["AsgiApplication", "Run", "import_application", "single_callable"]

# No framework types what ASGI calls an application more closely than this.
AsgiApplication: TypeAlias = Callable[..., Any]
Run: TypeAlias = Callable[..., Awaitable[None]]


def single_callable(application: AsgiApplication | str) -> Run:
    """Return an application as `await app(scope, receive, send)`.

    Takes an import string, a consumer class (its `as_asgi()` is used), an
    ASGI 3 callable or a legacy double callable.

    Raises:
        TypeError: for anything else.
    """
    if isinstance(application, str):
        application = import_application(application)
    # inspect.iscoroutinefunction() looks through partials and takes its time.
    code = getattr(application, "__code__", None)
    if getattr(code, "co_flags", 0) & inspect.CO_COROUTINE:
        run: Run = application
        return run
    consumer: Callable[[], AsgiApplication] | None
    consumer = getattr(application, "as_asgi", None)
    if inspect.isclass(application) and consumer is not None:
        return single_callable(consumer())
    if not callable(application):
        raise TypeError(
            f"{application!r} is no ASGI application: give an ASGI 3 callable, "
            "an import string 'package.module:app', a ws:// URL or a Driver"
        )
    from asgiref import compatibility

    # asgiref leaves this function untyped.
    adapt: Callable[[AsgiApplication], Run]
    adapt = getattr(compatibility, "guarantee_single_callable")  # noqa: B009
    return adapt(application)


def import_application(name: str) -> AsgiApplication:
    """Import "package.module:app".

    Raises:
        ValueError: if there is no such module or attribute.
    """
    module_name, _, attributes = name.partition(":")
    if not module_name or not attributes or "://" in name:
        raise ValueError(
            f"{name!r} names no application: write 'package.module:app', "
            "or give a ws:// or wss:// URL of a running server"
        )
    try:
        found: object = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if not _is_part_of(error.name, module_name):
            raise  # the module is there, and misses one of its own
        raise ValueError(f"{name!r}: there is no module {error.name!r}") from None
    for attribute in attributes.split("."):
        if not hasattr(found, attribute):
            raise ValueError(f"{name!r}: {found!r} has no attribute {attribute!r}")
        found = getattr(found, attribute)
    if not callable(found):
        raise ValueError(f"{name!r} is {found!r}, which is no ASGI application")
    return found


def _is_part_of(missing: str | None, name: str) -> bool:
    return missing is not None and f"{name}.".startswith(f"{missing}.")
