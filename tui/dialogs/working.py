"""A short run that an engine works on because somebody asked for it here: until it ends, and then what came of it."""

from typing import ClassVar

from textual.binding import Binding, BindingType

from engine.model.errors import CouplerError
from engine.model.snapshot import RunSnapshot, RunState
from tui import format as fmt
from tui.dialogs.dialog import Dialog
from tui.door import Door
from tui.look import Look
from tui.poll import Poll
from tui.text import LONG, safe
from tui.widgets.line import Line, hanging


class Working(Dialog[bool]):
    """Closes with whether all was done. Leaving it early leaves the run alone, which goes on."""

    HINT = "esc Close; the run goes on"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "close", "Close it; the run goes on", show=False)]

    def __init__(self, door: Door, look: Look, run: int, heading: str) -> None:
        super().__init__(look, heading)
        self.door = door
        self.run = run
        self.done = False
        self.ended: list[str] | None = None
        self._poll = Poll(
            self._read, self.show, self.complain, seen=lambda: self.is_current and self.ended is None, hz=look.hz
        )

    def on_mount(self) -> None:
        """Starts to read; Textual calls `Dialog.on_mount` as well."""
        self.query_one("#text", Line).put("Starting ...")
        self.run_worker(self._poll.forever(), group="poll")

    def _read(self) -> tuple[RunSnapshot, list[str]]:
        """The run, and why its records failed."""
        run = self.door.run(self.run)
        causes = [] if run.state is RunState.RUNNING else self.door.causes(run.id, None)
        return run, [
            text for cause in causes for one in self.door.outcomes(cause, 1, 0) for text in (one.message, one.hint)
        ]

    def show(self, read: tuple[RunSnapshot, list[str]]) -> None:
        """How it goes, and how it ended."""
        run, why = read
        if run.state is RunState.RUNNING:
            self._put([f"Run {run.id}: an engine works on it ...", *([f"wait: {run.waiting}"] if run.waiting else [])])
            return
        if run.state is RunState.INTERRUPTED and not run.code:
            # An engine that takes long to start looks like one that is gone.
            self._put([f"Run {run.id}: no engine works on it. Waiting for one ..."])
            return
        self.done = run.state is RunState.FINISHED and not run.counters.failed
        if self.done:
            told = [f"Done by run {run.id}: {fmt.many(run.counters.coupled, 'record')} coupled.", *why]
        elif run.state is RunState.FINISHED:
            told = ["This was not done.", *why]
        else:
            told = [f"Run {run.id} is {run.state}; nothing was coupled as far as is known.", run.message, run.hint]
        self.ended = [text for text in told if text]
        self._put(self.ended)
        self.query_one("#hint", Line).put("enter/esc Close")

    def _put(self, texts: list[str]) -> None:
        width = min(80, self.app.size.width) - 5
        self.query_one("#text", Line).put(*(part for text in texts for part in hanging(safe(text, LONG), width)))

    def complain(self, error: CouplerError | None) -> None:
        """The store does not answer."""
        if error is not None:
            self._put([error.message, error.hint])

    def action_close(self) -> None:
        """Leaves; what was not finished goes on."""
        self.dismiss(self.done)
