"""Hostile texts in both systems, in files and in what servers and programs answer, and every command that works with them."""

import contextlib
import csv
import json
import re
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from itertools import cycle
from pathlib import Path

import click

from tests.reliability.line import Line, Measured
from tests.reliability.outputs import ARGUMENTS, COMMANDS
from tests.reliability.payloads import PAYLOADS, SAMPLE, TARGET, Shown, foreign
from tests.reliability.trial import until
from tests.runs.between import Between
from tests.runs.company import QUIETLY, Company
from tui.cli import cli
from tui.exitcodes import ExitCode

_TABBED = (("couplings",), ("errors", "--records"))
_ELSEWHERE = {
    "completion": "prints what is in the program",
    "demo": "screens, over servers of its own",
    "sandbox": "tells addresses; its clients are told of by it, on purpose as they are",
}
"""Commands that no text from outside can get to."""
RUN = "3"
"""What becomes the number of the full synchronization, after two plans."""
WITH_RECORDS: tuple[tuple[str, ...], ...] = (
    ("config", "check"), ("config", "show"), ("paths",), ("connection", "test"), ("connection", "test", "--json"),
    ("plan",), ("plan", "--json"), ("plan", "--records"), ("plan", "--records", "--json"), ("plan", "--fields", "C000009"), ("matches",), ("check",), ("run", *QUIETLY), ("couplings",), ("couplings", "--json"), ("couplings", "show", "C000009"), ("couplings", "show", "C000009", "--json"), ("--plain",),
    ("status",), ("attach", RUN, "--plain"), ("attach", RUN, "--json"), ("jobs",),
    ("errors", "--records"), ("errors", "--records", "--json"), ("report", RUN, "-o", "-"), ("report", RUN, "-o", "-", "--format", "csv"),
    ("check", "--json"), ("match",), ("match", "--json"), ("couplings", "import", "texts.csv", "--yes"), ("couplings", "import", "texts.csv", "--json", "--yes"),
    ("EDIT",), ("conflicts",), ("sync",), ("sync", "--json"), ("conflicts",), ("conflicts", "--json"), ("skipped", "--all"), ("check",), ("check", "--json"),
    ("broken",), ("broken", "--json"), ("broken", "--remove", "--yes"), ("retry", "--all"), ("uncouple", "CUSTOMER", "--nav", "C000009", "--yes"),
    ("couple", "CUSTOMER", "--nav", "C000009", "--create", "--json"), ("undo", RUN, "--dry-run"), ("undo", RUN, "--dry-run", "--json"),
    ("undo", RUN, "--yes"), ("errors", "--records"), ("report", "-o", "-"), ("notify", "test"), ("notify", "test", "--json"), ("notify", "send"),
    ("stop",), ("cancel",), ("resume",), ("answer", "no"),
)  # fmt: skip
"""In this order, with records of both systems that are named as the texts are; EDIT is when people edit and delete some."""
REFUSED: tuple[tuple[str, ...], ...] = (
    ("connection", "test"), ("connection", "test", "--json"), ("check",), ("plan",), ("run", *QUIETLY), ("status",), ("cancel",), ("sync",), ("match",),
    ("broken",), ("couple", "CUSTOMER", "--nav", "10000", "--create"), ("mappings", "CUSTOMER", "--fields"), ("config", "check"),
    ("schedule",), ("schedule", "stop"), ("schedule", "list"), ("schedule", "list", "--json"), ("schedule", "hold"), ("schedule", "resume"), ("schedule", "now"),
)  # fmt: skip
"""With servers whose refusals are the texts."""


def in_commands(
    texts: Sequence[str] = PAYLOADS,
    refusals: Sequence[str] = SAMPLE,
    with_records: Sequence[tuple[str, ...]] = WITH_RECORDS,
    refused: Sequence[tuple[str, ...]] = REFUSED,
) -> Shown:
    """Carry out all of it; `telling` are the commands that show an escape character of the texts, as a picture."""
    shown = Shown()
    with tempfile.TemporaryDirectory() as folder:
        for name, size in (("records", "5"), ("refused", "2")):
            home = Path(folder) / name
            home.mkdir()
            with contextlib.closing(Company(home, "--demo-size", size)) as company:
                if name == "records":
                    _with_records(shown, company, texts, with_records)
                else:
                    _refused(shown, company, refusals, refused)
    return shown


def left_out() -> list[str]:
    """Commands that nothing is known of: a new one needs a line here or in `outputs.py`."""
    tried = (*COMMANDS, *ARGUMENTS, *WITH_RECORDS, *REFUSED)
    return [
        f"coupler {' '.join(path)}"
        for path in paths(cli)
        if " ".join(path) not in _ELSEWHERE and not any(one[: len(path)] == path for one in tried)
    ]


def paths(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """All commands that can be typed."""
    if not isinstance(command, click.Group) or (path and command.invoke_without_command):
        yield path
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            if (found := command.get_command(context, name)) is not None:
                yield from paths(found, (*path, name))


def _with_records(shown: Shown, company: Company, texts: Sequence[str], commands: Sequence[tuple[str, ...]]) -> None:
    _enter(company, texts)
    id = "00000000-0000-4000-8000-000000000001"
    with (company.folder / "texts.csv").open("w", encoding="utf-8", errors="replace", newline="") as file:
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow(("mapping", "nav_no", "crm_id"))
        for text in texts:
            lines.writerows((("CUSTOMER", text, id), (text, "10000", id), ("CUSTOMER", "10000", text)))
    told = "".join(texts[:9]).encode("utf-8", "replace").decode()
    (company.folder / "told.txt").write_text(told, encoding="utf-8")
    with company.config.open("a") as config:
        config.write('\n[notify.x]\ncommand = ["/bin/sh", "-c", "cat told.txt; cat told.txt >&2; exit 3"]\n')
    for arguments in commands:
        if arguments == ("EDIT",):
            _edit(company, texts)
        else:
            _command(shown, company, arguments, "names")


def _enter(company: Company, texts: Sequence[str]) -> None:
    """A record for each text on either side, as far as JSON can carry it."""
    for at, text in enumerate(texts):
        name = text.encode("utf-8", "replace").decode() or "x"
        nav = {"Name": name[:50], "City": name[:15], "E_Mail": name[:40]}  # halves, as some letters count twice
        company._client.post(f"{_nav(company)}/Customer", json=nav).raise_for_status()
        if at % 5 == 0:
            company._client.post(f"{_nav(company)}/Item", json={"Description": name[:50]})
            crm = {"name": f"{name[:75]}{at}", "customertypecode": 3}
            company._client.post(f"{company.crm_url}/accounts", json=crm).raise_for_status()


def _edit(company: Company, texts: Sequence[str]) -> None:
    """Both sides change the same, and rows disappear."""
    with company.config.open("a") as config:
        config.write('\n[mapping.CUSTOMER]\nconflict = "ask"\n')
    pairs = [one for one in company.lines("couplings") if one["mapping"] == "CUSTOMER"]
    for one, text in zip(pairs[:20], cycle(texts), strict=False):
        name = (text.encode("utf-8", "replace").decode() or "x")[:40]
        company.edit("accounts", one["crm_id"], {"name": f"{name} in CRM"})
        place = f"{_nav(company)}/Customer('{one['nav_no']}')"
        company._client.patch(place, json={"Name": f"{name} in NAV"}, headers={"If-Match": "*"}).raise_for_status()
    for one in pairs[-5:]:
        company.remove("accounts", one["crm_id"])


def _nav(company: Company) -> str:
    return f"{company.nav_url}/Company('CRONUS%20International%20Ltd.')"


def _refused(shown: Shown, company: Company, refusals: Sequence[str], commands: Sequence[tuple[str, ...]]) -> None:
    text = ""

    def refuse(_request: bytes, _answer: bytes) -> bytes:
        code = "0x80040220" if len(text) % 2 else "Internal_ServerError"
        body = json.dumps({"error": {"code": code, "message": f"Refused {text[:300]} it is"}}).encode()
        return (
            b"HTTP/1.1 403 Forbidden\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        )

    ports = [int(found) for found in re.findall(r"127\.0\.0\.1:(\d+)", company.config.read_text())]
    with contextlib.ExitStack() as stack:
        for port in ports:
            between = stack.enter_context(contextlib.closing(Between(port, refuse)))
            company.config.write_text(company.config.read_text().replace(f":{port}/", f":{between.port}/"))
        with company.config.open("a") as config:
            config.write('\n[schedule]\nevery = "1 s"\nretry_delay = "1 s"\nattempts = 2\n')
        for text in refusals:
            for arguments in commands:
                if arguments == ("schedule",):
                    _keep(shown, company, text)
                else:
                    _command(shown, company, arguments, text)


def _keep(shown: Shown, company: Company, text: str) -> None:
    """Keep the schedule until all of it has failed once."""
    keeper = company.start("schedule")
    try:
        until(lambda: any(one.get("attempts") for one in company.lines("schedule", "list")), 60)
        _command(shown, company, ("schedule", "list"), text)
        _command(shown, company, ("schedule", "stop"), text)
        out, err = keeper.communicate(timeout=60)
        _judge(shown, ("schedule",), text, (out + err).encode("utf-8", "surrogateescape"))
    except (AssertionError, subprocess.TimeoutExpired) as error:
        shown.crashes.append(f"coupler schedule: {text!r}: {error}")


def _command(shown: Shown, company: Company, arguments: tuple[str, ...], text: str) -> None:
    done = subprocess.run(
        company.command(*arguments),
        cwd=company.folder,
        env=company.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=300,
        check=False,
    )
    written = done.stdout + done.stderr
    _judge(shown, arguments, text, written)
    if done.returncode == ExitCode.INTERNAL or b"Traceback" in written:
        shown.crashes.append(f"coupler {' '.join(arguments)}: {text!r}: {written[-400:]!r}")


def _judge(shown: Shown, arguments: tuple[str, ...], text: str, written: bytes) -> None:
    place = f"coupler {' '.join(arguments)}"
    shown.places.add(place)
    shown.shows += 1
    said = written.decode("utf-8", "surrogateescape")
    if "\u241b" in said or "\\u001b" in said:
        shown.telling.add(place)
    if found := foreign(said.replace("\t", " ") if arguments in _TABBED else said):
        line = next(one for one in said.split("\n") if foreign(one))
        shown.foreign.append(f"{place}: {text!r}: {sorted(map(ascii, found))} in {line[:200]!a}")


def _measure() -> Measured:
    shown = in_commands()
    faults = (*left_out(), *shown.faults)
    text = f"{len(PAYLOADS)} x {len(shown.places)} / {len(shown.foreign)} / {len(shown.crashes)}"
    return Measured(text, not faults and len(PAYLOADS) >= TARGET, faults)


LINES = (Line("hostile names and refusals x commands: foreign bytes / crashes", f"{TARGET} x all / 0 / 0", _measure),)
