"""Layers stand in for others in blocks that begin and end in any order."""

import gc
import subprocess
import sys
from contextlib import AbstractContextManager
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from wstest_core.layers import MemoryLayer, in_place_of, instead, standing_in


class Elsewhere(MemoryLayer):
    """As a pub/sub layer, it looks its methods up elsewhere."""

    def __getattribute__(self, name: str) -> Any:
        if name == "send":
            raise LookupError("the connection of a loop was asked for")
        return super().__getattribute__(name)


class Equal(MemoryLayer):
    """It is equal to any other."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Equal)

    def __hash__(self) -> int:
        return 0


Open = tuple[AbstractContextManager[None], MemoryLayer, MemoryLayer]


def send(layer: MemoryLayer) -> None:
    """Do what `await` does, where nothing is waited for."""
    try:
        layer.send("x", {"type": "x"}).send(None)
    except StopIteration:
        return
    raise RuntimeError("it waits")


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 5), st.booleans())))
def test_any_order(steps: list[tuple[int, int, bool]]) -> None:
    """Messages reach the innermost block's; when all are left, nothing has changed."""
    layers = [MemoryLayer(capacity=5), Elsewhere(), Equal()]
    before = [(type(layer), dict(vars(layer))) for layer in layers]
    blocks: list[Open] = []
    for which, position, enter in steps:
        if enter:
            fresh = Equal() if which else MemoryLayer()
            block = standing_in(layers[which], fresh)
            block.__enter__()
            blocks.append((block, layers[which], fresh))
        elif blocks:
            block, _, _ = blocks.pop(position % len(blocks))
            block.__exit__(None, None, None)
        innermost = {id(layer): fresh for _, layer, fresh in blocks}
        for layer in layers:
            assert in_place_of(layer) is innermost.get(id(layer), layer)
            if id(layer) in innermost:
                send(layer)
                assert innermost[id(layer)].take("x") == {"type": "x"}
    for block, _, _ in blocks:
        block.__exit__(None, None, None)
    assert [(type(layer), dict(vars(layer))) for layer in layers] == before


FORGETTING = """
import faulthandler, gc
from wstest_core.layers import instead

faulthandler.dump_traceback_later(60, exit=True)


class Anything: ...


thing = Anything()


def forget():
    lost = Anything()
    lost.itself, lost.block = lost, instead(vars(thing), {"name": 1})
    lost.block.__enter__()


gc.set_threshold(1)
for _ in range(5_000):
    forget()
    with instead(vars(thing), {"name": 2}):
        pass
gc.collect()
print(vars(thing))
"""


def test_forgotten_blocks() -> None:
    """The collector, which ends them at any moment, disturbs no other block's."""
    command = [sys.executable, "-c", FORGETTING]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout == "{}\n", done.stderr


def test_within_a_block_all_is_as_ever() -> None:
    """The collector runs there, and blocks of other attributes are no matter."""
    one: dict[str, Any] = {}
    other: dict[str, Any] = {}
    with instead(one, {"a": 1}), instead(other, {"a": 2}):
        assert gc.isenabled()
        assert (one, other) == ({"a": 1}, {"a": 2})
    assert (one, other) == ({}, {})
