"""The help page, made from the list of actions."""

from tui import actions
from tui.dialogs.info import Info
from tui.look import Look

HEADINGS: dict[actions.Scope, str] = {
    "home": "Integration table mappings",
    "run": "Run",
    "schedule": "Schedule",
    "history": "Integration synchronization jobs",
    "errors": "Errors",
    "left_alone": "Left alone",
    "conflicts": "Conflicts",
    "couplings": "Couplings",
    "broken": "Broken couplings",
    "records": "Both records",
    "mapping": "Mapping",
    "plan": "Plan",
    "planned": "Records of a plan",
    "difference": "A record field by field",
    "matches": "Match review",
    "candidates": "A record beside its candidates",
    "connections": "Connection setup",
    "trial": "Connection test",
    "log": "Log of the engine",
    "lists": "Lists",
    "everywhere": "Everywhere",
}


class Help(Info):
    """The keys of a screen, of lists, and those that are everywhere."""

    HINT = "j/k Scroll   esc Close"

    def __init__(self, look: Look, scope: actions.Scope) -> None:
        super().__init__(look, "Keys", lines(scope, look.keys))


def lines(scope: actions.Scope, keys: dict[str, str]) -> list[str]:
    """A line for each action."""
    made: list[str] = []
    scopes: tuple[actions.Scope, ...] = (scope, "lists", "everywhere")
    for one in scopes:
        made += ["", HEADINGS[one]]
        made += [f"  {actions.shown(action, keys, scope):<7}{action.help}" for action in actions.of(one)]
    return [*made[1:], "  1-9    Go to that row"]
