"""What is said when a setting of a mapping is changed: what it can be, and which lines are written; pure."""

from engine.config.changes import Proposal
from engine.config.edit import modes
from engine.model.detail import Change

LONGEST = 2_000
"""Characters of a text."""
DEFAULT = "default"
"""The choice that takes a setting out of config.toml."""


def choices(change: Change) -> list[tuple[str, str]]:
    """What a setting can be, each with what it does; to be as by default is one of it."""
    found = [(one.name, one.meaning) for one in change.choices]
    if change.default is None:
        return found
    return [*found, (DEFAULT, f"not in config.toml; today that is {change.default}")]


def chosen(change: Change) -> str:
    """The choice that is in effect."""
    return change.value if change.written or change.default is None else DEFAULT


def explained(change: Change) -> list[str]:
    """What a dialog says before a value is chosen or typed."""
    if change.choices:
        return [*change.help, *change.left_out, ""]
    usual = "It must say something." if change.default is None else f"Blank = the default: {change.default}"
    return [*change.help, usual, ""]


def fixed(change: Change) -> list[str]:
    """Why a setting stays as it is; nothing where it can be changed."""
    return [] if change.choices or not change.left_out else [*change.left_out, "", "It stays as it is."]


def refused(made: Proposal) -> list[str]:
    """Why a value is not written."""
    return [f"! {made.fault}", "", "Nothing was written."] if made.fault else ["Nothing changes."]


def saving(made: Proposal) -> list[str]:
    """What is asked before the file is written."""
    draft = made.draft
    said = [f"Changed lines of {draft.path}"]
    if draft.linked is not None:
        said.append(f"It is a link; what changes is {draft.linked}")
    now, then = modes(draft)
    if now is not None and now & ~then:
        said.append(f"- Others can use the file now (mode {now:o}); then its owner alone can ({then:o}).")
    lines = (f"  {one}" for one in made.lines if len(one) > len("+ "))  # a blank one says nothing
    return [*said, "", *lines, "", "Runs from now on use it; the schedule reads it by itself."]
