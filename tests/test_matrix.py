"""The table in the README, and what it is made of."""

import json
from dataclasses import asdict
from pathlib import Path

from tests.matrix import Cell, differences, noted, render

CELLS = [
    Cell("FastAPI", "3.12", "FastAPI 0.165", 1_234),
    Cell("core alone", "3.9", "pydantic 2.9", 56),
    Cell("core alone", "3.12", "pydantic 2.12", 57),
]
TABLE = """\
| tested with | Python 3.9 | Python 3.12 | versions |
| --- | ---: | ---: | --- |
| core alone | 56 | 57 | pydantic 2.12 |
| FastAPI | - | 1,234 | FastAPI 0.165 |
"""


def test_table() -> None:
    """Pythons are columns in the order of their release, empty where nothing ran."""
    assert render(CELLS) == TABLE


def test_notes_are_read(tmp_path: Path) -> None:
    """Each note of a session is a cell."""
    for number, cell in enumerate(CELLS):
        (tmp_path / f"{number}.json").write_text(json.dumps(asdict(cell)))
    assert set(noted(tmp_path)) == set(CELLS)


def test_counts_and_versions_move_on() -> None:
    """A table that was written some versions ago says the same."""
    later = [Cell(cell.row, cell.python, "newer", cell.passed + 1) for cell in CELLS]
    assert differences(TABLE, render(later)) == []


def test_a_claim_that_did_not_run() -> None:
    """A cell that stands in one of the tables only is named."""
    other = Cell("FastAPI", "3.9", "FastAPI 0.118", 3)
    assert differences(TABLE, render([*CELLS[1:], other])) == [
        "FastAPI, Python 3.12: did not run",
        "FastAPI, Python 3.9: not in the table",
    ]
