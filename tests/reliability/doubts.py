"""Answers that are lost after the work was done: what is left to people when the engine has done all that it does by itself.

Between the engine and both servers, the first answer about each record that is written never arrives; or the sandbox has
writes arrive late, twice, or hang when they are done. No record may be in doubt in the end, skipped or failed, and none made
twice, on each way to NAV on which Coupler chooses ids or marks what it makes.
"""

import contextlib
import hashlib
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.reliability.faults import calm_end, ride_out
from tests.reliability.line import Line, Measured, noting
from tests.reliability.wire import take
from tests.runs.between import Between, html
from tests.runs.company import QUIETLY, Company, result
from tests.runs.made import made_twice
from tests.runs.whole import Whole

SIZE = 60
_FAULTS = {"twice": 0.5, "late": 0.5, "hang-after": 0.05}
"""Faults of the sandbox that lose answers in other ways, and how likely they are."""


_ACCOUNTS = (("accounts",), ("Customer", "customers"))
"""What the same records are called in CRM, and in NAV on each way: of both sides, creates must have lost their answers."""


@dataclass(frozen=True)
class Way:
    """How NAV is reached: options of the sandbox, what its config file says instead, and whether its records have ids."""

    options: tuple[str, ...] = ()
    instead: tuple[tuple[str, str], ...] = ()
    nav_ids: bool = True

    def company(self, folder: Path, size: int, *options: str) -> Company:
        """A company that is reached in this way."""
        company = Company(folder, "--demo-size", str(size), *self.options, *options)
        text = company.config.read_text()
        for old, new in self.instead:
            assert old in text
            text = text.replace(old, new)
        company.config.write_text(text)
        return company


WAYS: Mapping[str, Way] = {
    "OData": Way(),
    "NAV 2018": Way(("--nav-version", "2018"), nav_ids=False),
    "API": Way((), (("/ODataV4", "/api/v2.0"), ('marker_field = "CRM_Id"', 'kind = "api"'))),
}
HOW: Mapping[str, Callable[[bytes, bytes], bytes]] = {
    "closed": lambda _request, _answer: b"",
    "cut": lambda _request, answer: answer[: len(answer) // 2],
    "a web page": html,
}
"""What comes instead of an answer."""


@dataclass
class Losing:
    """Loses the answer to every write that says something new; `creates` are the records whose making was not answered."""

    how: Callable[[bytes, bytes], bytes]
    creates: Counter[str] = field(default_factory=Counter)
    _known: set[tuple[str, str, str]] = field(default_factory=set)

    def change(self, request: bytes, answer: bytes) -> bytes | None:
        """What to answer instead."""
        whole, _ = take(request)
        assert whole is not None
        body = hashlib.sha256(whole.body).hexdigest()
        asked = {(one.op, one.set, one.id or body) for one in whole.writes}
        new = asked - self._known
        self._known |= new
        self.creates.update(set for op, set, _ in new if op == "create")
        return self.how(request, answer) if new else None


@dataclass
class Doubts:
    """Of so many creates that were not answered, what people had to see to, and what was made twice."""

    creates: Counter[str] = field(default_factory=Counter)
    runs: int = 0
    left: list[str] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def lose_answers(ways: Mapping[str, Way], how: Mapping[str, Callable[[bytes, bytes], bytes]], size: int) -> Doubts:
    """Have each way meet each loss, and the faults of the sandbox too when all are asked for."""
    doubts = Doubts()
    faults = _FAULTS if how is HOW else {}
    with tempfile.TemporaryDirectory() as folder:
        for name, way in ways.items():
            home = Path(folder) / name
            with contextlib.closing(way.company(home / "calm", size)) as company:
                calm, failed = calm_end(company), _needing(company)
            for kind, lost in how.items():
                case = f"{name}, {kind}"
                with (
                    noting(doubts.faults, case),
                    contextlib.closing(way.company(home / kind, size)) as company,
                    _losing(company, Losing(lost)) as losing,
                ):
                    done = company.coupler("run", *QUIETLY, "--json")
                    assert result(done)["state"] == "finished", f"{result(done)['state']}: {done.stderr[-400:]}"
                    assert all(any(losing.creates[set] for set in side) for side in _ACCOUNTS), dict(losing.creates)
                    doubts.creates.update(losing.creates)
                    _judge(doubts, case, company, failed)
                    assert not (wrong := calm.whole.differences(Whole(company))), wrong
            for kind, chance in faults.items():
                case = f"{name}, {kind}"
                with (
                    noting(doubts.faults, case),
                    contextlib.closing(way.company(home / kind, size, "--faults", f"{kind}:{chance}")) as company,
                ):
                    ride_out(company, calm, nav_ids=way.nav_ids)
                    _judge(doubts, case, company, failed)
    return doubts


def _judge(doubts: Doubts, case: str, company: Company, failed: set[str]) -> None:
    doubts.runs += 1
    doubts.left += [f"{case}: {one}" for one in sorted(_needing(company) - failed)]
    doubts.twice += [f"{case}: {one}" for one in made_twice(company.audit())]


def _needing(company: Company) -> set[str]:
    """What needs people: creates that nothing is known of, and records that failed in the last run, or are skipped."""
    with company.store() as store:
        open_intents = store.execute("SELECT mapping, direction, seq FROM intent").fetchall()
    return {
        *(f"not settled: {one}" for one in open_intents),
        *(
            f"{one['mapping']} {one['nav_no']} {one['name']}: {one['code']}"
            for one in company.lines("errors")
            if one["kind"] != "warning"
        ),
        *(f"skipped: {one['mapping']} {one['nav_no']} {one['name']}" for one in company.lines("skipped")),
    }


@contextmanager
def _losing(company: Company, losing: Losing) -> Iterator[Losing]:
    with ExitStack() as stack:
        for side in ("nav", "crm"):
            between = stack.enter_context(contextlib.closing(Between(company.port(side), losing.change)))
            company.lead(side, between.port)
        yield losing


def _measure() -> Measured:
    doubts = lose_answers(WAYS, HOW, SIZE)
    text = f"{len(doubts.left)}; {len(doubts.twice)} after {doubts.creates.total():,} creates without an answer"
    met = doubts.runs == len(WAYS) * (len(HOW) + len(_FAULTS)) and not (doubts.left or doubts.twice or doubts.faults)
    return Measured(text, met, (*doubts.faults, *doubts.left, *doubts.twice))


LINES = (Line("records that need a person after lost answers; made twice", "0; 0", _measure),)
