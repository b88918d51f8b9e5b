"""The progress of what only counts: a plan before a full synchronization, and the look before an undo."""

from typing import ClassVar, Literal

from textual.binding import Binding, BindingType

from engine.model.errors import CouplerError
from engine.model.snapshot import RunSnapshot, RunState
from tui import format as fmt
from tui.dialogs.dialog import Dialog
from tui.door import Door
from tui.look import Look
from tui.poll import Poll
from tui.text import safe
from tui.widgets.line import Line, hanging

_LONGEST = 600
Counted = RunSnapshot | Literal["skip", "stop"]


class Count(Dialog[Counted]):
    """Closes by itself with the finished plan; `k` goes on without one."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("k", "leave_it('skip')", "Go on without counting, where that can be", show=False),
        Binding("x", "leave_it('stop')", "Stop counting; nothing is done", show=False),
    ]

    def __init__(self, door: Door, look: Look, plan: int, heading: str, *, can_skip: bool) -> None:
        super().__init__(look, f"{heading}: counting, nothing is written")
        self.door = door
        self.plan = plan
        self.can_skip = can_skip
        self._poll = Poll(
            lambda: door.run(plan),
            self.show,
            self.complain,
            seen=lambda: self.is_active and self.app.is_running,
            hz=look.hz,
        )

    def on_mount(self) -> None:
        """Starts to read; Textual calls `Dialog.on_mount` as well."""
        self.query_one("#text", Line).put("Starting ...")
        self.run_worker(self._poll.forever(), group="poll")

    def write(self) -> None:
        """Says which keys there are."""
        self.query_one("#hint", Line).put("k Skip counting   esc Stop" if self.can_skip else "esc Stop")

    def show(self, plan: RunSnapshot) -> None:
        """A line for each job, or why there is no plan."""
        if plan.state is RunState.FINISHED:
            self.dismiss(plan)
            return
        bar = max(2, min(24, self.app.size.width - 54))
        lines = [
            f"{job.seq}  {job.mapping:<17} {job.state.value:<6}"
            f"{fmt.bar(job.done, job.total, bar, ascii_only=self.look.ascii)} "
            f"{fmt.progress(job.done, job.total, exact=job.total_exact):>18}"
            for job in plan.jobs
        ]
        if plan.state is not RunState.RUNNING:
            width = self.app.size.width - 4
            said = (safe(f"Counting ended: {plan.state}. {plan.message}", _LONGEST), safe(plan.hint, _LONGEST))
            lines += ["", *(part for text in said for part in hanging(text, width))]
            self.query_one("#hint", Line).put("esc Close")
        elif plan.waiting:
            lines += ["", f"wait: {plan.waiting}"]
        elif plan.kind != "plan" and plan.events:
            text = safe(plan.events[-1].text, self.app.size.width - 10)
            lines += ["", f"{text[:1].upper()}{text[1:]} ..."]
        self.query_one("#text", Line).put(*lines)

    def complain(self, error: CouplerError | None) -> None:
        """The store does not answer."""
        if error is not None:
            self.query_one("#text", Line).put(error.message, error.hint)

    def action_close(self) -> None:
        """Closing stops."""
        self.dismiss("stop")

    def action_leave_it(self, how: Literal["skip", "stop"]) -> None:
        """Gives up on the plan."""
        if how == "stop" or self.can_skip:
            self.dismiss(how)
