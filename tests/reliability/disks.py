"""Disks that are full, read-only or damaged: nothing is sent that cannot be recorded, and nothing is lost.

What is refused before it begins has sent nothing (reference/reliability.md section 3.2, F8 to F10).
"""

import contextlib
import os
import resource
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.reliability.line import Line, Measured
from tests.reliability.trial import Skipped, Trial, needed, try_all, until, written
from tests.runs.company import QUIETLY, Company

_HEADER = 100
"""Bytes of a SQLite file that say what it is."""


@contextlib.contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """Until the end of the block, this process cannot write more than so many bytes into a file."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def _run(company: Company, *before: str, limit: int | None = None) -> subprocess.CompletedProcess[str]:
    def limited() -> None:
        if limit is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    return subprocess.run(
        [*before, *company.command("run", *QUIETLY)],
        cwd=company.folder,
        env=company.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        preexec_fn=limited,
    )


def _told(done: subprocess.CompletedProcess[str]) -> None:
    """The exit code and what operators are told."""
    said = done.stdout + done.stderr
    assert done.returncode == 3, f"ended with {done.returncode}: {said[-600:]}"
    assert "Traceback" not in said, said[-600:]
    hints = ("disk space", "you may write", "permissions", "a backup in its place")
    assert any(hint in said for hint in hints), said[-600:]


def _refused(company: Company) -> None:
    """A run that cannot begin: it sends nothing, and is not there."""
    _told(_run(company))
    assert not company.engine()
    assert not (company.audit_file.exists() and company.audit()), "something was sent"


def _broken_off(company: Company, done: subprocess.CompletedProcess[str]) -> None:
    """A run whose engine ended in the middle; it can be resumed."""
    _told(done)
    assert not company.engine()
    assert f"coupler resume {company.status()['run']}" in done.stderr


def _stored(company: Company) -> Path:
    """The file of the store, which is made."""
    company.coupler("status")
    return company.config.with_suffix(".db")


@contextlib.contextmanager
def _disk(place: Path, size: str) -> Iterator[None]:
    """A disk of its own at that place."""
    if os.geteuid() != 0:
        raise Skipped("no root")
    place.mkdir(parents=True, exist_ok=True)
    if subprocess.run(
        [needed("mount"), "-t", "tmpfs", "-o", f"size={size},mode=700", "tmpfs", place], check=False
    ).returncode:
        raise Skipped("no mounting here")
    try:
        yield
    finally:
        subprocess.run([needed("umount"), "--lazy", place], check=True)


def _remount(place: Path, options: str) -> None:
    subprocess.run([needed("mount"), "-o", f"remount,{options}", place], check=True)


def _on(company: Company, place: Path) -> Path:
    """Have the store be there."""
    store = place / "store.db"
    company.config.write_text(company.config.read_text().replace("sqlite:///sandbox.db", f"sqlite:///{store}"))
    company.coupler("status")
    return store


def _no_larger(company: Company) -> None:
    limit = _stored(company).stat().st_size + 60_000
    _broken_off(company, _run(company, limit=limit))


def _full(company: Company) -> None:
    place = company.folder / "disk"
    with _disk(place, "8m"):
        store = _on(company, place)
        used = sum(one.stat().st_size for one in place.iterdir())
        _remount(place, f"size={(used + store.stat().st_size) // 1024 + 200}k")
        _broken_off(company, _run(company))
        _remount(place, "size=64m")
        _end(company)


def _read_only(company: Company) -> None:
    place = company.folder / "disk"
    with _disk(place, "8m"):
        _on(company, place)
        _remount(place, "ro")
        _refused(company)
        _remount(place, "rw")
        _end(company)


def _end(company: Company) -> None:
    """What must end while its disk is there; what is compared later is copied to where the others have it."""
    company.coupler("resume" if company.status() else "run", *QUIETLY)
    text = company.config.read_text()
    store = company.folder / "disk" / "store.db"
    with (
        contextlib.closing(sqlite3.connect(store)) as here,
        contextlib.closing(sqlite3.connect(company.config.with_suffix(".db"))) as there,
    ):
        here.backup(there)
    company.config.write_text(text.replace(f"sqlite:///{store}", "sqlite:///sandbox.db"))


def _immutable(company: Company) -> None:
    store = _stored(company)
    if subprocess.run([needed("chattr"), "+i", store], capture_output=True, check=False).returncode:
        raise Skipped("no chattr +i on this file system")
    try:
        _refused(company)
    finally:
        subprocess.run([needed("chattr"), "-i", store], check=True)


def _damaged(company: Company) -> None:
    store = _stored(company)
    with store.open("r+b") as file:
        header = file.read(_HEADER)
        file.seek(0)
        file.write(bytes(byte ^ 0xFF for byte in header))
    _refused(company)
    with store.open("r+b") as file:
        file.write(header)


def _unreadable(company: Company) -> None:
    """Flushing fails from some time on, as on a disk that dies."""
    strace = (needed("strace"), "-f", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync")
    _stored(company)
    _broken_off(company, _run(company, *strace, "-e", "inject=fdatasync:error=EIO:when=20+"))


def _locked(company: Company) -> None:
    """Somebody else holds the store for longer than anybody waits."""
    store = _stored(company)
    process = company.start("run", *QUIETLY)
    until(lambda: written(company))
    with contextlib.closing(sqlite3.connect(store, isolation_level=None, timeout=20)) as other:
        other.execute("BEGIN IMMEDIATE")
        out, told = process.communicate(timeout=400)  # each transaction waits half a minute
        until(lambda: not company.engine())
        other.execute("ROLLBACK")
    _broken_off(company, subprocess.CompletedProcess([], process.returncode, out, told))


def _no_room_for_the_log(company: Company) -> None:
    place = company.folder / "state" / "coupler" / "log"
    with _disk(place, "8k"):
        with contextlib.suppress(OSError):
            (place / "filler").write_bytes(b"x" * 100_000)
        done = _run(company)
        assert done.returncode == 1, f"as earned, not {done.returncode}: {done.stderr[-600:]}"
        assert "Traceback" not in done.stderr


TRIALS = (
    Trial("no larger file", _no_larger),
    Trial("full disk", _full),
    Trial("read-only disk", _read_only),
    Trial("immutable store", _immutable),
    Trial("damaged store", _damaged),
    Trial("flush that fails", _unreadable),
    Trial("store locked for long", _locked),
    Trial("full disk for the log", _no_room_for_the_log),
)


def _measure() -> Measured:
    return try_all(TRIALS)


LINES = (Line("faults of disks survived", f"{len(TRIALS)}/{len(TRIALS)}", _measure),)
