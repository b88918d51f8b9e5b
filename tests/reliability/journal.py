"""State stores, each stopped by a kill in the middle of a run: they are resumed, or it is said why not.

They are in the folder `journals`, named after the version of their tables: one for each release, of which every later
version must be able to read it. Nothing is released yet, so there is that of the present version alone, which
`python -m tests.reliability.journal` makes anew, as long as it is not released.
"""

import contextlib
import re
import sqlite3
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from engine.config import load
from engine.runs import control
from tests.reliability.line import Line, Measured, noting
from tests.reliability.straced import begin, kill, trace
from tests.reliability.syscalls import points
from tests.reliability.trial import undisturbed
from tests.runs.company import QUIETLY, Company
from tests.runs.whole import Whole

SIZE = ("--demo-size", "5")
JOURNALS = Path(__file__).parent / "journals"
_NAV, _CRM, _SYSTEMS, _MAPPINGS = "http://nav.example", "http://crm.example", "5" * 32, "6" * 32


def stored() -> list[Path]:
    """The journals of all versions."""
    return sorted(JOURNALS.glob("*.sql"))


def make() -> Path:
    """Kill an engine that is about to send its first write, and keep its state store, without what is of this machine."""
    with tempfile.TemporaryDirectory() as folder, contextlib.closing(Company(Path(folder), *SIZE)) as company:
        out = Path(folder) / "trace"
        assert trace(company, begin(company), ("flock", "sendto", "fdatasync"), out)
        with out.open() as lines:
            point = next(iter(points(lines)[0]))
    with (
        tempfile.TemporaryDirectory() as folder,
        contextlib.closing(Company(Path(folder), *SIZE)) as company,
    ):
        assert kill(company, begin(company), point), "it ended"
        assert not company.audit(), "nothing has come to the servers"
        with company.store() as store:
            assert store.execute("SELECT count(*) FROM intent").fetchone() == (1,), "something was about to be sent"
            (version,) = store.execute("SELECT version_num FROM alembic_version").fetchone()
            text = "\n".join(store.iterdump()) + "\n"
        mark = control.fingerprint(load(company.config))
        for ours, theirs in (
            (company.nav_url, _NAV),
            (company.crm_url, _CRM),
            (mark[:32], _SYSTEMS),
            (mark[32:], _MAPPINGS),
        ):
            assert ours in text
            text = text.replace(ours, theirs)
    path = JOURNALS / f"{version}.sql"
    path.write_text(text)
    return path


def lay(journal: Path, company: Company, *, same_mappings: bool) -> None:
    """Have a journal be the state store of a company: of these servers and, if wanted, of the mappings of this version."""
    text = journal.read_text()
    mark = control.fingerprint(load(company.config))
    fingerprint = mark if same_mappings else mark[:32] + _MAPPINGS
    for theirs, ours in ((_NAV, company.nav_url), (_CRM, company.crm_url), (_SYSTEMS + _MAPPINGS, fingerprint)):
        assert theirs in text
        text = text.replace(theirs, ours)
    path = company.config.with_suffix(".db")
    assert not path.exists()
    with contextlib.closing(sqlite3.connect(path)) as store:
        store.executescript(text)


def go_on(journals: Sequence[Path]) -> list[str]:
    """What is wrong when runs of stored journals are resumed, and when they are refused as the mappings are not the same."""
    wrong: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        whole = undisturbed(Path(folder), SIZE)
        for journal in journals:
            for same in (True, False):
                name = f"{journal.stem}-{same}"
                with noting(wrong, name), contextlib.closing(Company(Path(folder) / name, *SIZE)) as company:
                    lay(journal, company, same_mappings=same)
                    found = _resume(company) if same else _start_anew(company)
                    found = found or whole.differences(Whole(company))
                    wrong += [f"{name}: {found}"] if found else []
    return wrong


def _resume(company: Company) -> str:
    done = company.coupler("resume", *QUIETLY)
    return "" if done.returncode == 1 else f"it is not resumed: {done.stderr}"


def _start_anew(company: Company) -> str:
    refused = company.coupler("resume", *QUIETLY)
    if not re.search(r"mappings are not those.*cancel", " ".join(refused.stderr.split())) or refused.returncode in (
        0,
        1,
    ):
        return f"it is not refused: {refused.returncode} {refused.stderr}"
    company.coupler("cancel")
    company.coupler("run", *QUIETLY)
    return ""


def _measure() -> Measured:
    journals = stored()
    wrong = go_on(journals)
    tried = 2 * len(journals)
    return Measured(f"{tried - len(wrong)}/{tried}", tried > 0 and not wrong, tuple(wrong))


LINES = (Line("journals of runs that are resumed, and refused where mappings changed", "all", _measure),)


if __name__ == "__main__":
    sys.stdout.write(f"{make()}\n")
