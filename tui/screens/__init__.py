"""The screens, each with its style sheet beside it. `screens.Run(...)` is one: it is loaded when it is first named."""

from typing import TYPE_CHECKING

from engine.on_first_use import on_first_use

__all__ = [
    "Broken",
    "Candidates",
    "Conflicts",
    "Couplings",
    "Difference",
    "Errors",
    "History",
    "Home",
    "LeftAlone",
    "Log",
    "Mapping",
    "Matches",
    "Plan",
    "Planned",
    "Records",
    "Run",
    "Schedule",
    "Setup",
    "Trial",
]

if TYPE_CHECKING:
    from tui.screens.broken import Broken
    from tui.screens.candidates import Candidates
    from tui.screens.conflicts import Conflicts
    from tui.screens.couplings import Couplings
    from tui.screens.difference import Difference
    from tui.screens.errors import Errors
    from tui.screens.history import History
    from tui.screens.home import Home
    from tui.screens.left_alone import LeftAlone
    from tui.screens.log import Log
    from tui.screens.mapping import Mapping
    from tui.screens.matches import Matches
    from tui.screens.plan import Plan
    from tui.screens.planned import Planned
    from tui.screens.records import Records
    from tui.screens.run import Run
    from tui.screens.schedule import Schedule
    from tui.screens.setup import Setup
    from tui.screens.trial import Trial
else:
    __getattr__ = on_first_use(__name__, __all__, {"LeftAlone": "left_alone"})
