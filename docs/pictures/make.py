# ruff: noqa: INP001 - a script, not a package
"""Make the pictures of the documentation: `make pictures`.

The screens are the real ones, on the two servers of the sandbox, with the demo company and a run of the real engine.
"""

import asyncio
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

from engine.config import load
from engine.model.snapshot import JobState, RunSnapshot, RunState
from engine.store.database import Store
from tui.app import CouplerApp
from tui.dialogs.question import Question
from tui.dialogs.start import Start
from tui.engine_door import EngineDoor
from tui.look import Look
from tui.screens.home import Home
from tui.screens.run import Run

HERE = Path(__file__).parent
SIZE = (80, 24)
CUSTOMERS = 4_000
"""So many that there is time to see the run in the middle of its largest job."""
PATIENCE = 180.0
NAMESPACE = "http://www.w3.org/2000/svg"
FONT = "ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', 'Liberation Mono', monospace"


def main() -> None:
    """Write home.svg, run.svg and question.svg beside this file."""
    with tempfile.TemporaryDirectory(prefix="coupler-pictures-") as folder, _sandbox(Path(folder)) as config:
        os.environ["XDG_STATE_HOME"] = folder  # the engine's log goes with the rest
        settings = load(config)
        store = Store.open(settings.store.url)
        try:
            asyncio.run(_photograph(CouplerApp(EngineDoor(settings, store), Look(hz=10))))
        finally:
            store.close()


@contextmanager
def _sandbox(folder: Path) -> Iterator[Path]:
    config = folder / "config.toml"
    command = [sys.executable, "-m", "tui", "sandbox", "--demo-size", str(CUSTOMERS), "--write-config", str(config)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE)  # noqa: S603 - our own program
    try:
        assert server.stdout is not None  # noqa: S101 - it is a pipe
        json.loads(server.stdout.readline())
        yield config
    finally:
        server.terminate()
        server.wait()


async def _photograph(app: CouplerApp) -> None:
    async with app.run_test(size=SIZE, notifications=False) as pilot:
        await _until(lambda: isinstance(app.screen, Home) and app.screen.shown > 0)
        await pilot.press("4")
        await asyncio.sleep(0.5)
        _write(app, "home")
        await pilot.press("s")
        await _until(lambda: isinstance(app.screen, Start) and app.screen.armed)
        await pilot.press("y")
        await _until(lambda: (run := _run(app)) is not None and _is_in_the_middle(run))
        _write(app, "run")
        await _until(lambda: isinstance(app.screen, Question) and app.screen.armed)
        _write(app, "question")
        await pilot.press("n")
        await _until(lambda: (run := _run(app)) is not None and run.state is RunState.FINISHED)


def _run(app: CouplerApp) -> RunSnapshot | None:
    return app.screen.snapshot if isinstance(app.screen, Run) else None


def _is_in_the_middle(run: RunSnapshot) -> bool:
    return any(job.mapping == "CUSTOMER" and job.state is JobState.RUN and job.rate for job in run.jobs)


async def _until(what: Callable[[], object]) -> None:
    end = monotonic() + PATIENCE
    while not what():
        if monotonic() > end:
            raise TimeoutError("the screens did not come to what is to be photographed")
        await asyncio.sleep(0.05)
    await asyncio.sleep(0.3)


def _write(app: CouplerApp, name: str) -> None:
    path = HERE / f"{name}.svg"
    path.write_text(_plain(app.export_screenshot(title="coupler")), encoding="utf-8")


def _plain(svg: str) -> str:
    """The picture without fonts from elsewhere, and without what only makes it longer."""
    svg = re.sub(r"@font-face\s*{[^}]*}|<!--.*?-->|<clipPath.*?</clipPath>", "", svg, flags=re.DOTALL)
    svg = re.sub(r' clip-path="url\([^"]*\)"', "", svg)
    svg = svg.replace("font-family: Fira Code, monospace", f"font-family: {FONT}")
    svg = re.sub(r"terminal-\d+-", "", svg)
    # Coordinates are whole tenths; the long ones are what floating point made of them.
    svg = re.sub(r"\d+\.\d{3,}", lambda found: f"{float(found[0]):.2f}".rstrip("0").rstrip("."), svg)
    svg = re.sub(r'<text class="\w+" [^>]*>\s*</text>|<defs>\s*</defs>', "", svg)
    svg = re.sub(r"\s*\n\s*", "\n", svg)
    if found := re.search(r"\w+://[^\"\s)]*", svg.replace(f'xmlns="{NAMESPACE}"', "")):
        raise ValueError(f"the picture leads to {found[0]}")
    return svg


if __name__ == "__main__":
    main()
