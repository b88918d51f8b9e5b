"""Every key of the program: bindings, footers and the help page are made from this list."""

from dataclasses import dataclass
from typing import Literal

from textual.binding import Binding, BindingType

Scope = Literal[
    "home",
    "run",
    "history",
    "errors",
    "conflicts",
    "schedule",
    "couplings",
    "records",
    "mapping",
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
    Action("home", "preflight", "p", "Preflight", "Count what a full synchronization would do; nothing is written"),
    Action("home", "resume", "r", "Resume", "Go on with the run that was stopped or interrupted"),
    Action("home", "answer", "a", "Answer", "Answer the closing question of the last run"),
    Action("home", "watch", "u", "Watch", "Show the progress of the run"),
    Action("home", "detail", "enter", "Detail", "All that the mapping says, and what differs from the default"),
    Action("home", "history", "h", "History", "Integration synchronization jobs"),
    Action("home", "schedule", "S", "Schedule", "When modified records of each mapping are synchronized"),
    Action("home", "errors", "e", "Errors", "Failed and skipped records, equal problems together"),
    Action("home", "conflicts", "c", "Conflicts", "Fields that both sides changed and that wait for a choice"),
    Action("home", "couplings", "o", "Couplings", "What is coupled; both records side by side, uncouple"),
    Action("home", "only_coupled", "O", "OnlyCoupled", "Turn Synch. Only Coupled Records of the mapping on or off"),
    Action("run", "pause", "space", "Pause", "Pause after the page that is being written; again to go on"),
    Action("run", "cancel", "x", "Cancel", "End the run after the page that is being written; flags as before"),
    Action("run", "detach", "d", "Detach", "Leave; the run keeps going, `coupler attach` shows it again"),
    Action("run", "errors", "e", "Errors", "Failed and skipped records of this run, equal problems together"),
    Action("run", "history", "h", "History", "Integration synchronization jobs"),
    Action("run", "detail", "enter", "Job detail", "Everything about the job"),
    Action("run", "follow", "f", "Follow", "Hold the list of events still; again to follow it"),
    Action("run", "resume", "r", "Resume", "Go on with a run that was stopped or interrupted"),
    Action("run", "answer", "a", "Answer", "Answer the closing question"),
    Action("run", "back", "escape", "Back", "One step back; the run keeps going"),
    Action("history", "errors", "enter", "Errors", "The errors of this job"),
    Action("history", "filter", "slash", "Filter", "Show the jobs that contain a text; esc clears it"),
    Action("history", "export", "w", "Write CSV", "Write the jobs that are shown to a file"),
    Action("history", "back", "escape", "Back", "One step back"),
    Action("errors", "open", "enter", "Open", "From a cause to its records, from a record to its detail"),
    Action("errors", "pane", "tab", "Pane", "Switch between causes and records"),
    Action("errors", "next_page", "n", "Next page", "The next 50 records"),
    Action("errors", "previous_page", "p", "Previous", "The 50 records before"),
    Action("errors", "export", "w", "Write CSV", "Write all records of all causes that are shown to a file"),
    Action("errors", "back", "escape", "Back", "One step back"),
    Action(
        "conflicts",
        "open",
        "enter",
        "Fields",
        "From a record to its fields in conflict, from a field to its whole values",
    ),
    Action("conflicts", "nav", "n", "NAV", "NAV's value for both sides of the field"),
    Action("conflicts", "crm", "c", "CRM", "CRM's value for both sides of the field"),
    Action("conflicts", "write", "w", "Write", "Write the choices for the record; the next pass applies them"),
    Action("conflicts", "back", "escape", "Back", "One step back; choices that were not written are forgotten"),
    Action("schedule", "detail", "enter", "Detail", "Everything about the entry of the mapping"),
    Action("schedule", "hold", "h", "Hold", "Put the mapping on hold, until it is resumed"),
    Action("schedule", "resume", "r", "Resume", "Let the mapping go on after a hold or an error"),
    Action("schedule", "now", "n", "Run now", "Give the mapping its turn at once"),
    Action("schedule", "stop", "x", "Stop", "End the process that keeps the schedule; asks first"),
    Action("schedule", "back", "escape", "Back", "One step back"),
    Action("couplings", "open", "enter", "Records", "Both records side by side, read from NAV and CRM"),
    Action("couplings", "search", "slash", "Search", "Search by number or id from their beginning; esc clears it"),
    Action("couplings", "next_page", "n", "Next page", "The next 50 couplings"),
    Action("couplings", "previous_page", "p", "Previous", "The 50 couplings before"),
    Action("couplings", "uncouple", "U", "Uncouple", "Remove the coupling; the records stay. Asks first"),
    Action(
        "couplings", "export", "w", "Write CSV", "Write all couplings of the list, or all that were found, to a file"
    ),
    Action("couplings", "back", "escape", "Back", "One step back"),
    Action("records", "detail", "enter", "Values", "Both values of the field in full"),
    Action("records", "differing", "d", "Differing", "Show the fields that differ only; again for all"),
    Action("records", "again", "r", "Read again", "Read both records from NAV and CRM again"),
    Action("records", "back", "escape", "Back", "One step back"),
    Action(
        "mapping",
        "detail",
        "enter",
        "In full",
        "All of the line under the cursor, and the key of config.toml that changes it",
    ),
    Action("mapping", "section", "tab", "Section", "The next section"),
    Action("mapping", "couplings", "o", "Couplings", "The couplings of the mapping"),
    Action("mapping", "errors", "e", "Errors", "What went wrong with records of the mapping, in all runs"),
    Action("mapping", "only_coupled", "O", "OnlyCoupled", "Turn Synch. Only Coupled Records on or off; asks first"),
    Action("mapping", "back", "escape", "Back", "One step back"),
    Action("lists", "cursor_down", "j,down", "Down", "Move down"),
    Action("lists", "cursor_up", "k,up", "Up", "Move up"),
    Action("lists", "page_down", "pagedown", "Page down", "Move down a page"),
    Action("lists", "page_up", "pageup", "Page up", "Move up a page"),
    Action("lists", "scroll_top", "g,home", "First", "First row"),
    Action("lists", "scroll_bottom", "G,end", "Last", "Last row"),
    Action("everywhere", "zone", "t", "UTC/local", "Show times in UTC or in this machine's time zone"),
    Action("everywhere", "keys", "question_mark", "Help", "This page"),
    Action("everywhere", "command_palette", "ctrl+p", "Commands", "Find a command by its name"),
    Action("everywhere", "leave", "q,ctrl+c,ctrl+q", "Quit", "Leave the program; asks first while a run is going"),
)

_NAMES = {"question_mark": "?", "slash": "/", "escape": "esc", "pagedown": "PgDn", "pageup": "PgUp"}


def bindings(scope: Scope) -> list[BindingType]:
    """What a class of that scope binds; the configuration may remap by the id.

    Control keys win over whatever has the focus and over dialogs; letters do not, or no filter could hold a `q`.
    """
    return [
        Binding(key, one.name, one.label, show=False, id=one.id, priority=key.startswith("ctrl+"))
        for one in ACTIONS
        if one.scope == scope
        for key in one.key.split(",")
    ]


def of(scope: Scope) -> list[Action]:
    """The actions of a scope, in the order in which people see them."""
    return [one for one in ACTIONS if one.scope == scope]


def shown(action: Action, keys: dict[str, str]) -> str:
    """The key as people read it, the first one when there are several: `^p`, `?`, `enter`."""
    key = keys.get(action.id, action.key).split(",")[0]
    return f"^{key[5:]}" if key.startswith("ctrl+") else _NAMES.get(key, key)
