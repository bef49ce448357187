"""What is missing is said when a name is asked for, in one sentence.

Not on import: the pytest plugin lives in this package, and is loaded in every
environment that the distribution is installed in.
"""

from importlib.util import find_spec

__all__ = ["missing", "require"]


def require(*alternatives: str) -> None:
    """Check that one of these packages is installed.

    Raises:
        ModuleNotFoundError: naming the extra that brings it.
    """
    if not any(find_spec(name) for name in alternatives):
        raise missing(alternatives[0])


def missing(name: str) -> ModuleNotFoundError:
    """Return the error for a package that is not there."""
    return ModuleNotFoundError(
        f"wstest_fastapi needs {name}, not installed here: "
        'python -m pip install "wstest-core[fastapi]"',
        name=name,
    )
