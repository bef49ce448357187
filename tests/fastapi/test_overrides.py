"""Dependencies that are others for a while."""

from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Mount

from wstest_fastapi import dependency_overrides


def one() -> int:
    return 1


def two() -> int:
    return 2


@pytest.fixture
def app() -> Iterator[FastAPI]:
    app = FastAPI()
    app.dependency_overrides[two] = one
    table = app.dependency_overrides
    yield app
    assert app.dependency_overrides is table
    assert table == {two: one}


def test_overrides_hold_within_the_block(app: FastAPI) -> None:
    """What is given is there, beside what was there."""
    with dependency_overrides(app, {one: two}):
        assert app.dependency_overrides == {two: one, one: two}


def test_what_the_block_sets_is_undone(app: FastAPI) -> None:
    """Entries, removals and a new table, also after an error."""
    with pytest.raises(ZeroDivisionError), dependency_overrides(app):
        app.dependency_overrides.clear()
        app.dependency_overrides = {one: two}
        raise ZeroDivisionError


def test_applications_within_are_covered(app: FastAPI) -> None:
    """Those that are mounted, and those that are wrapped."""
    outer = CORSMiddleware(Starlette(routes=[Mount("/api", app)]))
    with dependency_overrides(outer):
        app.dependency_overrides[one] = two


def test_an_application_without_overrides_is_left_alone() -> None:
    """Only what it cannot have is an error, in words that help."""
    starlette = Starlette()
    with dependency_overrides(starlette):
        pass
    with pytest.raises(TypeError, match="no dependency_overrides: give the FastAPI"):
        dependency_overrides(starlette, {one: two}).__enter__()
