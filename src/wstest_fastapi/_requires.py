from importlib.util import find_spec

_MISSING = [name for name in ("fastapi", "fast_channels") if find_spec(name) is None]

if _MISSING:
    raise ModuleNotFoundError(
        f"wstest_fastapi needs {' and '.join(_MISSING)}, not installed here: "
        'python -m pip install "wstest-core[fastapi]"',
        name=_MISSING[0],
    )
