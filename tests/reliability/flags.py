"""Synch. Only Coupled Records, looked at right after a kill: as it was before, or as answered, wherever the kill was."""

import contextlib
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from string import ascii_uppercase

from engine.config import Settings, load
from engine.model.snapshot import RunState
from engine.runs import control, snapshots
from engine.store import runs
from engine.store.database import Store
from engine.store.work import open_intents
from tests.reliability.line import Line, Measured, noting
from tests.reliability.lives import engine, life, operator
from tests.runs.company import Company
from tests.runs.made import made_twice

JOBS = ("CURRENCY", "SALEPEOPLE", "UNITOFMEASURE", "CUSTOMER", "CONTACTS", "RESOURCE-PRODUCT", "ITEM-PRODUCT")
ANSWERS = ("yes", "no", "cancel")
_IN_THE_RUN = 8
POINTS = range(_IN_THE_RUN + 2)
"""Eight commits of the engine from the first to the last, by turns before and after; and both sides of the answer's."""
_IN_ADVANCE = (0, 3, 6, 7)
_CLEARED = ("SALEPEOPLE", "CUSTOMER", "RESOURCE-PRODUCT")
"""The mappings whose flag an operator had cleared before, and must find so."""
_PENDING = 6
"""So many engines are to be killed with creates open."""
_WITH = {"CONTACTS": ("CUSTOMER",), "RESOURCE-PRODUCT": ("UNITOFMEASURE",), "ITEM-PRODUCT": ("UNITOFMEASURE",)}
"""Jobs without which nothing can be made: each case has a store in which nothing is coupled."""
Case = tuple[str, str, int]
CASES = tuple(product(JOBS, ANSWERS, POINTS))


@dataclass
class Flags:
    """`right` are kills after which the flags were what they must be, then and when all was answered. `made` are records
    that were made in all runs, and `pending` engines that were killed when creates were open.
    """

    tried: int = 0
    right: int = 0
    made: int = 0
    pending: int = 0
    faults: list[str] = field(default_factory=list)


def kill_and_look(cases: Sequence[Case]) -> Flags:
    """Try each case on a store of its own; all against the same servers."""
    found = Flags()
    with tempfile.TemporaryDirectory() as folder, contextlib.closing(_company(Path(folder))) as company:
        commits: dict[str, int] = {}
        for case in cases:
            found.tried += 1
            with noting(found.faults, f"{case}"):
                if case[0] not in commits:
                    commits[case[0]] = _commits(company, case[0])
                found.pending += _try(company, case, commits[case[0]])
                found.right += 1
        audit = company.audit()
        found.made = sum(line["op"] == "create" for line in audit)
        found.faults += made_twice(audit)
    return found


def _company(folder: Path) -> Company:
    return Company(folder, "--demo-size", "8")


@contextlib.contextmanager
def _begun(company: Company, name: str, job: str, *, keep: bool | None) -> Iterator[tuple[Path, Store, Settings, int]]:
    """A new store with a run that waits for its engine."""
    config = company.folder / f"{name}.toml"
    text = company.config.read_text()
    config.write_text(text.replace("sqlite:///sandbox.db", f"sqlite:///{company.folder / name}.db"))
    settings = load(config)
    store = Store.open(settings.store.url)
    try:
        for mapping in _CLEARED:
            control.set_only_coupled(store, settings, mapping, value=False, by="an operator")
        only = (*_WITH.get(job, ()), job)
        yield config, store, settings, control.start(store, settings, only=only, keep_cleared=keep, by="test")
    finally:
        store.close()


def _add(company: Company, job: str, name: str) -> None:
    """People make records of a job that the next run is to make on the other side."""
    code = f"N{len(company.audit())}"
    name, mail = f"{name} {code}", f"{code}@new.example"
    match job:
        case "CURRENCY":
            company.add_nav(
                "Currency", {"Code": _new_currency(company), "Description": name, "Exchange_Rate_Amount": 1.5}
            )
        case "SALEPEOPLE":
            return  # nobody can make users of CRM
        case "UNITOFMEASURE":
            company.add_nav("Unit_of_Measure", {"Code": code, "Description": name})
        case "CUSTOMER":
            company.add_nav("Customer", {"Name": name, "E_Mail": mail})
            company.add("accounts", {"name": f"{name} too", "emailaddress1": f"too.{mail}", "customertypecode": 3})
        case "CONTACTS":
            company.add_nav("Customer", {"Name": name, "E_Mail": mail})
            (firm,) = company.nav("Contact", "No", where=f"Name eq '{name}' and Type eq 'Company'")
            person = {"Type": "Person", "First_Name": "Ada", "Surname": name, "E_Mail": f"ada.{mail}"}
            company.add_nav("Contact", {**person, "Company_No": firm["No"]})
        case "RESOURCE-PRODUCT":
            company.add_nav("Resource", {"No": code, "Name": name, "Base_Unit_of_Measure": "HOUR"})
        case _:
            company.add_nav("Item", {"No": code, "Description": name, "Base_Unit_of_Measure": "PCS"})


def _new_currency(company: Company) -> str:
    """A code that no currency has."""
    taken = {row["Code"] for row in company.nav("Currency", "Code")}
    return next(code for code in map("".join, product("XYZ", ascii_uppercase, ascii_uppercase)) if code not in taken)


def _commits(company: Company, job: str) -> int:
    """How many transactions an engine commits for a run of that job when nothing happens to it."""
    tally = company.folder / "tally"
    for number in range(2):  # the first one makes the records
        name = f"{job}-{number}"
        _add(company, job, name)
        with _begun(company, name, job, keep=None) as (config, _, _, run):
            assert life(engine, config, run, tally, 0) == 0
    return int(tally.read_text())


def _try(company: Company, case: Case, commits: int) -> bool:
    """Whether the engine was killed when creates were open."""
    job, answer, point = case
    in_run = point < _IN_THE_RUN
    keep = answer == "yes" if answer != "cancel" and point in _IN_ADVANCE else None
    name, pending = "-".join(map(str, case)), False
    _add(company, job, name)
    with _begun(company, name, job, keep=keep) as (config, store, settings, run):
        before = {one: one not in _CLEARED for one in JOBS}
        after = {**before, **dict.fromkeys((*_WITH.get(job, ()), job), False)} if answer == "yes" else before
        tally = company.folder / "tally"
        place = 1 + (commits - 1) * point // (_IN_THE_RUN - 1)
        ended = life(engine, config, run, tally, (place if point % 2 == 0 else -place) if in_run else 0)
        assert ended == (-9 if in_run else 0), f"the engine ended with {ended}"
        if in_run:
            with store.reading() as connection:
                pending = bool(open_intents(connection))
            state = snapshots.run(store, run).state
            answered = state is RunState.FINISHED
            assert not answered or (place == commits and keep is not None and point % 2)
            assert _flags(store, settings) == (after if answered else before), "right after the kill"
            if state in (RunState.RUNNING, RunState.INTERRUPTED):
                control.resume(store, settings, run)
                assert life(engine, config, run, tally, 0) == 0
        else:
            late = point % 2
            assert life(operator, config, run, answer, -1 if late else 1) == -9
            assert _flags(store, settings) == (after if late else before), "right after the kill"
            assert life(operator, config, run, answer, 0) == (4 if late else 0)
        if snapshots.run(store, run).state is RunState.ASKING:
            assert _flags(store, settings) == before, "nobody has answered"
            assert life(operator, config, run, answer, 0) == 0
        found = snapshots.run(store, run)
        assert found.state is (RunState.CANCELLED if answer == "cancel" else RunState.FINISHED), found.state
        assert found.answer == (None if answer == "cancel" else answer)
        assert _flags(store, settings) == after, "at the end"
    return pending


def _flags(store: Store, settings: Settings) -> dict[str, bool]:
    with store.reading() as connection:
        stored = runs.flags(connection)
    return {one.name: stored.get(one.name, (one.only_coupled, 0))[0] for one in settings.mappings}


def _measure() -> Measured:
    found = kill_and_look(CASES)
    met = found.right == found.tried == len(CASES) and not found.faults and found.pending >= _PENDING
    text = f"{found.right}/{found.tried}, {found.pending} with creates open, {found.made} made"
    return Measured(text, met, tuple(found.faults))


LINES = (
    Line(
        "flags right after kill x answer x phase, nothing made twice",
        f"{len(CASES)}/{len(CASES)}, {_PENDING} with creates open",
        _measure,
    ),
)
