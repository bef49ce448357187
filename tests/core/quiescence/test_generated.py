"""Generated applications: trees of hops, each with a reply at every branching."""

import asyncio
import sys
from collections import Counter
from collections.abc import Mapping
from typing import TypeAlias

import pytest
import trio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.core.quiescence import hops_asyncio, hops_trio
from tests.core.quiescence.rig import (
    GUARD,
    Hop,
    Reply,
    Spawn,
    answering,
    connected,
    silence,
)

# A hop by its name, and what goes on after its reply.
Tree: TypeAlias = tuple[str, list["Tree"]]
Names: TypeAlias = Mapping[str, Hop]


def trees(hops: Names) -> st.SearchStrategy[Tree]:
    name = st.sampled_from(sorted(hops))
    leaf = st.tuples(name, st.just([]))
    return st.recursive(
        leaf,
        lambda branch: st.tuples(name, st.lists(branch, min_size=1, max_size=3)),
        max_leaves=5,
    )


def paths(tree: Tree, path: str) -> list[str]:
    """Name the replies of a tree: "x.0.1" comes after "x.0"."""
    found = [path]
    for number, branch in enumerate(tree[1]):
        found += paths(branch, f"{path}.{number}")
    return found


class Grower:
    """Lets a tree happen."""

    def __init__(self, hops: Names, spawn: Spawn, reply: Reply) -> None:
        self._hops = hops
        self._spawn = spawn
        self._reply = reply

    async def grow(self, tree: Tree, path: str) -> None:
        name, branches = tree

        async def go_on() -> None:
            await self._reply(path)
            for number, branch in enumerate(branches):
                self._branch(branch, f"{path}.{number}")

        await self._hops[name](self._spawn, go_on)

    def _branch(self, tree: Tree, path: str) -> None:
        async def run() -> None:
            await self.grow(tree, path)

        self._spawn(run)


async def let_happen(hops: Names, forest: list[Tree], kind: str) -> None:
    """Check that each reply comes, after what causes it, and then silence."""

    async def handle(text: str, spawn: Spawn, reply: Reply) -> None:
        await Grower(hops, spawn, reply).grow(forest[int(text)], text)

    async with connected(answering(handle)) as driver:
        for number, tree in enumerate(forest):
            await driver.send(str(number))
            wanted = Counter(paths(tree, str(number)))
            seen: list[str] = []
            while sum(wanted.values()):
                found = await driver.receive(timeout=GUARD)
                assert isinstance(found, str), (found, seen)
                parent = found.rpartition(".")[0]
                assert not parent or parent in seen
                assert wanted[found], found
                wanted[found] -= 1
                seen.append(found)
            timeout = GUARD if kind == "proved" else 0.0
            assert (await silence(driver, timeout)).startswith(kind)


def often(examples: int) -> settings:
    return settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )


FORESTS = st.lists(trees(hops_asyncio.QUICK), min_size=1, max_size=3)


@often(60)
@given(FORESTS)
def test_asyncio(forest: list[Tree]) -> None:
    """On asyncio no generated reply is missed, and silence is proved."""
    asyncio.run(let_happen(hops_asyncio.QUICK, forest, "proved"))


@often(15)
@given(FORESTS)
def test_asyncio_in_debug_mode(forest: list[Tree]) -> None:
    """Nor in debug mode."""
    asyncio.run(let_happen(hops_asyncio.QUICK, forest, "proved"), debug=True)


@often(25)
@given(FORESTS)
def test_asyncio_with_eager_tasks(forest: list[Tree]) -> None:
    """Nor with tasks that start at once."""
    if sys.version_info < (3, 12):
        pytest.skip("eager tasks came with Python 3.12")
    with asyncio.Runner() as runner:
        runner.get_loop().set_task_factory(asyncio.eager_task_factory)
        runner.run(let_happen(hops_asyncio.QUICK, forest, "proved"))


@often(15)
@given(FORESTS)
def test_uvloop(forest: list[Tree]) -> None:
    """On uvloop none is missed either; silence expires."""
    uvloop = pytest.importorskip("uvloop")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(let_happen(hops_asyncio.QUICK, forest, "expired"))


@often(50)
@given(st.lists(trees(hops_trio.QUICK), min_size=1, max_size=3))
def test_trio(forest: list[Tree]) -> None:
    """On trio no generated reply is missed, and silence is proved."""
    trio.run(let_happen, hops_trio.QUICK, forest, "proved")
