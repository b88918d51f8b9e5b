"""A door without an engine behind it: snapshots made by hand, and a note of everything that was asked for."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from engine.config import Settings, changes
from engine.config.changes import Proposal
from engine.config.detail import mapping_detail
from engine.config.edit import Draft, Form, difference, formed
from engine.model.conflict import Choice, Clash, Conflict, ConflictPage
from engine.model.coupled import (
    Alike,
    BothRecords,
    CoupledPage,
    CoupledRow,
    CoupledState,
    FieldPair,
    OneRecord,
    Partner,
    Place,
)
from engine.model.detail import Change, Ledger, MappingDetail
from engine.model.errors import CouplerError, RunError
from engine.model.mapping import (
    Condition,
    ConflictPolicy,
    Direction,
    FieldMapping,
    OptionMapping,
    Template,
    Transformation,
)
from engine.model.matches import Ambiguous, AmbiguousPage, Candidate, Review, ReviewField
from engine.model.plan import Difference, Effect, FieldChange, Foreseen, number
from engine.model.schedule import Entry, EntryState, Keeper, ScheduleRow, ScheduleSnapshot
from engine.model.snapshot import (
    Cause,
    Counters,
    Event,
    FlagChange,
    HomeSnapshot,
    JobSnapshot,
    JobState,
    MappingSnapshot,
    PassSnapshot,
    RecordOutcome,
    RunSnapshot,
    RunState,
    Wish,
)
from engine.model.traffic import Traffic
from engine.model.undo import UndoLine
from engine.runs import logs
from engine.runs.connection import Lacking, State, Tried
from engine.runs.logs import LogLine, LogPage
from tests.runs_store.tools import settings_of
from tui.door import Connections, Kind, Side
from tui.widgets import passes

NOW = datetime(2026, 3, 12, 12, 4, 34, tzinfo=UTC)
TO, FROM, BOTH = Direction.TO_INTEGRATION_TABLE, Direction.FROM_INTEGRATION_TABLE, Direction.BIDIRECTIONAL
HOSTILE = "Acme [/] \x1b]0;x\x07[@click=app.quit]x[/]\x9b2J\u202e"

MAPPINGS = (
    ("CURRENCY", TO, "Currency", "transactioncurrency", True, 34),
    ("SALEPEOPLE", FROM, "Salesperson/Purchaser", "systemuser", True, 51),
    ("UNITOFMEASURE", TO, "Unit of Measure", "uomschedule", True, 112),
    ("CUSTOMER", BOTH, "Customer", "account", True, 4_105),
    ("CONTACTS", BOTH, "Contact", "contact", True, 9_800),
    ("RESOURCE-PRODUCT", TO, "Resource", "product", False, 120),
    ("ITEM-PRODUCT", TO, "Item", "product", True, 3_400),
)


def made_pass(
    seq: int, direction: Direction, state: JobState, sums: Counters, total: int, *, run: int = 16
) -> PassSnapshot:
    begun = NOW - timedelta(minutes=8 - seq) if state is not JobState.WAIT else None
    over = state not in (JobState.RUN, JobState.STOP)
    ended = begun + timedelta(seconds=31) if begun is not None and over else None
    return PassSnapshot(
        run, seq, MAPPINGS[seq - 1][0], direction, state, sums, total, state is not JobState.WAIT, begun, ended
    )


def made_job(seq: int, state: JobState, sums: Counters, *, run: int = 16, rate: float | None = None) -> JobSnapshot:
    name, direction, _, _, _, total = MAPPINGS[seq - 1]
    passes = tuple(
        made_pass(seq, one, state, sums if index == 0 else Counters(), total, run=run)
        for index, one in enumerate(direction.passes)
    )
    eta = None if rate is None else (total - sums.read) / rate
    return JobSnapshot(seq, name, direction, state, sums, total, state is not JobState.WAIT, rate, eta, passes)


def all_done(seq: int) -> Counters:
    total = MAPPINGS[seq - 1][5]
    failed = 79 if seq == 4 else 0
    return Counters(
        read=total,
        inserted=total // 3,
        modified=total // 4,
        unchanged=total - total // 3 - total // 4 - failed,
        failed=failed,
    )


def running_jobs(word: JobState = JobState.RUN) -> tuple[JobSnapshot, ...]:
    customer = Counters(read=2_210, inserted=323, modified=1_840, unchanged=44, failed=3)
    return (
        *(made_job(seq, JobState.OK, all_done(seq)) for seq in (1, 2, 3)),
        made_job(4, word, customer, rate=38.1 if word is JobState.RUN else None),
        *(made_job(seq, JobState.WAIT, Counters()) for seq in (5, 6, 7)),
    )


def finished_jobs() -> tuple[JobSnapshot, ...]:
    return tuple(made_job(seq, JobState.PART if seq == 4 else JobState.OK, all_done(seq)) for seq in range(1, 8))


def planned_jobs() -> tuple[JobSnapshot, ...]:
    made = []
    for seq, (name, direction, _, _, _, total) in enumerate(MAPPINGS, 1):
        failed, back = seq + seq // 4, 12 if seq == 4 else 0
        sums = [
            Counters(
                read=total,
                inserted=total // 2,
                coupled=total // 9,
                modified=total // 5,
                unchanged=total - total // 2 - total // 5 - failed,
                ambiguous=seq,
                failed=failed,
            ),
            Counters(read=total, inserted=back, unchanged=total - back),
        ]
        passes = tuple(
            made_pass(seq, one, JobState.OK, sums[index], total, run=15) for index, one in enumerate(direction.passes)
        )
        every = sum((one.counters for one in passes), Counters())
        made.append(
            JobSnapshot(seq, name, direction, JobState.OK, every, total * len(passes), True, None, None, passes)
        )
    return tuple(made)


def flags() -> tuple[FlagChange, ...]:
    return tuple(FlagChange(name, on, False if on else on, False, on) for name, _, _, _, on, _ in MAPPINGS)


EVENTS = (
    Event(NOW - timedelta(seconds=3), "CUSTOMER", "01445021 created account 8f0c1f2a and coupled"),
    Event(NOW - timedelta(seconds=3), "CUSTOMER", "01454545 FAIL CRM 412 duplicate accountnumber"),
    Event(NOW - timedelta(seconds=2), "CUSTOMER", "01445544 updated 3 fields"),
    Event(NOW - timedelta(seconds=1), "", "CRM throttled (429), backing off 4 s"),
)


PACE = tuple(float(rate) for rate in (0, 8, 31, 38, 36, 40, 52, 50, 47, 12, 0, 4, 22, 30, 38, 37, 39, 41, 38, 38))
TRAFFIC = (Traffic("NAV", 1, 8), Traffic("CRM", 6, 48, 0.63, 3, 12))


def made_run(state: RunState = RunState.RUNNING, *, id: int = 16, kind: str = "run") -> RunSnapshot:
    word = JobState.STOP if state.resumable else JobState.RUN
    over = state in (RunState.ASKING, RunState.FINISHED, RunState.CANCELLED)
    return RunSnapshot(
        id=id,
        kind=kind,
        state=state,
        wish=Wish.RUN,
        paused=False,
        environment="uat",
        nav="CRONUS International",
        crm="contoso.crm4",
        started=NOW - timedelta(minutes=6, seconds=41),
        ended=NOW if over else None,
        now=NOW,
        beat=NOW - timedelta(seconds=1),
        waiting="CRM again in 4 s (attempt 2): 429 too many requests" if state is RunState.RUNNING else "",
        code="",
        message="",
        hint="",
        answer=None,
        answered_by=None,
        answered_at=None,
        jobs=planned_jobs() if kind == "plan" else finished_jobs() if over else running_jobs(word),
        flags=flags(),
        events=EVENTS,
        worked=279 if over else 571 if state.resumable else 573,
        pace=PACE if state is RunState.RUNNING else (),
        eta=399.0 if state is RunState.RUNNING else None,
        traffic=TRAFFIC if state is RunState.RUNNING else (),
    )


def made_undo(state: RunState = RunState.STOPPED) -> RunSnapshot:
    return replace(made_run(state, id=23, kind="undo"), undoes=8, flags=(), waiting="")


def made_home(active: RunSnapshot | None = None, last: RunSnapshot | None = None) -> HomeSnapshot:
    by = active.id if active is not None and active.kind == "run" and active.state.active else None
    mappings = tuple(
        MappingSnapshot(
            seq=seq,
            name=name,
            direction=direction,
            nav_table=nav,
            crm_table=crm,
            only_coupled=on,
            cleared_by=by if on else None,
            fields=18,
            nav_filter="Blocked = ' '" if seq == 4 else "",
            crm_filter="",
            match="number, else e-mail and name" if seq == 4 else "number",
            coupled=total,
            last=None if seq > 5 else made_pass(seq, direction.passes[0], JobState.OK, all_done(seq), total, run=14),
            last_counters=None if seq > 5 else all_done(seq),
            last_state=None if seq > 5 else JobState.PART if seq == 4 else JobState.OK,
            not_coupled=None if seq > 5 else 41 if seq == 4 else 0,
        )
        for seq, (name, direction, nav, crm, on, total) in enumerate(MAPPINGS, 1)
    )
    return HomeSnapshot("uat", "CRONUS International", "contoso.crm4", NOW, mappings, active, last)


def made_causes() -> list[Cause]:
    return [
        Cause(16, "CUSTOMER", "failed", "crm.duplicate", "CRM 412 duplicate accountnumber", 77, NOW, "Couple by hand."),
        Cause(16, "CUSTOMER", "failed", "crm.length", "address1_country exceeds 80 characters", 2, NOW, "Shorten it."),
    ]


def made_outcome(number: int, cause: Cause) -> RecordOutcome:
    return RecordOutcome(
        run=cause.run,
        seq=4,
        mapping=cause.mapping,
        direction=TO,
        kind=cause.kind,
        code=cause.code,
        cause=cause.cause,
        message=f"A record with matching key values already exists: accountnumber=0145{number:04}",
        hint=cause.hint,
        nav_no=f"0145{number:04}",
        name=("New Concepts Furniture", "Progressive Home Furnishings", "Zoë's Möbelhaus")[number % 3],
        nav_id=f"{number:08x}-0000-4000-8000-000000000000",
        crm_id=None,
        at=NOW,
    )


def made_partner(typed: str) -> Partner:
    """The account with that number, for whatever does not begin with an x."""
    if typed.startswith("x"):
        return Partner(problem=f"There is no account in CRM with the number {typed}.")
    return Partner("8f0c1f2a-0000-4000-8000-00000000000c", typed, "New Concepts Ltd.")


def made_conflicts(name: str = "New Concepts Furniture", crm: str = "New Concepts Ltd.") -> list[Conflict]:
    fields = (Clash("Name", "name", name, crm), Clash("Phone_No", "telephone1", "0711 1", None))
    ids = [f"{number:08x}-0000-4000-8000-000000000000" for number in (1, 2)]
    return [Conflict("CUSTOMER", id, id, f"0145000{n}", name, 16, NOW, fields) for n, id in enumerate(ids, 1)]


def made_schedule(*, running: bool = True, waiting: str = "") -> ScheduleSnapshot:
    """One entry in each state, and a mapping that is not scheduled."""
    states: dict[str, tuple[EntryState, dict[str, object]]] = {
        "CURRENCY": (EntryState.READY, {"next_at": NOW + timedelta(minutes=20), "last_run": 15, "last_at": NOW - timedelta(minutes=9), "result": "3 modified, 1 failed"}),
        "SALEPEOPLE": (EntryState.INACTIVE, {"next_at": NOW + timedelta(hours=20), "last_run": 15, "last_at": NOW, "result": "nothing to do"}),
        "UNITOFMEASURE": (EntryState.ON_HOLD, {"changed_by": "anna@pc"}),
        "CUSTOMER": (EntryState.READY, {"next_at": NOW, "run": 16}),
        "CONTACTS": (EntryState.ERROR, {"attempts": 10, "code": "refused", "message": "There is no page Contact.", "result": "failed"}),
        "RESOURCE-PRODUCT": (EntryState.READY, {"next_at": NOW - timedelta(seconds=5), "attempts": 2}),
    }  # fmt: skip
    rows = []
    for name, *_ in MAPPINGS:
        state, values = states.get(name, (None, {}))
        entry = None if state is None else Entry(**{"mapping": name, "state": state, "next_at": None, "changed_at": NOW, "changed_by": "ops@bastion", **values})  # type: ignore[arg-type]  # fmt: skip
        rows.append(ScheduleRow(name, "off" if entry is None else "every 30 min", entry))
    keeper = Keeper("ops@bastion, process 4711", NOW - timedelta(hours=3), waiting)
    return ScheduleSnapshot(NOW, running, keeper, tuple(rows))


def coupling_id(number: int, side: str) -> str:
    return f"{number * 2_654_435_761 % 2**32:08x}-{side}000-4000-8000-{number:012x}"


def made_couplings() -> list[CoupledRow]:
    """120 customers, the first ones with each word, and a few others."""
    words = {
        1: (CoupledState.FAILED, "CRM refused it: A record with matching key values already exists."),
        2: (CoupledState.SKIPPED, "It failed twice alike: address1_country exceeds 80 characters."),
        3: (CoupledState.CRM_GONE, "Its account is gone."),
        4: (CoupledState.NAV_GONE, "Its Customer is gone."),
        5: (CoupledState.CONFLICT, "Both sides changed Name, Phone_No; nothing is chosen yet."),
    }
    made = [
        CoupledRow(
            "CURRENCY", code, coupling_id(900 + at, "a"), coupling_id(900 + at, "b"), 12, NOW - timedelta(days=40)
        )
        for at, code in enumerate(("EUR", "USD"))
    ]
    for nth in range(1, 121):
        state, message = words.get(nth, (CoupledState.COUPLED, ""))
        name, told = ("New Concepts Furniture", NOW - timedelta(minutes=20)) if message else ("", None)
        made.append(
            CoupledRow(
                "CUSTOMER",
                f"0145{nth:04}",
                coupling_id(nth, "a"),
                coupling_id(nth, "b"),
                14,
                NOW - timedelta(days=2),
                state,
                name,
                message,
                told,
            )
        )
    return made


def made_records(one: CoupledRow) -> BothRecords:
    fields = (
        FieldPair("", "customertypecode", TO, "Customer (3)", "Customer (3)", Alike.SAME),
        FieldPair("Name", "name", BOTH, "New Concepts Furniture", "New Concepts Ltd.", Alike.DIFFERS),
        FieldPair(
            "Address", "address1_line1", BOTH, "705 West Peachtree Street", "705 West Peachtree Street", Alike.SAME
        ),
        FieldPair("City", "address1_city", BOTH, "Atlanta", "Atlanta", Alike.SAME),
        FieldPair("Phone_No", "telephone1", BOTH, "0711 1", "", Alike.DIFFERS),
        FieldPair(
            "Salesperson_Code", "ownerid", TO, "", "JR", Alike.UNKNOWN, "A blank leaves the other side as it is."
        ),
        FieldPair("Credit_Limit_LCY", "creditlimit", TO, "12.50", "12.50", Alike.SAME),
    )
    nav = OneRecord("Customer", one.nav_id, True, "New Concepts Furniture", "2026-03-11T09:12:00Z")
    crm = OneRecord("account", one.crm_id, True, "New Concepts Ltd.", "2026-03-12T11:58:31Z")
    return BothRecords(one.mapping, one.nav_no, nav, crm, fields)


def changed_settings() -> Settings:
    """The defaults, with CUSTOMER changed in all ways in which a mapping can be."""
    settings = settings_of(Path("/etc/coupler"))
    shipped = settings.mappings[3]
    fields = tuple(
        replace(one, direction=TO, transforms=(Transformation("trim"),)) if one.nav == "Name" else one
        for one in shipped.fields
        if one.nav != "Fax_No"
    )
    added = FieldMapping("Search_Name", "nickname", TO, nav_length=100, crm_length=100)
    customer = replace(
        shipped,
        conflict=ConflictPolicy.LATEST,
        nav=replace(shipped.nav, filter=(*shipped.nav.filter, Condition("Country_Region_Code", "eq", "DE"))),
        fields=(*fields, added),
        match=tuple(reversed(shipped.match)),
        templates=(Template("crm", (("accountcategorycode", 1),)),),
        options=(OptionMapping("PAYMENT TERMS", (("NET30", 1),)),),
    )
    others = tuple(customer if one.name == "CUSTOMER" else one for one in settings.mappings)
    return replace(settings, mappings=others)


def made_detail(standing: MappingSnapshot) -> MappingDetail:
    counted = next(one for one in planned_jobs() if one.mapping == standing.name)
    lines = mapping_detail(changed_settings(), standing.name)
    return MappingDetail(NOW, standing, Ledger(79, 4, 2), lines, counted, NOW)


def made_foreseen(no: int, seq: int, one_way: Direction, effect: Effect, *, run: int = 15) -> Foreseen:
    """A record of a plan."""
    nav, crm = f"{no:08x}-0000-4000-8000-000000000000", f"{no:08x}-0000-4000-8000-00000000000c"
    new = effect is Effect.INSERTED
    bad = effect in (Effect.AMBIGUOUS, Effect.FAILED)
    return Foreseen(
        run=run,
        seq=seq,
        mapping=MAPPINGS[seq - 1][0],
        direction=one_way,
        effect=effect,
        nav_no="" if new and one_way is FROM else f"0145{no:04}",
        name=("New Concepts Furniture", "Progressive Home Furnishings", "Zoë's Möbelhaus")[no % 3],
        nav_id=None if new and one_way is FROM else nav,
        crm_id=None if (new and one_way is TO) or bad else crm,
        code=effect.value if bad else "",
        message="2 uncoupled Account records have the same Name; nothing was coupled or created." if bad else "",
        hint="Merge the duplicates or couple the right one by hand, then run again." if bad else "",
    )


def made_difference() -> Difference:
    """Fields of every kind: text, a choice, an amount, a lookup, and one that a handling sets."""
    return Difference(
        at=NOW,
        effect=Effect.MODIFIED,
        changes=(
            FieldChange("Name", "name", "New Concepts Furniture", "New Concepts", "New Concepts Furniture"),
            FieldChange("City", "address1_city", "Atlanta", None, "Atlanta"),
            FieldChange("Credit_Limit_LCY", "creditlimit", "1200.5", "0", "1200.5"),
            FieldChange("Currency_Code", "transactioncurrencyid", "GBP", "EUR", "GBP"),
            FieldChange("Payment_Terms_Code", "paymenttermscode", "30 DAYS", 1, 2),
            FieldChange(
                "Home_Page", "websiteurl", "www.new-concepts.example", "http://" + "long/" * 60, "www.x.example"
            ),
            FieldChange("", "customertypecode", None, None, "Customer (3)"),
        ),
        nav_no="01450000",
        name="New Concepts Furniture",
        nav_id="00000000-0000-4000-8000-000000000000",
        crm_id="00000000-0000-4000-8000-00000000000c",
    )


def made_ambiguous(no: int) -> Ambiguous:
    """A record that several others match; every third one is a CRM record."""
    return Ambiguous(
        mapping="CUSTOMER",
        direction=FROM if no % 3 == 2 else TO,
        source_id=f"{no:08x}-0000-4000-8000-000000000000",
        nav_no="" if no % 3 == 2 else f"0145{no:04}",
        name=("New Concepts Furniture", "Progressive Home Furnishings", "Zoë's Möbelhaus")[no % 3],
        message="2 uncoupled Account records have the same Name; nothing was coupled or created.",
        run=16,
        at=NOW - timedelta(minutes=no),
    )


def made_review() -> Review:
    """Two accounts that match a customer by its name."""
    fields = (
        ReviewField("Name", "name", "New Concepts Furniture", True),
        ReviewField("City", "address1_city", "Atlanta", False),
        ReviewField("Phone_No", "telephone1", "0711 1", False),
        ReviewField("Salesperson_Code", "ownerid", "JR", False),
        ReviewField("Home_Page", "websiteurl", "", False),
    )
    return Review(
        NOW,
        fields,
        (
            Candidate(
                "0000000a-0000-4000-8000-00000000000c", "AC-17", "New Concepts Furniture", 4,
                ("new concepts furniture", "Atlanta", "0711 1", "JR", "www.new.example"), (True, True, True, True, False),
            ),
            Candidate(
                "0000000b-0000-4000-8000-00000000000c", "", "New Concepts Furniture", 1,
                ("New Concepts Furniture", "Berlin", None, "AH", None), (True, False, False, False, True),
            ),
        ),
    )  # fmt: skip


CONFIG = """\
environment = "uat"

[nav]
url = "https://nav.example.com:7048/NAV/ODataV4"
company = "CRONUS International"
secret = "env:NAV_SECRET"
# auth = "basic"

[crm]
url = "https://contoso.crm4.dynamics.com"
auth = "entra"
client_id = "6e4f2a10-0000-4000-8000-000000000000"
tenant = "contoso.example"
secret = "command:pass show coupler/crm"

[store]
url = "sqlite:////var/lib/coupler/uat.db"
"""


def quoted(text: str) -> str:
    """A text between the quotes of TOML."""
    return "".join("?" if 0xD800 <= ord(one) < 0xE000 else f"\\U{ord(one):08x}" for one in text)


def made_steps(side: Side) -> list[Tried]:
    name = side.upper()
    return [
        Tried(name, "token", State.OK, "found (env)"),
        Tried(name, "address", State.OK, "contoso.example answers at port 443"),
        Tried(name, "TLS", State.OK, "TLSv1.3, certificate until 2027-01-01"),
        Tried(name, "authentication", State.FAILED, "401 Unauthorized", "Renew the token.", Lacking.CONNECTION),
        Tried(name, "company CRONUS International", State.NOT_TRIED),
        Tried(name, "page Customer", State.NOT_TRIED),
    ]


class ScriptedConnections:
    """A config file that is nowhere, and steps that are taken one by one."""

    def __init__(self, text: str = CONFIG, calls: list[tuple[object, ...]] | None = None) -> None:
        self.calls: list[tuple[object, ...]] = [] if calls is None else calls
        self.text = text
        self.path = Path("/home/ops/.config/coupler/config.toml")
        self.doubtful: list[str] = []
        self.error: CouplerError | None = None
        self.steps_of = made_steps
        self.hold: asyncio.Event | None = None
        """While it is not set, no step but the first two comes."""

    def read(self) -> Form:
        if self.error is not None:
            raise self.error
        return formed(Draft(self.path, self.text.encode(), self.text, self.text))

    def doubts(self, form: Form) -> list[str]:
        return self.doubtful

    def save(self, form: Form) -> None:
        self.calls.append(("save", *difference(form.draft)))
        self.text = form.draft.text

    async def steps(self, form: Form, side: Side) -> AsyncIterator[Tried]:
        self.calls.append(("steps", side))
        for nth, one in enumerate(self.steps_of(side)):
            if nth == 2 and self.hold is not None:
                await self.hold.wait()
            await asyncio.sleep(0)
            yield one


def made_log() -> LogPage:
    """What an engine writes, and what it never would."""
    texts = [
        '{"run": 15, "environment": "uat", "pid": 812, "event": "engine ended", "level": "info", "timestamp": "2026-03-11T09:12:01.5Z"}',
        '{"run": 16, "environment": "uat", "pid": 913, "event": "engine started", "level": "info", "timestamp": "2026-03-12T11:57:53.1Z"}',
        '{"run": 16, "environment": "uat", "pid": 913, "code": "connection", "message": "CRM cannot be reached.", "hint": "Resume the run.", "event": "engine failed", "level": "error", "timestamp": "2026-03-12T12:04:31.1Z"}',
        "Traceback (most recent call last):",
    ]
    lines, at = [], 0
    for one in texts:
        lines.append(LogLine(at, one))
        at += len(one) + 1
    return LogPage(Path("/home/ops/.local/state/coupler/log/engine-uat.log"), tuple(lines), 0, at, at, (1, 1))


class ScriptedDoor:
    """Fields are what reads return; `calls` is what was asked for. A test changes the fields to make time pass."""

    environment = "uat"

    def __init__(self, *, production: bool = False, demo: bool = False) -> None:
        self.production = production
        self.demo = demo
        self.calls: list[tuple[object, ...]] = []
        self.now_active: RunSnapshot | None = None
        self.last: RunSnapshot | None = None
        self.runs: dict[int, RunSnapshot] = {}
        self.causes_found = made_causes()
        self.of_coupling: list[Cause] = []
        """What went wrong when a pair was coupled by hand, in run 17."""
        self.passes: list[PassSnapshot] = [
            made_pass(seq, TO, JobState.PART if seq == 4 else JobState.OK, all_done(seq), MAPPINGS[seq - 1][5], run=run)
            for run in (16, 15)
            for seq in (4, 3, 2, 1)
        ]
        self.partner_of: Callable[[str], Partner] = made_partner
        self.left_alone = 2
        self.coupled_ones = 77
        self.waiting = made_conflicts()
        self.schedule_found = made_schedule()
        self.coupled = made_couplings()
        self.records_of = made_records
        self.uncoupling = RunState.FINISHED
        self.detail_of = made_detail
        self.plan_state = RunState.FINISHED
        self.undo_lines = [
            UndoLine(name, removed=total // 3, restored=total // 4, uncoupled=total, left=seq // 4 * 3)
            for seq, (name, *_, total) in enumerate(MAPPINGS, 1)
        ]
        self.planned: int | None = None
        self.ambiguous_found = [made_ambiguous(no) for no in range(120)]
        self.review_found = made_review()
        self.couple_state = RunState.FINISHED
        self.couple_failed = 0
        self.foreseen_of = made_foreseen
        self.difference_found = made_difference()
        self.error: CouplerError | None = None
        self.outcome_of = made_outcome
        self.home_of = made_home
        self.scripted = ScriptedConnections(calls=self.calls)
        self.connections: Connections = self.scripted
        self.log_found = made_log()
        self.log_file: Path | None = None
        """A real file, instead of what was found."""

    def put(self, run: RunSnapshot) -> None:
        """This run is the active one now, or the last one when it is over."""
        self.runs[run.id] = run
        if run.kind in ("run", "undo"):
            self.now_active = run if run.state.active else None
        if run.kind == "run":
            self.last = run

    def change(self, run: int, **values: object) -> None:
        self.put(replace(self.runs[run], **values))  # type: ignore[arg-type]

    def _check(self) -> None:
        if self.error is not None:
            raise self.error

    def home(self) -> HomeSnapshot:
        self._check()
        return replace(self.home_of(self.now_active, self.last), plan=self.planned)

    def run(self, run: int) -> RunSnapshot:
        self._check()
        if run not in self.runs:
            raise RunError(f"There is no run {run}.")
        return self.runs[run]

    def going(self) -> RunSnapshot | None:
        return next((one for one in self.runs.values() if one.state is RunState.RUNNING), None)

    def history(self, limit: int, offset: int, words: tuple[str, ...]) -> list[PassSnapshot]:
        self._check()
        found = [one for one in self.passes if all(word in passes.words(one) for word in words)]
        return found[offset : offset + limit]

    def mapping(self, name: str) -> MappingDetail:
        self._check()
        home = self.home_of(self.now_active, self.last)
        return self.detail_of(next(one for one in home.mappings if one.name == name))

    def setting(self, mapping: str, key: str) -> Change:
        self._check()
        return changes.read(self.scripted.read().draft, mapping, key)

    def propose(self, mapping: str, key: str, value: str | None) -> Proposal:
        self._check()
        return changes.propose(self.scripted.read().draft, mapping, key, value)

    def write(self, proposal: Proposal) -> None:
        self._check()
        self.calls.append(("write", *proposal.lines))
        self.scripted.text = proposal.draft.text

    def couplings(self, mapping: str | None, search: str, after: Place | None, limit: int) -> CoupledPage:
        self._check()
        self.calls.append(("couplings", mapping, search, None if after is None else after.nav_no))
        found = [
            one
            for one in self.coupled
            if mapping in (None, one.mapping)
            and any(text.casefold().startswith(search.casefold()) for text in (one.nav_no, one.nav_id, one.crm_id))
        ]
        begin = 0 if after is None else [one.nav_id for one in found].index(after.nav_id) + 1
        rows, more = found[begin : begin + limit], len(found) > begin + limit
        place = Place(rows[-1].mapping, rows[-1].nav_no, rows[-1].nav_id) if more else None
        return CoupledPage(tuple(rows), place, {"CUSTOMER": ("CONTACTS",), "CURRENCY": ()})

    def count_couplings(self, mapping: str | None) -> int:
        self._check()
        return sum(mapping in (None, one.mapping) for one in self.coupled)

    def both_records(self, one: CoupledRow) -> BothRecords:
        self._check()
        self.calls.append(("both records", one.nav_no))
        return self.records_of(one)

    def uncouple(self, one: CoupledRow) -> int:
        self._check()
        self.calls.append(("uncouple", one.mapping, one.nav_id))
        sums = {4: Counters(read=1, uncoupled=1), 5: Counters(read=3, uncoupled=3)}
        jobs = tuple(made_job(seq, JobState.OK, each) for seq, each in sums.items())
        self.put(replace(made_run(self.uncoupling, id=17, kind="uncouple"), jobs=jobs))
        self.coupled = [each for each in self.coupled if each.nav_id != one.nav_id]
        return 17

    def log(self, end: int | None, words: tuple[str, ...]) -> LogPage:
        self._check()
        return self.log_found if self.log_file is None else logs.before(self.log_file, end, 100, words)

    def log_after(self, start: int, words: tuple[str, ...]) -> LogPage:
        self._check()
        return self.log_found if self.log_file is None else logs.after(self.log_file, start, 100, words)

    def schedule(self) -> ScheduleSnapshot:
        self._check()
        return self.schedule_found

    def hold(self, mapping: str) -> None:
        self.calls.append(("hold", mapping))

    def resume_entry(self, mapping: str) -> None:
        self.calls.append(("resume entry", mapping))

    def now(self, mapping: str) -> None:
        self.calls.append(("now", mapping))

    def stop_schedule(self) -> None:
        self.calls.append(("stop schedule",))

    def causes(self, run: int | None, mapping: str | None) -> list[Cause]:
        self._check()
        self.calls.append(("causes", run, mapping))
        return self.causes_found if run != 17 else self.of_coupling

    def outcomes(self, cause: Cause, limit: int, offset: int) -> list[RecordOutcome]:
        return [self.outcome_of(number, cause) for number in range(offset, min(cause.count, offset + limit))]

    def foreseen(
        self, run: int, seq: int, one_way: Direction, effect: Effect, limit: int, offset: int
    ) -> list[Foreseen]:
        self._check()
        self.calls.append(("foreseen", run, seq, one_way, effect, limit, offset))
        counters = next(
            one.counters for job in planned_jobs() if job.seq == seq for one in job.passes if one.direction is one_way
        )
        count = number(counters, effect) if effect.listed else 0
        return [self.foreseen_of(no, seq, one_way, effect) for no in range(offset, min(count, offset + limit))]

    def difference(self, record: Foreseen) -> Difference:
        self._check()
        self.calls.append(("difference", record.nav_no, record.effect))
        return self.difference_found

    def ambiguous(self, limit: int, offset: int) -> AmbiguousPage:
        self._check()
        self.calls.append(("ambiguous", limit, offset))
        return AmbiguousPage(len(self.ambiguous_found), tuple(self.ambiguous_found[offset : offset + limit]))

    def candidates(self, record: Ambiguous) -> Review:
        self._check()
        self.calls.append(("candidates", record.nav_no))
        return self.review_found

    def couple_match(self, record: Ambiguous, partner: str) -> int:
        self._check()
        self.calls.append(("couple", record.mapping, record.source_id, partner))
        job = JobSnapshot(
            4, "CUSTOMER", TO, JobState.OK, Counters(read=1, coupled=1 - self.couple_failed, failed=self.couple_failed),
            1, True, None, None, (),
        )  # fmt: skip
        self.put(replace(made_run(self.couple_state, id=30, kind="couple"), jobs=(job,), waiting=""))
        if self.couple_state is RunState.FINISHED and not self.couple_failed:
            self.ambiguous_found = [one for one in self.ambiguous_found if one.source_id != record.source_id]
        return 30

    def retry(self, cause: Cause, record: RecordOutcome | None) -> int:
        self._check()
        self.calls.append(("retry", cause.cause, None if record is None else record.nav_no))
        return self.left_alone

    def skip(self, cause: Cause, record: RecordOutcome | None) -> int:
        self._check()
        self.calls.append(("skip", cause.cause, None if record is None else record.nav_no))
        return self.coupled_ones

    def partner(self, record: RecordOutcome, typed: str) -> Partner:
        self._check()
        self.calls.append(("partner", record.nav_no, typed))
        return self.partner_of(typed)

    def couple(self, mapping: str, nav: str, crm: str) -> int:
        self._check()
        self.calls.append(("couple", mapping, nav, crm))
        self.runs[17] = made_run(RunState.FINISHED, id=17, kind="couple")
        return 17

    def conflicts(self, limit: int, offset: int) -> ConflictPage:
        self._check()
        return ConflictPage(len(self.waiting), tuple(self.waiting[offset : offset + limit]))

    def choose(self, conflict: Conflict, choices: Mapping[str, Choice]) -> None:
        self._check()
        self.calls.append(("choose", conflict.nav_no, dict(choices)))
        self.waiting = [
            replace(
                one, fields=tuple(replace(clash, choice=choices.get(clash.key, clash.choice)) for clash in one.fields)
            )
            if one.nav_id == conflict.nav_id
            else one
            for one in self.waiting
        ]

    def start(self, kind: Kind) -> int:
        self._check()
        self.calls.append(("start", kind))
        number = 15 if kind == "plan" else 16
        self.put(made_run(self.plan_state if kind == "plan" else RunState.RUNNING, id=number, kind=kind))
        return number

    def undo(self, run: int, *, dry: bool) -> int:
        self._check()
        self.calls.append(("undo", run, dry))
        if dry:
            self.put(replace(made_run(self.plan_state, id=22, kind="look"), message=""))
        else:
            self.put(replace(made_undo(RunState.RUNNING), undoes=run))
        return 22 if dry else 23

    def undone(self, run: int) -> list[UndoLine]:
        self._check()
        return self.undo_lines

    def resume(self, run: int) -> None:
        self.calls.append(("resume", run))
        self.change(run, state=RunState.RUNNING)

    def wish(self, run: int, wish: Wish) -> None:
        self.calls.append(("wish", run, wish))
        self.change(run, wish=wish)

    def cancel(self, run: int) -> None:
        self.calls.append(("cancel", run))
        self.change(run, state=RunState.CANCELLED)

    def answer(self, run: int, *, keep_cleared: bool) -> None:
        self.calls.append(("answer", run, keep_cleared))
        self.change(
            run,
            state=RunState.FINISHED,
            answer="yes" if keep_cleared else "no",
            answered_by="ops@bastion",
            answered_at=NOW,
        )

    def set_only_coupled(self, mapping: str, *, value: bool) -> None:
        self.calls.append(("only_coupled", mapping, value))
