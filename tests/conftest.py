from collections.abc import Iterator

import pytest

from tests.backends import ALL, Backend, backend
from tests.services import postgres_server, redis_server


@pytest.fixture(params=ALL)
def anyio_backend(request: pytest.FixtureRequest) -> Backend:
    return backend(request.param)


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    with redis_server() as url:
        yield url


@pytest.fixture(scope="session")
def postgres_dsn() -> Iterator[str]:
    with postgres_server() as dsn:
        yield dsn
