"""Whom to tell about runs: [notify.NAME] is a command or a webhook, and what is to be told."""

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from engine.config import urls
from engine.config.check import Table
from engine.config.secrets import Secret
from engine.config.secrets import problem as secret_problem
from engine.model.errors import ConfigError
from engine.model.masking import MASK, conceal

EVENTS = ("ended", "asking", "failed")
"""What may be told: a run came to its end or was stopped by an operator, waits for its answer, or could not go on."""

KINDS = ("run", "plan", "sync", "couple", "match", "uncouple", "mend", "import", "look", "undo")
"""The kinds of runs."""

_USUAL = ("run", "undo")
"""Without those of a schedule, most of which find nothing to do and have nothing to tell."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_RESERVED = ("content-length", "content-type", "host", "transfer-encoding")
_LITERAL = re.compile(r"https?://", re.IGNORECASE)
_LONGEST = 1000


@dataclass(frozen=True, slots=True)
class Notification:
    """A command that is started, or a webhook that is sent to, when one of `events` happens to a run of `kinds`.

    A try may take `timeout` seconds, all tries together `within`. `webhook` is an address, or says where one is that is
    a secret; `headers` are secrets.
    """

    name: str
    events: tuple[str, ...] = EVENTS
    kinds: tuple[str, ...] = _USUAL
    command: tuple[str, ...] = field(default=(), repr=False)
    webhook: str | Secret = field(default="", repr=False)
    headers: Mapping[str, Secret] = field(default_factory=dict)
    plain_http: bool = False
    ca_file: str | None = None
    tries: int = 5
    timeout: float = 30
    within: float = 900

    @property
    def secrets(self) -> dict[str, Secret]:
        """By their keys in its table."""
        found = {f"headers.{name}": secret for name, secret in self.headers.items()}
        return {**found, "webhook": self.webhook} if isinstance(self.webhook, Secret) else found

    @property
    def where(self) -> str:
        """Where it goes to, as far as that may be shown: parts of an address, and what a command is told, may be
        secrets.
        """
        if self.command:
            return f"command {Path(self.command[0]).name}"
        return (
            f"webhook ({self.webhook.kind})" if isinstance(self.webhook, Secret) else f"webhook {shown(self.webhook)}"
        )

    def address(self) -> str:
        """The webhook's address; raises ConfigError, without the address, when it is not there or none."""
        found = self.webhook if isinstance(self.webhook, str) else self.webhook.reveal()
        conceal(found)
        if isinstance(self.webhook, Secret) and (fault := urls.webhook_problem(found, secret=True)):
            raise ConfigError(f"The address of the webhook {fault}.", "Mend it where it is kept.")
        return found


def listing(one: Notification) -> Mapping[str, object]:
    """The keys of a notification with what is in effect, as far as it may be shown."""
    webhook = MASK if isinstance(one.webhook, Secret) else shown(one.webhook) if one.webhook else None
    whole = {
        "events": list(one.events),
        "kinds": list(one.kinds),
        "command": [one.command[0], *(MASK for _ in one.command[1:])] if one.command else None,
        "webhook": webhook,
        **{f"headers.{name}": MASK for name in one.headers},
        "plain_http": one.plain_http if one.webhook else None,
        "ca_file": one.ca_file,
        "tries": one.tries,
        "timeout": one.timeout,
        "within": one.within,
    }
    return {name: value for name, value in whole.items() if value is not None}


def notification_problem(one: Notification, folder: Path) -> tuple[str, str] | None:
    """The key that cannot be used as things are on this machine, and why; secrets that are not there are not looked
    for.
    """
    if one.command and shutil.which(folder / one.command[0] if "/" in one.command[0] else one.command[0]) is None:
        return "command", f"there is no program {one.command[0]} that may be started"
    if isinstance(one.webhook, Secret):
        try:
            found = one.webhook.reveal()
        except ConfigError:
            return None
        if fault := urls.webhook_problem(found, secret=True):
            return "webhook", f"the address there {fault}"
    return None


def shown(address: str) -> str:
    """A webhook's address for people: those of many services hold the secret in their path."""
    scheme, _, rest = address.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host}{slash}{MASK if path else ''}"


def read_notifications(top: Table, folder: Path, environ: Mapping[str, str]) -> tuple[Notification, ...]:
    """All of them, in the order of the file; faults are noted in its report."""
    tables = top.table("notify")
    found = []
    for name, value in tables.items():
        if not isinstance(value, dict):
            tables.add(name, "must stand in [notify.NAME], such as [notify.ops], not in [notify]")
            continue
        table = tables.table(name)
        if not _NAME.fullmatch(name):
            tables.add(name, "is no name of a notification: up to 40 letters, digits, - and _")
        found.append(_notification(name, table, folder, environ))
        table.end({})
    return tuple(found)


def _notification(name: str, table: Table, folder: Path, environ: Mapping[str, str]) -> Notification:
    plain = table.flag("plain_http", default=False)
    made = Notification(
        name=name,
        events=table.choices("events", EVENTS, EVENTS),
        kinds=table.choices("kinds", KINDS, _USUAL),
        command=_command(table),
        webhook=_webhook(table, folder, environ, plain=plain),
        headers=_headers(table, folder, environ),
        plain_http=plain,
        ca_file=table.file("ca_file", folder),
        tries=table.whole("tries", 5, 1, 20),
        timeout=table.number("timeout", 30, 1, 300),
        within=table.number("within", 900, 1, 86_400),
    )
    if table.has("command") == table.has("webhook"):
        key = "webhook" if table.has("webhook") else "command"
        table.add(key, "there must be either a command or a webhook")
    elif table.has("command"):
        for key in ("headers", "plain_http", "ca_file"):
            if table.has(key):
                table.add(key, "is for a webhook")
    if plain and made.secrets:
        table.add("plain_http", "would show the network a secret: the webhook's address, or its headers")
    return made


def _command(table: Table) -> tuple[str, ...]:
    words = table.texts("command") or ()
    if table.has("command") and not (words and words[0].strip()) and isinstance(table.peek("command"), list):
        table.add("command", 'must be a list of the program and its arguments, such as ["/usr/local/bin/tell", "ops"]')
    return words


def _webhook(table: Table, folder: Path, environ: Mapping[str, str], *, plain: bool) -> str | Secret:
    if not table.has("webhook"):
        table.raw("webhook")
        return ""
    found = table.text("webhook", longest=_LONGEST * 2)
    if not found.strip():
        return ""
    if _LITERAL.match(found):
        if fault := urls.webhook_problem(found, plain=plain):
            table.add("webhook", fault)
        return found
    if fault := secret_problem(found):
        table.add("webhook", f"must begin with https://, or say where the address is: {fault}")
    return Secret(found, folder, environ)


def _headers(table: Table, folder: Path, environ: Mapping[str, str]) -> Mapping[str, Secret]:
    inner = table.table("headers")
    found = {}
    for name in dict(inner.items()):
        source = inner.text(name, longest=_LONGEST * 2)
        if not _HEADER.fullmatch(name):
            inner.add(name, "is no name of a header")
        elif name.lower() in _RESERVED:
            inner.add(name, "is set already")
        elif source.strip() and (fault := secret_problem(source)):
            inner.add(name, fault)
        found[name] = Secret(source, folder, environ)
    return found
