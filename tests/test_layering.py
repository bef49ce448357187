"""The cut of the code, read from its imports."""

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter

import pytest

from tests.source import MODULES

# The longest prefix counts. A new module wants a row here: that is a decision.
ROWS = {
    "wstest_core": 6,
    "wstest_core._version": 1,
    "wstest_core.events": 1,
    "wstest_core.messages": 1,
    "wstest_core.constants": 1,
    "wstest_core.errors": 1,
    "wstest_core.settings": 1,
    "wstest_core.lazy": 1,
    "wstest_core._alone": 1,
    "wstest_core.codecs": 2,
    "wstest_core.credentials": 2,
    "wstest_core.stop": 2,
    "wstest_core.transcript": 2,
    "wstest_core.explain": 2,
    "wstest_core.legality": 2,
    "wstest_core.scope": 2,
    "wstest_core.ledger": 2,
    "wstest_core._completion": 2,
    "wstest_core.requests": 2,
    "wstest_core.topics": 2,
    "wstest_core._timeline": 2,
    "wstest_core._diagram": 2,
    "wstest_core._style": 2,
    "wstest_core.report": 2,
    "wstest_core.drivers._protocol": 3,
    "wstest_core.quiescence": 3,
    "wstest_core.drivers": 4,
    "wstest_core.capture": 4,
    "wstest_core.conformance": 4,
    "wstest_core.clock": 4,
    "wstest_core.layers": 4,
    "wstest_core.lifespan": 4,
    "wstest_core._life": 4,
    "wstest_core.application": 4,
    "wstest_core.live": 4,
    "wstest_core._arguments": 5,
    "wstest_core._connection": 5,
    "wstest_core._incoming": 5,
    "wstest_core._session": 5,
    "wstest_core._company": 5,
    "wstest_core._reader": 5,
    "wstest_core._correspondence": 5,
    "wstest_core.communicator": 5,
    "wstest_core._portal": 5,
    "wstest_core.sync": 5,
    "wstest_core.loop": 5,
    "wstest_core._pytest_options": 5,
    "wstest_core._pytest_pages": 5,
    "wstest_core.pytest_plugin": 5,
}
ADAPTERS = {"wstest_django", "wstest_fastapi"}
LOOPS = "wstest_core.quiescence"
FRAMEWORKS = {
    *("channels", "chanx", "daphne", "django", "fast_channels", "fastapi"),
    *("httpx", "httpx2", "litestar", "starlette", "uvicorn"),
}
PYTEST_S = {module for module in ROWS if "pytest" in module}
LOOP_INTERNALS = {
    *("_fut_waiter", "_ready", "_run_once", "_scheduled", "_selector", "_ssock"),
    *("_current_frames", "cr_await", "ag_await", "before_io_wait"),
}


def imported(source: str) -> Iterator[str]:
    """Each name a source imports, wherever in it, typing-only imports too."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and "import_module" in ast.unparse(node.func):
            yield from (a.value for a in node.args if is_text(a))


def is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def as_module(name: str) -> str:
    """`package.module.Thing` is imported from `package.module`."""
    while name not in MODULES.keys() | ROWS.keys() and "." in name:
        name = name.rpartition(".")[0]
    return name


def prefixes(module: str) -> Iterator[str]:
    while module:
        yield module
        module = module.rpartition(".")[0]


def row(module: str) -> int:
    return next(ROWS[prefix] for prefix in prefixes(module) if prefix in ROWS)


def violations(module: str, source: str) -> list[str]:
    names = set(imported(source))
    if module.startswith("wstest_core"):
        return [found for name in names for found in in_core(module, name)]
    return [found for name in names for found in in_adapter(module, name)]


def in_core(module: str, name: str) -> Iterator[str]:
    top, target = name.partition(".")[0], as_module(name)
    if top in ADAPTERS:
        yield f"core module {module} imports the adapter {top}"
    if top in FRAMEWORKS:
        yield f"core module {module} imports the framework {top}"
    if top in {"pytest", "_pytest"} and module not in PYTEST_S:
        yield f"{module} imports pytest, which is the plugin's alone"
    if top == "wstest_core" and row(target) > row(module):
        yield f"{module} (row {row(module)}) imports {target} (row {row(target)})"
    if target.startswith(f"{LOOPS}._") and not module.startswith(LOOPS):
        yield f"{module} imports {target}, private to another package"


def in_adapter(module: str, name: str) -> Iterator[str]:
    top, own = name.partition(".")[0], module.partition(".")[0]
    if top in ADAPTERS - {own}:
        yield f"adapter module {module} imports the adapter {top}"
    if top == "wstest_core" and is_private(name):
        yield f"adapter module {module} imports {name}, private to core"


def is_private(name: str) -> bool:
    return name.startswith("wstest_core.") and any(
        part.startswith("_") for part in name.split(".")
    )


@pytest.mark.parametrize("module", sorted(MODULES))
def test_module_imports_only_what_lies_below(module: str) -> None:
    """No module imports a higher row, a framework or another's private parts."""
    assert violations(module, MODULES[module]) == []


@pytest.mark.parametrize(
    "module", sorted(name for name in MODULES if name.startswith("wstest_core."))
)
def test_module_has_a_row(module: str) -> None:
    """Each core module stands in the table of rows, itself or by its package."""
    assert row(module) < ROWS["wstest_core"]


def test_imports_within_core_make_no_circle() -> None:
    """Modules of one row may know each other, in one direction."""
    graph = {
        module: {as_module(name) for name in imported(source)} & MODULES.keys()
        for module, source in MODULES.items()
    }
    TopologicalSorter(graph).prepare()


@pytest.mark.parametrize(
    "module",
    sorted(name for name in MODULES if name in ROWS and ROWS[name] <= 2),
)
def test_decisions_do_not_wait(module: str) -> None:
    """Rows 1 and 2 hold values and pure functions: nothing there awaits."""
    waits = (ast.Await, ast.AsyncFunctionDef, ast.AsyncWith, ast.AsyncFor)
    nodes = ast.walk(ast.parse(MODULES[module]))
    assert [node.lineno for node in nodes if isinstance(node, waits)] == []


@pytest.mark.parametrize("module", sorted(MODULES))
def test_only_quiescence_knows_event_loops(module: str) -> None:
    """What an event loop is made of is the business of one package."""
    if module.startswith(LOOPS):
        return
    nodes = ast.walk(ast.parse(MODULES[module]))
    names = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    assert names & LOOP_INTERNALS == set()


OPEN, PROBE = "wstest_core.communicator._open", "wstest_core.quiescence._asyncio"


@pytest.mark.parametrize(
    ("module", "source", "found"),
    [
        (
            "wstest_core.events",
            "from wstest_core.stop import Stop",
            "wstest_core.events (row 1) imports wstest_core.stop (row 2)",
        ),
        (
            "wstest_core.codecs",
            "def late():\n    import wstest_core.communicator",
            "wstest_core.codecs (row 2) imports wstest_core.communicator (row 5)",
        ),
        (
            "wstest_core.communicator",
            "import wstest_fastapi",
            "core module wstest_core.communicator imports the adapter wstest_fastapi",
        ),
        (
            "wstest_core.capture",
            "from channels.layers import get_channel_layer",
            "core module wstest_core.capture imports the framework channels",
        ),
        (
            "wstest_core.capture",
            "importlib.import_module('channels.layers')",
            "core module wstest_core.capture imports the framework channels",
        ),
        (
            "wstest_core.conformance",
            "import pytest",
            "wstest_core.conformance imports pytest, which is the plugin's alone",
        ),
        (
            "wstest_core.communicator",
            "from wstest_core.quiescence._asyncio import Probe",
            f"wstest_core.communicator imports {PROBE}, private to another package",
        ),
        (
            "wstest_django.cases",
            "from wstest_core.communicator import _open",
            f"adapter module wstest_django.cases imports {OPEN}, private to core",
        ),
        (
            "wstest_django.cases",
            "from wstest_fastapi import connect",
            "adapter module wstest_django.cases imports the adapter wstest_fastapi",
        ),
    ],
)
def test_forbidden_import_is_found(module: str, source: str, found: str) -> None:
    """The check is not blind: each kind of forbidden import is named."""
    assert violations(module, source) == [found]
