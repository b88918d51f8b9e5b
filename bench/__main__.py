"""`python -m bench`: measure, and put what was found into docs/performance.md. `--help` says what there is."""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench import environments, instructions, profiling, report, series
from bench.canned import serving
from bench.contenders import ENGINE, FLOOR, PEERS, Contender, LostError
from bench.measure import FailedError
from bench.results import LATEST, Results, begin, keep, kept

_SLOW = {"httpx_one_by_one": 10_000}
"""Those that take minutes for more records than that."""
_DELAY = 0.05
_DELAYED = 30_000
_DELAYED_SLOW = 1000


def main(arguments: Sequence[str] | None = None) -> int:
    """0, or 1 when something could not be measured."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="the rounds, the slow line and the instructions")
    run.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    run.add_argument("--batches", type=int, nargs="+", default=[100, 1000])
    run.add_argument("--rounds", type=int, default=3, help="at up to 100,000 records; one beyond")
    run.add_argument("--contenders", nargs="+", default=[ENGINE.name, *PEERS], choices=[ENGINE.name, *PEERS])
    run.add_argument("--without", nargs="+", default=[], choices=["delay", "instructions"])
    run.add_argument("--output", type=Path, default=LATEST)
    table = commands.add_parser("table", help="put the results into docs/performance.md")
    table.add_argument("--input", type=Path, default=LATEST)
    profile = commands.add_parser("profile", help="where our engine's time goes")
    profile.add_argument("--size", type=int, default=10_000)
    profile.add_argument("--batch", type=int, default=100)
    profile.add_argument("--lines", type=int, default=40)
    wanted = parser.parse_args(arguments)
    if wanted.command == "profile":
        return profiling.main(wanted.size, wanted.batch, wanted.lines)
    if wanted.command == "table":
        report.write(kept(wanted.input))
        return 0
    results = begin()
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        _measure(results, wanted, Path(folder))
    keep(results, wanted.output)
    print("\n".join(report.table(results)))
    return 1 if results.left_out else 0


def _measure(results: Results, wanted: argparse.Namespace, folder: Path) -> None:
    """Everything that was asked for; what cannot be measured is noted, and the rest goes on."""
    contenders = [ENGINE] if ENGINE.name in wanted.contenders else []
    for name in PEERS:
        if name in wanted.contenders:
            contenders += _peer(name, results)
    for size in wanted.sizes:
        with serving(size) as services:
            for one in contenders:
                if size > _SLOW.get(one.name, size):
                    continue
                rounds = wanted.rounds if size <= 100_000 else 1
                for batch in wanted.batches if one is ENGINE else [1 if one.name in _SLOW else max(wanted.batches)]:
                    _say(f"{one.name}, {size:,} records, {batch:,} a request, {rounds} rounds")
                    try:
                        results.series += series.in_rounds(one, services, folder, size=size, batch=batch, rounds=rounds)
                    except (LostError, FailedError) as error:
                        _leave_out(results, f"{one.name}, {size:,} records", error)
    if "delay" not in wanted.without:
        _delayed(results, contenders, folder)
    if "instructions" not in wanted.without:
        _instructions(results, wanted.batches)


def _peer(name: str, results: Results) -> list[Contender]:
    """A peer whose packages are installed; nothing where they cannot be."""
    try:
        environments.install(name)
    except (subprocess.CalledProcessError, OSError) as error:
        _leave_out(results, name, error)
        return []
    return [PEERS[name]]


def _delayed(results: Results, contenders: Sequence[Contender], folder: Path) -> None:
    for size in (_DELAYED, _DELAYED_SLOW):
        with serving(size, delay=_DELAY) as services:
            for one in contenders:
                if (size == _DELAYED_SLOW) == (one.name in _SLOW):
                    _say(f"{one.name}, {size:,} records, {_DELAY * 1000:.0f} ms a request")
                    batch = 1 if one.name in _SLOW else 100
                    try:
                        results.series.append(series.alone(one, services, folder, size=size, batch=batch, delay=_DELAY))
                    except (LostError, FailedError) as error:
                        _leave_out(results, f"{one.name} with {_DELAY * 1000:.0f} ms a request", error)


def _instructions(results: Results, batches: Sequence[int]) -> None:
    ours = {f"{ENGINE.name}, {batch:,} a request": (ENGINE, batch) for batch in batches}
    for name, (one, batch) in {FLOOR.name: (FLOOR, series.FLOOR_BATCH), **ours}.items():
        _say(f"{name}, instructions a record")
        try:
            results.instructions[name] = instructions.a_record(one, batch)
        except (instructions.NoValgrindError, LostError) as error:
            _leave_out(results, f"instructions of {name}", error)


def _leave_out(results: Results, what: str, error: Exception) -> None:
    results.left_out.append(f"{what}: {str(error).splitlines()[0]}")
    print(f"!!! {what}: {error}", file=sys.stderr, flush=True)


def _say(text: str) -> None:
    print(f"{text} ...", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
