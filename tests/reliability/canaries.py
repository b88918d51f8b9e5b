"""Secrets that can be recognized, through commands that succeed, fail and crash: none may be found in what is left."""

import base64
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar
from urllib.parse import quote, quote_plus

from tests.reliability.line import Line, Measured, noting
from tests.runs.company import QUIETLY, Company
from tests.tui.terminal import ROOT
from tui.exitcodes import ExitCode

TARGET = 25
_AT_ONCE = ("says them again", "refuses and says them again")
"""After other answers, commands try again for a minute."""
_BEHAVIOURS = ("says them again", "refuses and says them again", "is no service", "breaks off")


@dataclass
class Found:
    """`canaries` were planted where the program gets hold of them; `leaks` is where one was seen, `looked` how many outputs
    and files were searched.
    """

    canaries: dict[str, str] = field(default_factory=dict)
    looked: int = 0
    leaks: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def plant(self, name: str) -> str:
        """A new secret, with letters that addresses and forms write otherwise."""
        made = (
            f"canary+{len(self.canaries):02}/{os.urandom(6).hex()}=é"
            if "password" in name
            else f"canary-{len(self.canaries):02}~{os.urandom(8).hex()}"
        )
        self.canaries[name] = made
        return made

    def search(self, place: str, content: bytes, but: Sequence[str] = ()) -> None:
        """Look for all canaries, also as they are written in addresses, headers and dumps."""
        self.looked += 1
        for name, secret in self.canaries.items():
            if name not in but and any(one in content for one in _written(secret)):
                self.leaks.append(f"{name} is in {place}: {_around(content, secret)!r}")


def _written(secret: str) -> set[bytes]:
    texts = {secret, quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1], repr(secret)[1:-1]}
    raw = secret.encode()
    return {one.encode() for one in texts} | {
        base64.b64encode(raw),
        base64.b64encode(f"me:{secret}".encode()),
        raw.hex().encode(),
        secret.encode("utf-16-le"),
    }


def _around(content: bytes, secret: str) -> bytes:
    at = next((content.find(one) for one in _written(secret) if one in content), 0)
    return content[max(0, at - 60) : at + 60]


class _Echo(BaseHTTPRequestHandler):
    """Says in its answers what it was told."""

    protocol_version = "HTTP/1.1"
    behaviour = ""
    token = ""
    cookie = ""
    said: ClassVar[list[str]] = []
    """All answers, one after the other."""

    def do_GET(self) -> None:
        told = f"{self.path} {dict(self.headers)} {self.rfile.read(int(self.headers.get('Content-Length', 0))).decode(errors='replace')}"
        if "/token" in self.path and "canary" in told and self.behaviour != "refuses and says them again":
            self._say(200, json.dumps({"access_token": self.token, "expires_in": 3600}))
        elif self.behaviour == "breaks off":
            self.wfile.write(f"HTTP/1.1 200 {told}".encode("latin-1", "replace"))
            self.close_connection = True
        elif self.behaviour == "is no service":
            self._say(200, f"<html>{told}</html>", "text/html")
        elif "/token" in self.path:
            self._say(400, json.dumps({"error": "invalid_client", "error_description": f"AADSTS7000215: {told}"}))
        else:
            said = {"error": {"code": told[:200], "message": told, "innererror": {"message": told}}}
            self._say(401 if self.behaviour.startswith("refuses") else 400, json.dumps(said))

    do_POST = do_GET  # noqa: N815  # the name that http.server looks for

    def _say(self, status: int, text: str, kind: str = "application/json") -> None:
        content = text.encode()
        self.said.append(f"{text} {self.cookie}")
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Set-Cookie", f"session={self.cookie}; Path=/")
        self.send_header(
            "WWW-Authenticate",
            "NTLM" if "NTLM" not in self.headers.get("Authorization", "") else "NTLM TlRMTVNTUAACAAAA",
        )
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@contextlib.contextmanager
def _echoing(found: Found, behaviour: str, names: Sequence[str]) -> Iterator[str]:
    """A server with a token of Entra and a cookie of these names; those that it hands to nobody count as not planted."""
    token, cookie = map(found.plant, names)
    said: list[str] = []
    handler = type("Echo", (_Echo,), {"behaviour": behaviour, "token": token, "cookie": cookie, "said": said})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
        for name in names:
            if not any(found.canaries[name] in one for one in said):
                del found.canaries[name]


_HEAD = """\
environment = "uat"
nav = {{ url = "{url}/ODataV4", company = "CRONUS", {nav} }}
crm = {{ url = "{url}/api/data/v9.2", {crm} }}
store = {{ url = "sqlite:///store.db" }}
"""
WAYS = (
    "token from the environment",
    "token from a file",
    "token of a command",
    "token in a keyring",
    "password",
    "ntlm password",
    "client secret",
)


_KEYRING = """
from pathlib import Path
def get_password(service, user):
    return (Path(__file__).parent / f"{user}.secret").read_text()
"""
"""What the package of that name gives, which is not there in every environment, from files."""


def _ways(found: Found, folder: Path, url: str, way: str) -> tuple[str, dict[str, str]]:
    """A config file for a way to sign in on both sides, and the environment that goes with it."""
    nav, crm = found.plant(f"{way}, NAV"), found.plant(f"{way}, CRM")
    environ = {"A": nav, "B": crm} if way not in WAYS[1:4] else {}
    match way:
        case "token from a file":
            (folder / "a.secret").write_text(nav)
            (folder / "b.secret").write_text(crm)
            texts = ['secret = "file:a.secret"', 'secret = "file:b.secret"']
        case "token of a command":
            (folder / "a.secret").write_text(nav)
            (folder / "b.secret").write_text(crm)
            also = found.plant("an argument of a command")
            texts = [f"secret = \"command:sh -c 'cat a.secret; echo {also} >&2'\"", 'secret = "command:cat b.secret"']
        case "token in a keyring":
            (folder / "keyring.py").write_text(_KEYRING)
            (folder / "nav.secret").write_text(nav)
            (folder / "crm.secret").write_text(crm)
            texts = [f'secret = "keyring:coupler/{side}"' for side in ("nav", "crm")]
        case "password":
            texts = ['secret = "env:A", user = "me"', 'secret = "env:B"']
        case "ntlm password":
            texts = [f'secret = "env:{one}", user = "CORP\\\\me", auth = "ntlm"' for one in "AB"]
        case "client secret":
            texts = [
                f'secret = "env:{one}", client_id = "app", token_url = "{url}/token", scope = "x/.default"'
                for one in "AB"
            ]
        case _:
            texts = ['secret = "env:A"', 'secret = "env:B"']
    return _HEAD.format(url=url, nav=texts[0], crm=texts[1]), environ


COMMANDS: tuple[tuple[str, ...], ...] = (
    ("connection", "test"), ("config", "check"), ("config", "show"), ("config", "show", "--json"), ("run", "--yes", "--keep-cleared", "no"), ("status", "--json"),
    ("report", "-o", "-"), ("check",),
)  # fmt: skip


def let_loose(
    ways: Sequence[str] = WAYS, behaviours: Sequence[str] = _BEHAVIOURS, commands: Sequence[tuple[str, ...]] = COMMANDS
) -> Found:
    """Plant secrets, run commands that fail, crash and succeed, and search what is left."""
    found = Found()
    with tempfile.TemporaryDirectory() as name:
        for way in ways:
            crashed = False
            for behaviour in behaviours:
                folder = Path(name) / f"{way} {behaviour}".replace(" ", "-")
                folder.mkdir()
                names = [f"{one}, {way}, {behaviour}" for one in ("token of Entra", "cookie")]
                with noting(found.faults, folder.name), _echoing(found, behaviour, names) as url:
                    text, environ = _ways(found, folder, url, way)
                    (folder / "config.toml").write_text(text)
                    for command in commands if behaviour in _AT_ONCE else commands[:1]:
                        _run(found, folder, command, environ)
                    crashed |= _run(found, folder, ("connection", "test"), environ, crash=True) == ExitCode.INTERNAL
                    _search(found, folder)
            if not crashed:  # where the line breaks off, there is nothing to crash on
                found.faults.append(f"{way}: no command crashed")
        for other in (_literal, _succeed):
            with noting(found.faults, other.__name__):
                other(found, Path(name))
    return found


_CRASH = """
import sys
from engine.connectors import client, entra
from tui.cli import main
token = entra._token
def refused(url, app, status, content):
    if status != 200:
        raise ValueError(f"{app.secret()} {content}")
    return token(url, app, status, content)
entra._token = refused
def crash(self, response):
    raise ValueError(f"{dict(response.request.headers)}")
client.ODataClient._note_date = crash
sys.exit(main(sys.argv[1:]))
"""
"""An error of the program whose message holds what was sent."""


def _run(found: Found, folder: Path, command: Sequence[str], environ: dict[str, str], *, crash: bool = False) -> int:
    kept = {one: os.environ[one] for one in ("PATH", "LANG", "LC_ALL") if one in os.environ}
    program = ["-c", _CRASH] if crash else ["-m", "tui"]
    done = subprocess.run(
        [sys.executable, "-P", *program, *command, "--config", str(folder / "config.toml")],
        cwd=folder,
        env={
            **kept,
            **environ,
            "HOME": str(folder),
            "XDG_STATE_HOME": str(folder / "state"),
            "PYTHONPATH": f"{ROOT}{os.pathsep}{folder}",
            "UNRELATED": "x",
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=600,
        check=False,
    )
    place = f"{'crash of ' if crash else ''}{' '.join(command)} in {folder.name}"
    found.search(place, done.stdout + done.stderr)
    if not crash and (done.returncode == ExitCode.INTERNAL or b"Traceback" in done.stderr):
        found.faults.append(f"{place}: {done.stderr[-300:]!r}")
    return done.returncode


def _search(found: Found, folder: Path) -> None:
    """Every file but those in which a secret is meant to be."""
    for path in folder.rglob("*"):
        if path.is_file() and not path.name.endswith((".secret", "config.toml", "token", "sandbox.toml")):
            found.search(str(path.relative_to(folder.parent)), path.read_bytes())
        found.search("the name of a file", path.name.encode())


def _literal(found: Found, folder: Path) -> None:
    """Secrets that were written into the config file itself."""
    for name, text in (
        ("a secret as it is", 'secret = "{0}"'),
        ("a secret of an unknown place", 'secret = "vault:{0}"'),
        ("a secret of an odd variable", 'secret = "env:{0} !"'),
        ("a user in the address", 'url = "https://me:{0}@x.example/"'),
        ("a token in the address", 'url = "https://x.example/?token={0}"'),
        ("a secret in the wrong key", 'pasword = "{0}"'),
        ("a secret where the text ends", 'secret = "{0}'),
        ("a store's password", 'company = "x"\n[store]\nurl = "postgresql://me:{0}@db/x"'),
        ("a store's password as an option", 'company = "x"\n[store]\nurl = "postgresql://db/x?password={0}"'),
    ):
        place = folder / name.replace(" ", "-")
        place.mkdir()
        (place / "config.toml").write_text(f'environment = "uat"\n[nav]\n{text.format(found.plant(name))}\n')
        for command in (("config", "check", "--offline"), ("config", "show"), ("status",)):
            _run(found, place, command, {})
        _search(found, place)


def _succeed(found: Found, folder: Path) -> None:
    """A run to its end against servers that take the token."""
    place = folder / "whole"
    place.mkdir()
    with contextlib.closing(Company(place, "--demo-size", "30")) as company:
        found.canaries["the sandbox's token"] = company.token
        for command in (
            ("connection", "test"),
            ("run", *QUIETLY),
            ("status",),
            ("couplings",),
            ("errors",),
            ("report", "-o", "-"),
            ("report", "-o", "-", "--format", "json"),
            ("check",),
            ("config", "show"),
        ):
            done = company.coupler(*command)
            found.search(f"{command[0]} that succeeds", (done.stdout + done.stderr).encode())
            if command[0] == "run" and done.returncode not in (0, 1):
                found.faults.append(f"the run did not succeed: {done.stderr[-300:]}")
    _search(found, place)


def _measure() -> Measured:
    found = let_loose()
    text = f"{len(found.leaks)} of {len(found.canaries)} in {found.looked} places"
    return Measured(
        text, not found.leaks and not found.faults and len(found.canaries) >= TARGET, (*found.leaks, *found.faults)
    )


LINES: tuple[Line, ...] = (Line("secrets found in outputs, files and crashes", f"0 of {TARGET}", _measure),)
