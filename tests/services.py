"""What tests need from the machine: a Redis, a PostgreSQL, optional packages."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

SETTINGS = "-c listen_addresses=127.0.0.1 -c fsync=off -c unix_socket_directories="


def require(condition: object, reason: str) -> None:
    """Skip where the machine lacks something; fail where it must lack nothing."""
    if condition:
        return
    if os.environ.get("WSTEST_REQUIRE_ALL"):
        pytest.fail(f"{reason} (WSTEST_REQUIRE_ALL is set)", pytrace=False)
    pytest.skip(reason)


def require_package(name: str) -> None:
    require(find_spec(name), f"the package {name} is not installed")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def redis_server() -> Iterator[str]:
    """Start a Redis that stores nothing; yield its URL; stop it."""
    program = shutil.which("redis-server")
    require(program, "redis-server is not installed")
    port = free_port()
    arguments = ["--bind", "127.0.0.1", "--port", str(port), "--save", ""]
    server = subprocess.Popen(
        [str(program), *arguments], stdout=subprocess.PIPE, text=True
    )
    try:
        _wait_for_line(server, "Ready to accept connections")
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        server.terminate()
        server.communicate()


def _wait_for_line(server: subprocess.Popen[str], text: str) -> None:
    assert server.stdout is not None
    seen = []
    for line in server.stdout:
        seen.append(line)
        if text in line:
            return
    pytest.fail("the server ended while starting:\n" + "".join(seen), pytrace=False)


@contextmanager
def postgres_server() -> Iterator[str]:
    """Make a database cluster that survives nothing; yield its DSN; stop it."""
    bin_folder = _postgres_bin()
    require(bin_folder, "PostgreSQL (initdb, pg_ctl) is not installed")
    assert bin_folder is not None
    folder = Path(tempfile.mkdtemp(prefix="wstest-pg-"))
    try:
        with _running_cluster(bin_folder, folder) as port:
            yield f"postgresql://wstest@127.0.0.1:{port}/postgres"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _running_cluster(bin_folder: Path, folder: Path) -> Iterator[int]:
    as_user = _unprivileged(folder)
    cluster, log, port = folder / "cluster", folder / "log", free_port()
    pg_ctl = [str(bin_folder / "pg_ctl"), "-D", str(cluster), "-w", "-s"]
    initdb = [str(bin_folder / "initdb"), "-D", str(cluster), "-U", "wstest", "-N"]
    _run([*initdb, "-A", "trust"], log, as_user)
    start = ["start", "-l", str(folder / "server.log"), "-o", f"{SETTINGS} -p {port}"]
    _run([*pg_ctl, *start], log, as_user)
    try:
        yield port
    finally:
        _run([*pg_ctl, "stop", "-m", "immediate"], log, as_user)


def _run(command: list[str], log: Path, options: dict[str, Any]) -> None:
    # The output goes to a file: a pipe would stay open in the server's hands.
    with log.open("ab") as output:
        done = subprocess.run(
            command, stdout=output, stderr=output, cwd=log.parent, **options
        )
    if done.returncode:
        pytest.fail(f"{command[0]} failed:\n{log.read_text()}", pytrace=False)


def _unprivileged(folder: Path) -> dict[str, Any]:
    """PostgreSQL refuses root: as root, run it as its own user."""
    if os.name == "nt" or os.geteuid() != 0:
        return {}
    shutil.chown(folder, "postgres", "postgres")
    return {"user": "postgres", "group": "postgres", "extra_groups": []}


def _postgres_bin() -> Path | None:
    found = shutil.which("initdb")
    if found:
        return Path(found).parent
    # Debian keeps them off PATH, one folder a version.
    folders = Path("/usr/lib/postgresql").glob("*/bin")
    return max(folders, key=lambda path: int(path.parent.name), default=None)
