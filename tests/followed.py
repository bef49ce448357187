"""Follows a page of the tutorial in an empty folder: its files and its commands.

A page names a file just before it shows it: "A new file, `app.py`:". What it shows
"at the end of" a file is added to it; otherwise it takes the place of what was there.
Where it names no files, or `test_room.py`, all its Python blocks are in that file.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
BLOCK = re.compile(r"([^\n](?:.|\n(?!\n))*):\n\n```(?:py|ini)\n((?:.|\n)*?)```")
PYTHON = re.compile(
    r"(?:```|<!--- invisible-code-block: )python\n(.*?)(?:```|-->)", re.S
)
ONE_FILE = "test_room.py"
NAME = re.compile(r"`([\w/]+\.(?:py|ini))`")
# What a fresh environment has, also where more is installed.
PLUGINS = ["-p", "anyio", "-p", "wstest_core.pytest_plugin"]
PLUGINS += ["-p", "wstest_fastapi.pytest_plugin"]
# Where trio is installed, anyio's plugin runs each test on it, too.
ONE_LOOP = ["-k", "not trio"]
OWN = {"DJANGO_SETTINGS_MODULE", "PYTHONPATH"}


def follow(text: str, folder: Path) -> Path:
    """Do what a page says, as far as its commands and files; return where."""
    if "startproject mysite" in text:
        run(folder, "-m", "django", "startproject", "mysite")
        folder /= "mysite"
        run(folder, "manage.py", "startapp", "chat")
    if ONE_FILE in text or not BLOCK.search(text):
        (folder / ONE_FILE).write_text("\n\n".join(PYTHON.findall(text)))
    write_files(text, folder)
    return folder


def write_files(text: str, folder: Path) -> None:
    for paragraph, content in BLOCK.findall(text):
        for name in NAME.findall(paragraph)[-1:]:
            kept = ""
            if "the end of" in paragraph:
                kept = (folder / name).read_text() + "\n\n"
            (folder / name).write_text(kept + content)


def leave_out(part: str, file: Path) -> None:
    """Take out of a file the lines that contain a text."""
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join(line for line in lines if part not in line))


def outputs_of(text: str) -> list[tuple[str, str]]:
    """All that a page says its commands show, each after what stands above it."""
    found = re.finditer(r"```text\n(.*?)```", text, re.S)
    return [(text[: each.start()], each[1]) for each in found]


def run(folder: Path, *arguments: str, **variables: str) -> str:
    """Run Python in a folder; return what it has shown. Warnings are errors."""
    environment = {key: value for key, value in os.environ.items() if key not in OWN}
    done = subprocess.run(
        [sys.executable, "-W", "error", *arguments],
        cwd=folder,
        env={**environment, "PYTHONUNBUFFERED": "1", **variables},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    return done.stdout


def run_pytest(folder: Path, *options: str) -> str:
    """Run pytest in a folder as if little else were installed."""
    arguments = ["-m", "pytest", "-q", *PLUGINS, *ONE_LOOP, *options]
    shown = run(folder, *arguments, PYTEST_DISABLE_PLUGIN_AUTOLOAD="1", COLUMNS="80")
    return re.sub(r", \d+ deselected", "", shown)


def without_times(text: str) -> str:
    return re.sub(r"\d+\.\d+s", "0.0s", text)


def assert_shown(expected: str, seen: str) -> None:
    """Check that an output has, line by line, what a page says; times may differ."""
    wanted, found = (without_spaces(without_times(each)) for each in (expected, seen))
    if wanted not in found:
        pytest.fail(f"the page says:\n{expected}\nbut it shows:\n{seen}", pytrace=False)


def without_spaces(text: str) -> str:
    """A text without the spaces at the ends of its lines."""
    return re.sub(r" +$", "", text, flags=re.M).strip()
