"""Questions and details over a screen. A dialog returns a value; the screen that asked acts upon it.

`dialogs.Info(...)` is one: it is loaded when it is first named.
"""

from typing import TYPE_CHECKING

from engine.on_first_use import on_first_use

__all__ = [
    "Confirm",
    "Count",
    "Dialog",
    "Entry",
    "Help",
    "Info",
    "Leave",
    "Only",
    "Partner",
    "Pick",
    "Question",
    "Start",
    "TypeName",
    "Undo",
    "Working",
]

if TYPE_CHECKING:
    from tui.dialogs.confirm import Confirm, TypeName
    from tui.dialogs.count import Count
    from tui.dialogs.dialog import Dialog
    from tui.dialogs.help import Help
    from tui.dialogs.info import Info
    from tui.dialogs.leave import Leave
    from tui.dialogs.only import Only
    from tui.dialogs.partner import Partner
    from tui.dialogs.question import Question
    from tui.dialogs.start import Start
    from tui.dialogs.undo import Undo
    from tui.dialogs.value import Entry, Pick
    from tui.dialogs.working import Working
else:
    __getattr__ = on_first_use(__name__, __all__, {"Entry": "value", "Pick": "value", "TypeName": "confirm"})
