"""Every key of the program: bindings, footers and the help page are made from this list."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from types import MappingProxyType
from typing import Literal

from textual.binding import Binding, BindingType

from engine.config.keynames import SIGNS

Scope = Literal[
    "home",
    "run",
    "history",
    "errors",
    "left_alone",
    "conflicts",
    "schedule",
    "couplings",
    "broken",
    "records",
    "mapping",
    "plan",
    "planned",
    "difference",
    "matches",
    "candidates",
    "connections",
    "trial",
    "log",
    "lists",
    "everywhere",
]


@dataclass(frozen=True, slots=True)
class Action:
    """Something an operator can do. `key` is Textual's name of the key; `help` is the line of the help page."""

    scope: Scope
    name: str
    key: str
    label: str
    help: str

    @property
    def id(self) -> str:
        """What the configuration calls it, and what `check_action` is asked about."""
        return f"{self.scope}.{self.name}"


ACTIONS: tuple[Action, ...] = (
    Action(
        "home",
        "start",
        "s",
        "Full sync",
        "Count what a full synchronization would do, then ask to start it",
    ),
    Action("home", "preflight", "p", "Preflight", "What a full synchronization would do; counts it if need be"),
    Action("home", "resume", "r", "Resume", "Go on with the run that was stopped or interrupted"),
    Action("home", "answer", "a", "Answer", "Answer the closing question of the last run"),
    Action("home", "watch", "u", "Watch", "Show the progress of the run, of whatever kind; else the last full one"),
    Action("home", "detail", "enter", "Detail", "All that the mapping says, and what differs from the default"),
    Action("home", "history", "h", "History", "Integration synchronization jobs"),
    Action("home", "schedule", "S", "Schedule", "When modified records of each mapping are synchronized"),
    Action("home", "errors", "e", "Errors", "Failed and skipped records, equal problems together"),
    Action("home", "conflicts", "c", "Conflicts", "Fields that both sides changed and that wait for a choice"),
    Action("home", "couplings", "o", "Couplings", "What is coupled; both records side by side, uncouple"),
    Action("home", "matches", "m", "Matches", "Records that several others match: choose the right one"),
    Action("home", "sync", "N", "Sync modified", "Synchronize Modified Records of the mapping now; asks first"),
    Action("home", "only_coupled", "O", "OnlyCoupled", "Turn Synch. Only Coupled Records of the mapping on or off"),
    Action("home", "connections", "n", "Connections", "Both connections: change them, try them, save them"),
    Action("home", "log", "v", "Log", "What the engine wrote down of its work"),
    Action("run", "pause", "space", "Pause", "Pause after the page that is being written; again to go on"),
    Action("run", "cancel", "x", "Cancel", "End the run after the page that is being written; flags as before"),
    Action("run", "detach", "d", "Detach", "Leave; the run keeps going, `coupler attach` shows it again"),
    Action("run", "errors", "e", "Errors", "Failed and skipped records of this run, equal problems together"),
    Action("run", "history", "h", "History", "Integration synchronization jobs"),
    Action("run", "detail", "enter", "Job detail", "Everything about the job"),
    Action("run", "follow", "f", "Follow", "Hold the list of events still; again to follow it"),
    Action("run", "resume", "r", "Resume", "Go on with a run that was stopped or interrupted"),
    Action("run", "answer", "a", "Answer", "Answer the closing question"),
    Action("run", "log", "v", "Log", "What the engine wrote down of its work"),
    Action("run", "back", "escape", "Back", "One step back; the run keeps going"),
    Action("history", "errors", "enter", "Errors", "The errors of this job"),
    Action("history", "watch", "u", "Run", "The run of this job, as it goes on or as it ended"),
    Action("history", "filter", "slash", "Filter", "Look for jobs of all times that contain a text; esc clears it"),
    Action("history", "next_page", "n", "Next page", "The next 50 jobs"),
    Action("history", "previous_page", "p", "Previous", "The 50 jobs before"),
    Action("history", "export", "w", "Write CSV", "Write all jobs, or all that were found, to a file"),
    Action("history", "undo", "U", "Undo run", "Count what taking the run back would do, then ask to do it"),
    Action("history", "back", "escape", "Back", "One step back"),
    Action("errors", "open", "enter", "Open", "From a cause to its records, from a record to its detail"),
    Action("errors", "pane", "tab", "Pane", "Switch between causes and records"),
    Action("errors", "filter", "slash", "Filter", "Look for records by number or name; esc clears it"),
    Action("errors", "next_page", "n", "Next page", "The next 50 records"),
    Action("errors", "previous_page", "p", "Previous", "The 50 records before"),
    Action("errors", "retry", "r", "Retry", "Try skipped records of the cause, or the one record, again"),
    Action("errors", "skip", "K", "Skip", "Skip the coupled records of the cause, or the one record"),
    Action("errors", "couple", "M", "Couple", "Couple the record by hand with one of the other side"),
    Action("errors", "left_alone", "a", "Left alone", "What no run tries any more, of all mappings; try it again"),
    Action("errors", "export", "w", "Write CSV", "Write all records of all causes that are shown to a file"),
    Action("errors", "back", "escape", "Back", "One step back"),
    Action("left_alone", "detail", "enter", "Detail", "Everything about the record"),
    Action("left_alone", "next_page", "n", "Next page", "The next 50 records"),
    Action("left_alone", "previous_page", "p", "Previous", "The 50 records before"),
    Action("left_alone", "retry", "r", "Retry", "Let the record take part in the next pass"),
    Action("left_alone", "retry_all", "R", "Retry all", "Let all of them, of all mappings, take part; asks first"),
    Action("left_alone", "export", "w", "Write CSV", "Write all of these records to a file"),
    Action("left_alone", "back", "escape", "Back", "One step back"),
    Action(
        "conflicts",
        "open",
        "enter",
        "Fields",
        "From a record to its fields in conflict, from a field to its whole values",
    ),
    Action("conflicts", "filter", "slash", "Filter", "Look for records by number or name; esc clears it"),
    Action("conflicts", "next_page", "greater_than_sign", "Next page", "The next 50 records"),
    Action("conflicts", "previous_page", "less_than_sign", "Previous", "The 50 records before"),
    Action("conflicts", "nav", "n", "NAV", "NAV's value for both sides of the field"),
    Action("conflicts", "crm", "c", "CRM", "CRM's value for both sides of the field"),
    Action("conflicts", "write", "w", "Write", "Write the choices for the record; the next pass applies them"),
    Action("conflicts", "back", "escape", "Back", "One step back; choices that were not written are forgotten"),
    Action("schedule", "detail", "enter", "Detail", "Everything about the entry of the mapping"),
    Action("schedule", "watch", "u", "Watch", "The run of the mapping that is under way, or its last one"),
    Action("schedule", "hold", "h", "Hold", "Put the mapping on hold, until it is resumed"),
    Action("schedule", "resume", "r", "Resume", "Let the mapping go on after a hold or an error"),
    Action("schedule", "now", "n", "Run now", "Give the mapping its turn at once; asks first"),
    Action("schedule", "start", "s", "Start", "Start a process of its own that keeps the schedule; asks first"),
    Action("schedule", "stop", "x", "Stop", "End the process that keeps the schedule; asks first"),
    Action("schedule", "back", "escape", "Back", "One step back"),
    Action("couplings", "open", "enter", "Records", "Both records side by side, read from NAV and CRM"),
    Action("couplings", "search", "slash", "Search", "Search by number or id from their beginning; esc clears it"),
    Action("couplings", "next_page", "n", "Next page", "The next 50 couplings"),
    Action("couplings", "previous_page", "p", "Previous", "The 50 couplings before"),
    Action("couplings", "uncouple", "U", "Uncouple", "Remove the coupling; the records stay. Asks first"),
    Action("couplings", "couple", "M", "Couple", "Couple two records by hand, or make the partner of one"),
    Action("couplings", "broken", "B", "Broken", "Look on both sides for couplings with a lost record; asks first"),
    Action(
        "couplings", "export", "w", "Write CSV", "Write all couplings of the list, or all that were found, to a file"
    ),
    Action("couplings", "back", "escape", "Back", "One step back"),
    Action("broken", "detail", "enter", "Detail", "Everything about the coupling"),
    Action("broken", "next_page", "n", "Next page", "The next 50 couplings"),
    Action("broken", "previous_page", "p", "Previous", "The 50 couplings before"),
    Action("broken", "restore", "r", "Restore", "Make the lost record again from the other one; asks first"),
    Action("broken", "restore_all", "R", "Restore all", "Make all lost records again from the others; asks first"),
    Action("broken", "remove", "d", "Remove", "Remove the coupling; nothing is written to NAV or CRM. Asks first"),
    Action("broken", "remove_all", "D", "Remove all", "Remove all couplings with a lost record; asks first"),
    Action("broken", "export", "w", "Write CSV", "Write all that were found to a file"),
    Action("broken", "back", "escape", "Back", "One step back"),
    Action("records", "detail", "enter", "Values", "Both values of the field in full"),
    Action("records", "differing", "d", "Differing", "Show the fields that differ only; again for all"),
    Action("records", "address", "a", "Address", "Where CRM's web client shows the row; c copies the address there"),
    Action("records", "again", "r", "Read again", "Read both records from NAV and CRM again"),
    Action("records", "back", "escape", "Back", "One step back"),
    Action(
        "mapping",
        "detail",
        "enter",
        "In full",
        "All of the line under the cursor, and the key of config.toml that changes it",
    ),
    Action("mapping", "edit", "E", "Edit", "Change the setting in config.toml; shows the lines, and asks first"),
    Action("mapping", "section", "tab", "Section", "The next section"),
    Action("mapping", "couplings", "o", "Couplings", "The couplings of the mapping"),
    Action("mapping", "match", "m", "Match", "Couple uncoupled records by the match rules; asks first"),
    Action("mapping", "couple", "M", "Couple", "Couple two of its records by hand, or make the partner of one"),
    Action("mapping", "errors", "e", "Errors", "What went wrong with records of the mapping, in all runs"),
    Action("mapping", "sync", "N", "Sync modified", "Synchronize Modified Records of the mapping now; asks first"),
    Action("mapping", "only_coupled", "O", "OnlyCoupled", "Turn Synch. Only Coupled Records on or off; asks first"),
    Action("mapping", "back", "escape", "Back", "One step back"),
    Action("plan", "open", "enter", "Records", "The records of the job, by what would become of them"),
    Action("plan", "count", "p", "Count anew", "Count again what a full synchronization would do; nothing is written"),
    Action("plan", "export", "w", "Write CSV", "Write the counts to a file"),
    Action("plan", "back", "escape", "Back", "One step back"),
    Action("planned", "open", "enter", "Open", "From what would be done to the records, from a record to its fields"),
    Action("planned", "pane", "tab", "Pane", "Switch between what would be done and the records"),
    Action("planned", "filter", "slash", "Filter", "Look for records by number or name; esc clears it"),
    Action("planned", "next_page", "n", "Next page", "The next 50 records"),
    Action("planned", "previous_page", "p", "Previous", "The 50 records before"),
    Action("planned", "export", "w", "Write CSV", "Write the records of the job to a file, whatever is done to them"),
    Action("planned", "back", "escape", "Back", "One step back"),
    Action("difference", "open", "enter", "Whole values", "All of what stands there and of what it would become"),
    Action("difference", "again", "r", "Read again", "Compare both sides of the record once more"),
    Action("difference", "export", "w", "Write CSV", "Write the fields of the record to a file"),
    Action("difference", "back", "escape", "Back", "One step back"),
    Action("matches", "open", "enter", "Candidates", "The record beside those that match it"),
    Action("matches", "filter", "slash", "Filter", "Look for records by number or name; esc clears it"),
    Action("matches", "next_page", "n", "Next page", "The next 50 records"),
    Action("matches", "previous_page", "p", "Previous", "The 50 records before"),
    Action("matches", "export", "w", "Write CSV", "Write all of these records to a file"),
    Action("matches", "back", "escape", "Back", "One step back"),
    Action("candidates", "open", "enter", "Open", "From a candidate to its fields, from a field to its whole values"),
    Action("candidates", "couple", "C", "Couple", "Couple the record with the candidate; asks first"),
    Action("candidates", "again", "r", "Read again", "Look for candidates on both sides once more"),
    Action("candidates", "back", "escape", "Back", "One step back"),
    Action("connections", "edit", "enter", "Edit", "Change the setting; nothing is written before it is saved"),
    Action("connections", "nav", "n", "Test NAV", "Try NAV step by step, as it stands here; nothing is written"),
    Action("connections", "crm", "c", "Test CRM", "Try CRM step by step, as it stands here; nothing is written"),
    Action("connections", "save", "w", "Save", "Write config.toml; shows the lines that change, and asks first"),
    Action("connections", "sync", "s", "Full sync", "Run Full Synchronization: count what it would do, then ask"),
    Action("connections", "demo", "d", "Demo", "Try everything on two local servers with made-up data"),
    Action("connections", "back", "escape", "Back", "One step back; asks first while something is not saved"),
    Action("trial", "detail", "enter", "Detail", "Everything about the step"),
    Action("trial", "again", "r", "Again", "Try all steps again"),
    Action("trial", "back", "escape", "Back", "One step back; what is not tried yet is not tried"),
    Action("log", "detail", "enter", "Whole line", "The line in full"),
    Action("log", "follow", "f", "Follow", "Hold the log still; again to follow it"),
    Action("log", "filter", "slash", "Filter", "Show the lines that contain a text; esc clears it"),
    Action("log", "earlier", "p", "Earlier", "The lines before"),
    Action("log", "later", "n", "Later", "The lines after"),
    Action("log", "back", "escape", "Back", "One step back"),
    Action("lists", "cursor_down", "j,down", "Down", "Move down"),
    Action("lists", "cursor_up", "k,up", "Up", "Move up"),
    Action("lists", "page_down", "pagedown", "Page down", "Move down a page"),
    Action("lists", "page_up", "pageup", "Page up", "Move up a page"),
    Action("lists", "scroll_top", "g,home", "First", "First row"),
    Action("lists", "scroll_bottom", "G,end", "Last", "Last row"),
    Action("everywhere", "zone", "t", "UTC/local", "Show times in UTC or in this machine's time zone"),
    Action("everywhere", "copy", "c,y", "Copy", "Send the row under the cursor to the terminal's clipboard (OSC 52)"),
    Action(
        "everywhere", "to_file", "l", "To file", "Write what the screen shows, or a box of text, to a new text file"
    ),
    Action("everywhere", "keys", "question_mark", "Help", "The keys of the screen"),
    Action(
        "everywhere",
        "command_palette",
        "ctrl+p,colon",
        "Commands",
        "Go anywhere (also by `:`): any screen or action by its name",
    ),
    Action("everywhere", "leave", "q,ctrl+c,ctrl+q", "Quit", "Leave the program; asks first while a run is going"),
)

ROWS = tuple("123456789")
"""Keys that go to a row of a list; they stay as they are."""

_SHOWN = {name: sign for sign, name in SIGNS.items()} | {"escape": "esc", "pagedown": "PgDn", "pageup": "PgUp"}


def bindings(
    scope: Scope, names: tuple[str, ...] = (), keys: Mapping[str, str] = MappingProxyType({})
) -> list[BindingType]:
    """What a class of that scope binds, or of that only what is named. The configuration may remap by the id;
    `keys` are those of the configuration, for what is to be remapped at once.

    Control keys win over whatever has the focus and over dialogs; letters do not, or no filter could hold a `q`.
    """
    return [
        Binding(key, one.name, one.label, show=False, id=one.id, priority=key.startswith("ctrl+"))
        for one in ACTIONS
        if one.scope == scope and (not names or one.name in names)
        for key in _keys(one, keys)
    ]


def of(scope: Scope) -> list[Action]:
    """The actions of a scope, in the order in which people see them."""
    return [one for one in ACTIONS if one.scope == scope]


def shown(action: Action, keys: dict[str, str], scope: Scope | None = None) -> str:
    """The key as people read it, the first one when there are several: `^p`, `?`, `enter`; on a screen of that scope
    the first one that means nothing else there.
    """
    taken = set() if scope in (None, action.scope) else {key for one in of(scope) for key in _keys(one, keys)}
    own = _keys(action, keys)
    return named(next((key for key in own if key not in taken), own[0]))


def clashes(keys: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """With these keys by action: an action that has a key of its own, the key, and the other action that it belongs to
    on a screen. What a screen takes by default from those that are everywhere, it may take while they have another key.
    """
    usual = {(scope, key, other.id) for scope, key, _, other in _doubled({})}
    found: dict[tuple[str, str, str], None] = {}
    for scope, key, one, other in _doubled(keys):
        if one.scope == scope and (scope, key, other.id) in usual and len(_keys(other, keys)) > 1:
            continue
        mine, its = (one, other) if one.id in keys else (other, one)
        found[mine.id, key, its.id] = None
    return list(found)


def _doubled(keys: Mapping[str, str]) -> Iterator[tuple[Scope, str, Action, Action]]:
    """Each key that two actions have on one screen, that of the screen first."""
    for scope in dict.fromkeys(one.scope for one in ACTIONS):
        if scope in ("lists", "everywhere"):
            continue
        by_key: dict[str, list[Action]] = {}
        for one in (*of(scope), *of("lists"), *of("everywhere")):
            for key in dict.fromkeys(_keys(one, keys)):
                by_key.setdefault(key, []).append(one)
        for key, several in by_key.items():
            for one, other in combinations(several, 2):
                yield scope, key, one, other


def named(key: str) -> str:
    """A key as people read it, by Textual's name of it."""
    return f"^{named(key[5:])}" if key.startswith("ctrl+") else _SHOWN.get(key, key)


def _keys(action: Action, keys: Mapping[str, str]) -> list[str]:
    return keys.get(action.id, action.key).split(",")
