"""The README's table of what is tested with what, made of what really ran.

    python -m tests.matrix           write it
    python -m tests.matrix --check   fail where it claims more or less than ran

Each nox session that is a cell of the table notes what has passed, for the very wheel
that it has tested: see noxfile.py. Counts and versions may have moved on since the
table was written; which cells there are may not.
"""

import argparse
import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
NOTES = ROOT / ".nox" / "matrix"
BEGIN, END = "<!--- matrix -->\n", "<!--- end of matrix -->\n"
NOT_RUN = "-"


@dataclass(frozen=True, slots=True)
class Cell:
    """A session: what was installed (`row`, `versions`), and how many tests passed."""

    row: str
    python: str
    versions: str
    passed: int


def noted(folder: Path) -> list[Cell]:
    """Read what was noted for one wheel."""
    return [Cell(**json.loads(path.read_text())) for path in folder.glob("*.json")]


def render(cells: Iterable[Cell]) -> str:
    """Return a table: a line for each row, a column for each Python."""
    cells = list(cells)
    pythons = sorted({cell.python for cell in cells}, key=release)
    lines = [
        ["tested with", *(f"Python {python}" for python in pythons), "versions"],
        ["---", *["---:" for _ in pythons], "---"],
    ]
    for row in sorted({cell.row for cell in cells}, key=str.casefold):
        passed = {cell.python: cell for cell in cells if cell.row == row}
        numbers = [
            f"{passed[python].passed:,}" if python in passed else NOT_RUN
            for python in pythons
        ]
        newest = passed[max(passed, key=release)]
        lines.append([row, *numbers, newest.versions])
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def release(python: str) -> list[int]:
    return [int(part) for part in python.split(".")]


def claims(table: str) -> set[tuple[str, str]]:
    """Return the row and column of each cell of a table that is not empty."""
    lines = [line.strip("| ").split(" | ") for line in table.splitlines()]
    if not lines:
        return set()
    (_, *columns, _), _, *rows = lines
    return {
        (row, column)
        for row, *numbers, _ in rows
        for column, number in zip(columns, numbers, strict=True)
        if number != NOT_RUN
    }


def differences(written: str, ran: str) -> list[str]:
    """Say of each cell that stands in one table only what to do about it."""
    said, done = claims(written), claims(ran)
    return [
        *(f"{', '.join(cell)}: did not run" for cell in sorted(said - done)),
        *(f"{', '.join(cell)}: not in the table" for cell in sorted(done - said)),
    ]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--check", action="store_true")
    check = options.parse_args().check
    before, _, rest = README.read_text().partition(BEGIN)
    written, _, after = rest.partition(END)
    ran = render(noted(NOTES / (NOTES / "wheel").read_text()))
    sys.stdout.write(ran)
    if not check:
        README.write_text(f"{before}{BEGIN}{ran}{END}{after}")
    elif wrong := differences(written, ran):
        raise SystemExit("\n".join([*wrong, "python -m tests.matrix writes the table"]))


if __name__ == "__main__":
    main()
