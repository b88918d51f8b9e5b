"""Why an action cannot be done now, in words: footers leave such keys out, and pressing one says the reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.model.states import EntryState, RunState

if TYPE_CHECKING:
    from engine.config.edit import Form
    from engine.model.detail import MappingDetail, Setting
    from engine.model.schedule import ScheduleRow, ScheduleSnapshot
    from engine.model.snapshot import HomeSnapshot, RecordOutcome, RunSnapshot
    from engine.runs.logs import LogPage


def home(name: str, home: HomeSnapshot | None) -> str | None:
    """The home screen: why the action cannot be done now; None when it can."""
    if home is None:
        return "The store has not answered yet."
    run = home.active
    if name == "preflight" and home.plan is not None:
        return None
    if name in ("start", "preflight", "sync"):
        return None if run is None else f"Run {run.id} is not finished: {_way_on(run)}."
    if name == "resume":
        if run is None:
            return "There is no run to resume."
        return None if can_resume(run) else f"Run {run.id} is {run.state}: {_way_on(run)}."
    if name == "answer":
        return None if run is not None and run.state is RunState.ASKING else "No run waits for an answer."
    if name == "watch":
        return None if run or home.going or home.last_run else "There was no run yet."
    return None


def run(name: str, run: RunSnapshot | None, *, demo: bool = False) -> str | None:
    """The run screen: why the action cannot be done now; None when it can."""
    if run is None:
        return "The store has not answered yet."
    if name == "detach":
        if demo:
            return "The demo's servers end when you leave, and with them the run. q = leave"
        return None if run.state is RunState.RUNNING else f"Run {run.id} is {run.state}; nothing keeps going. q = quit"
    if name == "pause":
        return None if run.state is RunState.RUNNING else f"Run {run.id} is {run.state}; only a running one can pause."
    if name == "cancel":
        return None if run.state.active else f"Run {run.id} is {run.state} already."
    if name == "resume":
        if can_resume(run):
            return None
        return f"Run {run.id} is {run.state}{f': {on}' if (on := instead(run)) else '; there is nothing to resume'}."
    if name == "answer":
        return None if run.state is RunState.ASKING else f"Run {run.id} is {run.state}; it does not ask anything."
    return None


def can_resume(run: RunSnapshot) -> bool:
    """Whether an engine can go on with the run: a full synchronization, or the undo of one."""
    return run.state.resumable and (run.kind == "run" or run.undoes is not None)


def instead(run: RunSnapshot) -> str:
    """What to do with a run that did not get to its end and cannot be resumed; blank for any other."""
    return "" if can_resume(run) or not run.state.resumable else "it cannot be resumed; start it again for the rest"


def errors(name: str, causes: int, page: int, pages: int) -> str | None:
    """The errors screen: why the action cannot be done now; None when it can."""
    if not causes and name not in ("left_alone", "back"):
        return "There are no errors."
    return _paging(name, page, pages)


def left_alone(name: str, rows: int, page: int, pages: int) -> str | None:
    """The records that are left alone: why the action cannot be done now; None when it can."""
    if not rows and name in ("detail", "retry", "retry_all", "export"):
        return "No record is left alone."
    return _paging(name, page, pages)


def plan(name: str, rows: int, page: int = 1, pages: int = 1) -> str | None:
    """The plan, one of its lists, or one record: why the action cannot be done now; None when it can."""
    if not rows and name in ("open", "pane", "export"):
        return "There is nothing to write." if name == "export" else "There is nothing to open."
    return _paging(name, page, pages)


def conflicts(name: str, rows: int | None, page: int, pages: int) -> str | None:
    """The conflicts: why the action cannot be done now; None when it can. `rows` is None before the store answered."""
    if name == "back":
        return None
    if rows is None:
        return "The store has not answered yet."
    if not rows and name in ("open", "nav", "crm", "write"):
        return "No conflict waits."
    return _paging(name, page, pages)


def matches(name: str, rows: int, page: int = 1, pages: int = 1) -> str | None:
    """The match review, or one record of it: why the action cannot be done now; None when it can."""
    if not rows and name in ("open", "couple", "export"):
        return "No record waits for a choice." if name != "couple" else "There is no candidate to couple it with."
    return _paging(name, page, pages)


def history(name: str, jobs: int, page: int = 1, *, more: bool = False, filtered: bool = False) -> str | None:
    """The history screen: why the action cannot be done now; None when it can. `jobs` is how many are on the page."""
    if name == "next_page":
        return None if more else "This is the last page."
    if name == "previous_page":
        return None if page > 1 else "This is the first page."
    if jobs or name == "back" or (filtered and name == "filter"):
        return None
    return "No job matches the filter." if filtered else "Nothing ran yet."


def couplings(name: str, shown: int, page: int, *, more: bool, searched: bool, busy: bool) -> str | None:
    """The couplings: why the action cannot be done now; None when it can. `shown` is how many are on the page."""
    if name in ("open", "uncouple", "export") and not shown:
        return "Nothing is found; esc shows all." if searched else "Nothing is coupled."
    if name == "broken" and not (shown or searched):
        return "Nothing is coupled."
    if name == "uncouple" and busy:
        return "Another coupling is being removed."
    if name == "next_page":
        return None if more else "This is the last page."
    if name == "previous_page":
        return None if page > 1 else "This is the first page."
    return None


def broken(name: str, one: RecordOutcome | None, page: int, pages: int, *, mended: str, busy: bool) -> str | None:
    """Couplings with a lost record: why the action cannot be done now, to that one; None when it can. `mended` is what
    was done about it already.
    """
    if name in ("restore", "remove", "restore_all", "remove_all") and busy:
        return "Another coupling is being mended."
    if name in ("restore", "remove") and mended:
        return f"It is {mended} already."
    if name == "restore" and one is not None and one.code == "both_gone":
        return "Both records are gone: nothing is left to make one from. d = remove the coupling"
    return _paging(name, page, pages)


def records(name: str, *, read: bool, reading: bool, crm_gone: bool = False) -> str | None:
    """Both records: why the action cannot be done now; None when it can."""
    if name == "back":
        return None
    if name == "address":
        return "The row is gone in CRM; no page shows it." if crm_gone else None
    if reading:
        return "NAV and CRM are being read."
    return None if read or name == "again" else "They could not be read; r tries again."


def mapping(name: str, found: MappingDetail | None, one: Setting | None) -> str | None:
    """One mapping: why the action cannot be done now, to the line of that setting; None when it can."""
    if name == "back":
        return None
    if found is None:
        return "The store has not answered yet."
    if name == "detail" and one is None:
        return "This is the name of a section; its lines can be shown in full."
    if name == "sync":
        return None if found.holds is None else f"Run {found.holds.id} is {found.holds.state}: {_before(found.holds)}."
    if name != "edit":
        return None
    if one is None:
        return "This is the name of a section; its lines can be changed."
    if not one.key:
        hand = f"It is changed by hand: {one.change} of config.toml." if one.change else one.more
        return hand or "It says how the mapping stands; nothing changes it."
    run = found.holds
    if run is None:
        return None
    if run.state is RunState.RUNNING:
        return f"Run {run.id} is running; the mappings stay as they are until it ends."
    return f"Run {run.id} is {run.state} and needs its mappings: {_before(run)}."


def _before(run: RunSnapshot) -> str:
    """What comes before anything else can be done with the mappings of a run."""
    if run.state is RunState.RUNNING:
        return "wait for its end"
    return "answer it first" if run.state is RunState.ASKING else "go on with it or cancel it first"


def schedule(name: str, found: ScheduleSnapshot | None, row: ScheduleRow | None, *, demo: bool = False) -> str | None:
    """The schedule: why the action cannot be done now, to the mapping of that row; None when it can."""
    if name == "back":
        return None
    if found is None:
        return "The store has not answered yet."
    if name == "watch":
        return None if row is not None and row.run is not None else "It has had no run yet."
    if name == "stop":
        return None if found.running else "Nobody keeps the schedule; s = start it."
    if name == "start":
        if found.running:
            owner = "" if found.keeper is None else f", by {found.keeper.owner}"
            return f"The schedule is kept already{owner}; x = stop it."
        return "The demo's servers end when you leave; a schedule would go on without them." if demo else None
    if row is None or (row.entry is None and row.when == "off"):
        return "The mapping is not scheduled: [schedule] of config.toml says so."
    state = None if row.entry is None else row.entry.state
    if name == "hold":
        return f"{row.mapping} is on hold already." if state is EntryState.ON_HOLD else None
    if name == "resume":
        return (
            f"{row.mapping} has its turns; there is nothing to resume." if state in (None, EntryState.READY) else None
        )
    if name == "now":
        return f"{row.mapping} is on hold; r = resume it first" if state is EntryState.ON_HOLD else None
    return None


def connections(name: str, form: Form | None, *, new: bool) -> str | None:
    """The connection setup: why the action cannot be done now; None when it can. `new` is before there is a file."""
    if name == "back":
        return "There is no screen before this one. q = quit" if new else None
    if name == "demo":
        return None if new else "`coupler demo` starts it, beside this."
    if form is None:
        return "The config file was not read yet."
    if name == "save":
        return None if form.draft.changed else "Nothing was changed."
    if name == "sync":
        if new or form.draft.changed:
            return "Save the connections first: w"
        return None if not form.faults else "Mend what is marked with ! first."
    return None


def log(name: str, found: LogPage | None, *, follows: bool) -> str | None:
    """The log: why the action cannot be done now; None when it can."""
    if name in ("back", "follow", "filter"):
        return None
    if found is None:
        return "The log was not read yet."
    if name == "detail":
        return None if found.lines else "There is no line."
    if name == "earlier":
        return "This is the beginning of the log." if found.begins else None
    if name == "later":
        return "This is the end of the log." if follows or found.ends else None
    return None


def _paging(name: str, page: int, pages: int) -> str | None:
    if name == "next_page":
        return None if page < pages else "This is the last page."
    if name == "previous_page":
        return None if page > 1 else "This is the first page."
    return None


def _way_on(run: RunSnapshot) -> str:
    if run.state is RunState.ASKING:
        return "a = answer its question"
    return instead(run) or ("r = resume it, u = look at it" if can_resume(run) else "u = watch it")
