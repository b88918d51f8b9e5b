"""PostgreSQL as the state store: whole runs, while the server is restarted, sessions are ended and connections are all taken.

An engine whose lock is lost stops and can be resumed; a transaction that was cut off is repeated
(reference/reliability.md section 3.2, F28).
"""

import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial

import sqlalchemy as sa

from tests.reliability.line import Line, Measured
from tests.reliability.trial import Trial, slowed, try_all, until, written
from tests.runs.company import QUIETLY, Company
from tests.store.postgres import Cluster, Missing, running

SIZE = ("--demo-size", "60")
_MOST_LIVES = 20
_LOCK = "(SELECT pid FROM pg_locks WHERE locktype = 'advisory')"


def _on(company: Company, cluster: Cluster) -> str:
    """Have the store be in a database of its own; its name."""
    url = cluster.new_database()
    company.config.write_text(company.config.read_text().replace("sqlite:///sandbox.db", url))
    return str(sa.make_url(url).database)


def _undisturbed(cluster: Cluster, company: Company) -> None:
    _on(company, cluster)
    assert company.coupler("run", *QUIETLY).returncode == 1


def _disturbed(cluster: Cluster, company: Company, *, disturb: Callable[[Cluster, str], object]) -> None:
    """In the middle of a run; it ends as one does whose store is gone, and goes on when resumed."""
    name = _on(company, cluster)
    with slowed(company):
        process = company.start("run", *QUIETLY)
        until(lambda: written(company))
        disturb(cluster, name)
        _, told = process.communicate(timeout=300)
        _broken_off(company, process.returncode, told)


def _broken_off(company: Company, code: int, told: str) -> None:
    """How a run ends whose store is gone; it is resumed."""
    until(lambda: not company.engine())
    assert code == 3, f"ended with {code}: {told}"
    assert "Traceback" not in told
    assert "resume" in told
    assert company.status()["state"] == "interrupted"
    company.coupler("resume", *QUIETLY)


def _cut_all(cluster: Cluster, name: str) -> None:
    cluster.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")


def _cut_often(cluster: Cluster, company: Company) -> None:
    """Sessions end again and again, but not that of the lock; an engine goes on unless that hits a commit."""
    name = _on(company, cluster)
    others = f"datname = '{name}' AND pid NOT IN {_LOCK}"
    with slowed(company):
        cuts = 0
        for _ in range(_MOST_LIVES):
            process = company.start("resume" if company.status() else "run", *QUIETLY)
            while process.poll() is None or company.engine():
                time.sleep(0.5)
                cluster.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}")
                cuts += 1
            _, told = process.communicate()
            assert "Traceback" not in told, told[-600:]
            if company.status().get("state") == "finished":
                break
        assert cuts > 10, f"only {cuts} cuts"


@contextmanager
def _all_taken(cluster: Cluster) -> Iterator[None]:
    """Until the end of the block, the server has no connection left for anybody."""
    others = sa.create_engine(cluster.new_database(), poolclass=sa.NullPool)
    with ExitStack() as taken:
        try:
            while True:
                taken.enter_context(others.connect())
        except sa.exc.OperationalError as error:
            if "too many clients" not in str(error):
                raise
        yield


def _told_so(company: Company, command: str) -> None:
    """A command that gets no connection says why, and does nothing."""
    done = company.coupler(command, *(QUIETLY if command == "run" else ()))
    assert done.returncode == 3, f"{command} ended with {done.returncode}: {done.stderr}"
    assert "too many clients" in done.stderr
    assert "Traceback" not in done.stderr


def _none_left(cluster: Cluster, company: Company) -> None:
    """Before a run, which is refused; and while it works, which goes on with the connections that it has."""
    _on(company, cluster)
    company.coupler("status")
    with _all_taken(cluster):
        _told_so(company, "run")
    assert not company.status()
    assert not (company.audit_file.exists() and company.audit()), "something was sent"
    with slowed(company):
        process = company.start("run", *QUIETLY)
        until(lambda: written(company))
        with _all_taken(cluster):
            _told_so(company, "status")
            _, told = process.communicate(timeout=300)
        assert process.returncode == 1, f"as earned, not {process.returncode}: {told}"


def _none_left_again(cluster: Cluster, company: Company) -> None:
    """The sessions of an engine end, but not that of its lock, and others take what becomes free."""
    name = _on(company, cluster)
    with slowed(company):
        process = company.start("run", *QUIETLY)
        until(lambda: written(company))
        engine = company.signal_engine(signal.SIGSTOP)
        cluster.execute(
            f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{name}' AND pid NOT IN {_LOCK}"
        )
        with _all_taken(cluster):
            os.kill(engine, signal.SIGCONT)
            _, told = process.communicate(timeout=300)
            until(lambda: not company.engine())
        _broken_off(company, process.returncode, told)


def _killed(cluster: Cluster, company: Company) -> None:
    _on(company, cluster)
    process = company.start("run", *QUIETLY)
    until(lambda: written(company))
    company.signal_engine()
    process.communicate(timeout=60)
    assert process.returncode == 70


_TRIALS: Mapping[str, Callable[[Cluster, Company], None]] = {
    "undisturbed": _undisturbed,
    "server restarted": partial(_disturbed, disturb=lambda cluster, _: cluster.restart("fast")),
    "server crashed": partial(_disturbed, disturb=lambda cluster, _: cluster.restart("immediate")),
    "all sessions ended": partial(_disturbed, disturb=_cut_all),
    "sessions ended again and again": _cut_often,
    "all connections taken": _none_left,
    "all connections taken when its own are cut": _none_left_again,
    "engine killed": _killed,
}


def trials(cluster: Cluster) -> tuple[Trial, ...]:
    """What is tried on a cluster."""
    return tuple(Trial(name, partial(happen, cluster)) for name, happen in _TRIALS.items())


def _measure() -> Measured:
    try:
        with running() as cluster:
            return try_all(trials(cluster), SIZE)
    except Missing as reason:
        return Measured(f"skipped: {reason}", met=False)


LINES = (Line("PostgreSQL: same end whatever happens to the server", f"{len(_TRIALS)}/{len(_TRIALS)}", _measure),)
