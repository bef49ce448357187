from importlib.util import find_spec

_MISSING = [name for name in ("django", "channels") if find_spec(name) is None]

if _MISSING:
    raise ModuleNotFoundError(
        f"wstest_django needs {' and '.join(_MISSING)}, not installed here: "
        'python -m pip install "wstest-core[django]"',
        name=_MISSING[0],
    )
