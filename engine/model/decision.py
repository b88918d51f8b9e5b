"""What people decided about a run: who, when and what."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from engine.model.snapshot import Wish


class Deed(StrEnum):
    """What was decided."""

    START = "start"
    PAUSE = "pause"
    GO_ON = "go_on"
    STOP = "stop"
    CANCEL = "cancel"
    RESUME = "resume"
    FLAG = "flag"
    CHOOSE = "choose"
    SKIP = "skip"
    RETRY = "retry"
    ANSWER = "answer"
    UNDO = "undo"


OF_WISH = {Wish.RUN: Deed.GO_ON, Wish.PAUSE: Deed.PAUSE, Wish.STOP: Deed.STOP, Wish.CANCEL: Deed.CANCEL}
"""What an operator decides who wishes that of an engine."""


@dataclass(frozen=True, slots=True)
class Decision:
    """One of them. `text` has what was chosen, such as `City=nav` or `keep cleared: no`; it may hold hostile names."""

    at: datetime
    by: str
    deed: Deed
    mapping: str = ""
    nav_no: str = ""
    text: str = ""
