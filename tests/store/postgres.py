"""A PostgreSQL cluster to throw away: made by an unprivileged user, on loopback and a free port."""

import os
import re
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import sqlalchemy as sa

USER = "coupler"
_numbers = count(1)


class Missing(Exception):
    """PostgreSQL cannot be started here, and why."""


class Cluster:
    """A running cluster."""

    def __init__(self, port: int, control: Sequence[str]) -> None:
        self._control = control
        self._server = sa.URL.create("postgresql+psycopg", USER, host="127.0.0.1", port=port)
        self._engine = sa.create_engine(
            self._server.set(database="postgres"), isolation_level="AUTOCOMMIT", pool_pre_ping=True
        )

    def new_database(self) -> str:
        """The address of an empty database that nobody else has."""
        name = f"coupler_{next(_numbers)}"
        self.execute(f"CREATE DATABASE {name} STRATEGY FILE_COPY")
        return self._server.set(database=name).render_as_string()

    def execute(self, sql: str) -> None:
        """As the administrator of the cluster."""
        with self._engine.connect() as connection:
            connection.execute(sa.text(sql))

    def restart(self, mode: str) -> None:
        """As an administrator does: "fast" ends all sessions, "immediate" is as if it had crashed."""
        self._engine.dispose()
        _call([*self._control, "-m", mode, "restart"])

    def reset(self, url: str, sql: str) -> None:
        """Cut what is connected to a database and change it; faster than making another one."""
        name = sa.make_url(url).database
        self.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
        engine = sa.create_engine(url, poolclass=sa.NullPool)
        with engine.begin() as connection:
            connection.exec_driver_sql(sql)
        engine.dispose()

    def close(self) -> None:
        self._engine.dispose()


@contextmanager
def running() -> Iterator[Cluster]:
    """The newest PostgreSQL of the machine; raises Missing."""
    binaries = _binaries()
    run = _as_unprivileged()
    # not in pytest's folder, which others may not enter
    folder = Path(tempfile.mkdtemp(prefix="coupler-pg-"))
    folder.chmod(0o755)
    try:
        inner = folder / "cluster"
        inner.mkdir()
        if run:
            shutil.chown(inner, run[2])
        data, log = inner / "data", inner / "log"
        port = _free_port()
        _call([*run, str(binaries / "initdb"), "-D", str(data), "-U", USER, "-A", "trust", "-N", "--no-instructions"])
        # the stamp of a store changes too when the server vacuums by itself, which it does when it likes
        own = "-c fsync=off -c autovacuum=off"
        options = f"-c listen_addresses=127.0.0.1 -c port={port} {own} -c unix_socket_directories={inner}"
        pg_ctl = [*run, str(binaries / "pg_ctl"), "-D", str(data), "-l", str(log), "-w"]
        _call([*pg_ctl, "-o", options, "start"])
        cluster = Cluster(port, pg_ctl)
        try:
            yield cluster
        finally:
            cluster.close()
            _call([*pg_ctl, "-m", "immediate", "stop"])
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _binaries() -> Path:
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    if not found:
        raise Missing("PostgreSQL is not installed: there is no /usr/lib/postgresql/*/bin/initdb")
    return max(found, key=lambda path: [int(number) for number in re.findall(r"\d+", path.parent.name)])


def _as_unprivileged() -> list[str]:
    """What goes before a command so that it does not run as root, whom PostgreSQL refuses."""
    if os.geteuid() != 0:
        return []
    if shutil.which("runuser") is None:
        raise Missing("PostgreSQL refuses to run as root, and there is no runuser to become another user")
    for user in ("postgres", "nobody"):
        if subprocess.run(["id", user], capture_output=True, check=False).returncode == 0:
            return ["runuser", "-u", user, "--"]
    raise Missing("PostgreSQL refuses to run as root, and there is neither a user postgres nor nobody")


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _call(command: list[str]) -> None:
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
    # the server must not keep a pipe of ours open
    with tempfile.TemporaryFile("w+") as said:
        done = subprocess.run(
            command,
            cwd="/",
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            timeout=60,
            check=False,
        )
        said.seek(0)
        if done.returncode != 0:
            raise RuntimeError(f"PostgreSQL does not start: {' '.join(said.read().split())[-400:]}")
