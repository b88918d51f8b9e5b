"""`coupler demo`: two local servers with demo data, and the program on them; both end together."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from engine.config import load
from engine.model.errors import CouplerError, StoreError
from engine.model.snapshot import Wish
from engine.runs import control, process, snapshots
from engine.store.database import Store
from tui.commands.follow import LOOK, PlainOutput
from tui.commands.run import Wanted, run
from tui.commands.screen import need_screen, show
from tui.diagnostics import say
from tui.exitcodes import ExitCode
from tui.text import safe

_READY = 120.0
_STOP = 20.0


@click.command("demo")
@click.option("--headless", is_flag=True, help="Run a full synchronization at once, in lines.")
@click.option("--tour", is_flag=True, help="Say on each screen what is to be seen there, and which key comes next.")
@click.option("--size", type=click.IntRange(0, 100_000), default=5000, show_default=True, help="Customers of the demo.")
def demo_command(*, headless: bool, tour: bool, size: int) -> int:
    """Try everything on two local servers with demo data; nothing of it stays."""
    if headless and tour:
        raise click.UsageError("--headless and --tour exclude each other.")
    if not headless:
        need_screen()
    with _folder() as folder, _servers(folder, size) as config:
        settings = load(config)
        say(f"coupler: the demo's config file is {config}; other commands take it with --config")
        store = Store.open(settings.store.url)
        try:
            if headless:
                return run(settings, store, Wanted(keep=False, output=PlainOutput(), ask=False))
            return show(settings, store, demo=True, tour=tour)
        finally:
            say("coupler: ending the demo ...")
            _let_go(store)
            store.close()
            process.log_path(settings).unlink(missing_ok=True)  # that of its store, which goes too


@click.command("demo-servers", hidden=True)
@click.argument("folder", type=click.Path(path_type=Path))
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def servers_command(*, folder: Path, arguments: tuple[str, ...]) -> int:
    """The sandbox, until standard input ends: when the demo is gone, however it went, servers and folder go too."""
    from sandbox.command import sandbox_command  # noqa: PLC0415 - only this process serves

    def watch() -> None:
        with contextlib.suppress(OSError):
            while os.read(0, 4096):
                pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="watch", daemon=True).start()
    try:
        sandbox_command.main(args=list(arguments), standalone_mode=False)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return ExitCode.OK


def again(arguments: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """The command line and environment that start this program again, whatever folder it is in."""
    root = str(Path(__file__).parents[2])
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))}
    # -P: a folder named `engine` where the operator happens to be is not ours.
    return [sys.executable, "-P", "-m", "tui", *arguments], environment


@contextmanager
def _folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="coupler-demo-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _servers(folder: Path, size: int) -> Iterator[Path]:
    config, log = folder / "config.toml", folder / "sandbox.log"
    command, environment = again(
        [
            "demo-servers",
            str(folder),
            "--",
            "--write-config",
            str(config),
            "--demo-size",
            str(size),
            "--audit",
            str(folder / "audit.jsonl"),
        ]
    )
    with log.open("wb") as errors:
        # Its own session: Ctrl+C is for the run, which needs the servers to reach its checkpoint.
        child = subprocess.Popen(  # noqa: S603 - our own program
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env=environment,
            start_new_session=True,
        )
    try:
        _until_ready(child, log)
        yield config
    finally:
        _end(child)


def _until_ready(child: subprocess.Popen[bytes], log: Path) -> None:
    """Wait for the line that says where the servers are."""
    assert child.stdout is not None  # noqa: S101 - it is a pipe
    timer = threading.Timer(_READY, child.kill)
    timer.start()
    try:
        ready = json.loads(child.stdout.readline())
        say(f"coupler: demo servers: NAV {safe(ready['nav'])}  CRM {safe(ready['crm'])}")
    except (ValueError, KeyError, TypeError) as error:
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(5)
        last = log.read_text(errors="replace").strip().splitlines()[-1:] or ["without a word"]
        raise StoreError(f"The demo's servers did not start: {last[0]}") from error
    finally:
        timer.cancel()


def _end(child: subprocess.Popen[bytes]) -> None:
    if child.stdin is not None:
        with contextlib.suppress(OSError):
            child.stdin.close()
    try:
        child.wait(5)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
    if child.stdout is not None:
        child.stdout.close()


def _let_go(store: Store) -> None:
    """Let an engine that is still at work reach its checkpoint before its servers go."""
    with contextlib.suppress(CouplerError):
        active = snapshots.active(store)
        if active is None or not snapshots.live(store):
            return
        control.wish(store, active.id, Wish.STOP)
        end = time.monotonic() + _STOP
        while snapshots.live(store) and time.monotonic() < end:
            time.sleep(LOOK)
