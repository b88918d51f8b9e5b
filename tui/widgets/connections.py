"""The settings of both connections as rows, and as what is said about one of them; pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from engine.config import CrmSettings, NavSettings, urls
from engine.config.check import short
from engine.config.edit import Form, Value, difference, formed, modes, put
from engine.config.loading import NAV_KINDS, NAV_VERSIONS
from engine.config.secrets import SOURCES, how_to_put, shown
from engine.config.signin import BASIC, CLOUDS, CRM_WAYS, ENTRA, NAV_WAYS, NTLM, TOKEN
from engine.config.toml import Keys
from tui import format as fmt
from tui.widgets.table import Column, Row

_SIDES = {"": fmt.NONE, "nav": "NAV", "crm": "CRM"}
_WAYS = {
    TOKEN: "the secret is an OAuth token that something else renews",
    BASIC: "a user, and a password or web service access key",
    NTLM: "a user of Windows, and the password",
    ENTRA: "an application of Microsoft Entra, and its client secret",
}
_KINDS = {
    "odata": "pages that you published over OData V4",
    "api": "Business Central API v2.0: nothing to publish, fewer fields",
}
_VERSIONS = {"bc": "Business Central", "2018": "Dynamics NAV 2018", "2016": "Dynamics NAV 2016"}
_SOURCES = {
    "env": "an environment variable",
    "file": "a file with nothing else in it",
    "command": "what a program prints, such as a password manager",
    "keyring": "the desktop keyring",
}
_WHERE = {
    "env": "The name of the variable, such as NAV_SECRET.",
    "file": "The path of the file, relative to config.toml.",
    "command": "The program with its arguments.",
    "keyring": "SERVICE/USER, as the keyring knows it.",
}


@dataclass(frozen=True, slots=True)
class Setting:
    """A key of config.toml that can be changed on the screen."""

    table: str
    key: str
    label: str
    help: str
    choices: tuple[tuple[str, str], ...] = ()
    number: bool = False
    ways: tuple[str, ...] = ()
    """The ways to sign in that it is for; none are all."""
    kinds: tuple[str, ...] = NAV_KINDS
    """The kinds of NAV side that it is for."""

    @property
    def keys(self) -> Keys:
        """Where it is in the file."""
        return (self.table, self.key) if self.table else (self.key,)

    @property
    def place(self) -> str:
        """What the file calls it."""
        return f"[{self.table}] {self.key}" if self.table else self.key

    @property
    def id(self) -> str:
        """What tells it from all others."""
        return ".".join(self.keys)

    @property
    def title(self) -> str:
        """Side and name, for a heading."""
        return f"{_SIDES[self.table]} {self.label}" if self.table else self.label


def _choices(names: tuple[str, ...], words: dict[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple((one, words[one]) for one in names)


def _signing(table: str, ways: tuple[str, ...]) -> tuple[Setting, ...]:
    return (
        Setting(table, "auth", "Sign-in", "How it is signed in to.", _choices(ways, _WAYS)),
        Setting(table, "user", "User", "The user; of Windows as DOMAIN\\name.", ways=tuple({BASIC, NTLM} & {*ways})),
        Setting(table, "client_id", "Client id", "The application's id in Microsoft Entra.", ways=(ENTRA,)),
        Setting(table, "tenant", "Tenant", "Its id or domain in Microsoft Entra.", ways=(ENTRA,)),
        Setting(
            table,
            "cloud",
            "Cloud",
            "The national cloud that gives the tokens.",
            tuple((one, address) for one, address in CLOUDS.items()),
            ways=(ENTRA,),
        ),
        Setting(
            table,
            "secret",
            "Secret",
            "Where token, password or client secret is.",
            _choices(SOURCES, _SOURCES),
        ),
    )


def _more(table: str) -> tuple[Setting, ...]:
    return (
        Setting(table, "token_url", "Token URL", "Instead of tenant and cloud.", ways=(ENTRA,)),
        Setting(table, "scope", "Scope", "What tokens are asked for.", ways=(ENTRA,)),
        Setting(table, "ca_file", "CA file", "PEM file of an authority of your own."),
        Setting(table, "page_size", "Page size", "Records that a request reads.", number=True),
        Setting(table, "batch", "Batch", "Records that a request writes.", number=True),
        Setting(table, "concurrency", "Concurrency", "Requests at a time.", number=True),
    )


SETTINGS: tuple[Setting, ...] = (
    Setting("", "environment", "Environment", "Names this pair of systems and its store."),
    Setting("nav", "url", "Address", "The service root, as far as the company."),
    Setting("nav", "company", "Company", "The company that is synchronized."),
    Setting("nav", "kind", "Kind", "What NAV offers its records by.", _choices(NAV_KINDS, _KINDS)),
    Setting("nav", "version", "Version", "Which NAV it is.", _choices(NAV_VERSIONS, _VERSIONS), kinds=("odata",)),
    *_signing("nav", NAV_WAYS),
    Setting("crm", "url", "Organization", "The address of the organization."),
    *_signing("crm", CRM_WAYS),
    Setting(
        "nav",
        "marker_field",
        "Marker field",
        "Takes the id of the CRM record.",
        kinds=("odata",),
    ),
    Setting("nav", "settle_wait", "Settle wait", "Seconds until a lost request is harmless.", number=True),
    *_more("nav"),
    Setting("crm", "settle_wait", "Settle wait", "Seconds until a lost request is harmless.", number=True),
    *_more("crm"),
)
"""In the order of the screen: what everybody needs, then the rest."""


def columns(width: int) -> tuple[Column, ...]:
    """The columns of the table; a wide terminal also shows what each setting is."""
    first = (Column("Side", 5), Column("Setting", 14))
    if width < 120:
        return (*first, Column("Value", width - 31), Column("", 10))
    value = (width - 31) // 2
    return (*first, Column("Value", value), Column("", 10), Column("What it is", width - 31 - value))


def listed(form: Form) -> list[Setting]:
    """The settings that mean something now, or are there although they should not be."""
    return [one for one in SETTINGS if _fits(one, form) or form.draft.value(one.keys) is not None]


def refitted(form: Form, table: str, kept: Mapping[Keys, Value]) -> tuple[Form, dict[Keys, Value]]:
    """The form of a side whose kind or sign-in changed, without what means nothing any more, and with what was `kept`
    before and means something again; and what is kept now.
    """
    kept = dict(kept)
    for one in SETTINGS:
        there = form.draft.value(one.keys)
        if one.table != table:
            continue
        if there is not None and not _fits(one, form):
            kept[one.keys] = there
            form = formed(put(form.draft, one.keys, None))
        elif there is None and one.keys in kept and _fits(one, form):
            form = formed(put(form.draft, one.keys, kept.pop(one.keys)))
    return form, kept


def _part(one: Setting, form: Form) -> NavSettings | CrmSettings | None:
    if one.table == "nav":
        return form.settings.nav
    return form.settings.crm if one.table == "crm" else None


def _fits(one: Setting, form: Form) -> bool:
    part = _part(one, form)
    if one.ways and (part is None or part.auth not in one.ways):
        return False
    return one.table != "nav" or form.settings.nav.kind in one.kinds


def row(one: Setting, form: Form, width: int) -> Row:
    """A row of the table."""
    cells = (_SIDES[one.table], one.label, value(one, form), _state(one, form))
    return Row(one.id, cells if width < 120 else (*cells, one.help))


def value(one: Setting, form: Form) -> str:
    """The value as it is written; in brackets what is used where none is."""
    found = form.draft.value(one.keys)
    if isinstance(found, str) and one.key == "secret":
        return shown(found)
    if found is not None and found != "":
        return written(found)
    if one.key == "cloud":
        return "(public)"
    if one.id == "crm.concurrency":
        return "(as CRM recommends)"
    used = None if one.key in ("url", "company", "client_id", "token_url") else getattr(_part(one, form), one.key, None)
    return fmt.NONE if used is None else f"({written(used)})"


def written(found: Value) -> str:
    """A value as people type it."""
    return f"{found:g}" if isinstance(found, float) else "" if found is None else urls.shown(str(found))


def _state(one: Setting, form: Form) -> str:
    asked = f"needs the key {one.key}" in form.fault((one.table, "auth"))
    if not form.draft.value(one.keys) and (asked or form.fault(one.keys)):
        return "! needed"
    if form.fault(one.keys):
        return "! mend"
    return "changed" if form.draft.differs(one.keys) else ""


def about(one: Setting, form: Form) -> list[str]:
    """What a setting is, what is wrong with it, and how its secret gets where it says."""
    lines = [f"{one.place}   {one.help}"]
    if fault := form.fault(one.keys):
        lines.append(f"! {fault}")
    source = form.draft.value(one.keys)
    if one.key == "secret" and isinstance(source, str):
        lines.append(how_to_put(source))
    return lines


def status(form: Form, *, stale: bool) -> str:
    """Which file it is, and whether there is something to save."""
    draft = form.draft
    changes = len([one for one in SETTINGS if draft.differs(one.keys)])
    said = f"{fmt.many(changes, 'change')}, not saved" if draft.changed else "as saved"
    if draft.before is None:
        said = "a new file" if not draft.changed else f"a new file; {said}"
    return f"! the file was changed meanwhile: {draft.path}" if stale else f"{said}: {draft.path}"


def saving(form: Form, doubts: list[str]) -> list[str]:
    """What is asked before the file is written: the lines that change, and what the operator must know."""
    draft = form.draft
    made = [f"{'A new file' if draft.before is None else 'Changed lines of'} {draft.path}"]
    if draft.linked is not None:
        made.append(f"It is a link; what changes is {draft.linked}")
    made += ["", *(f"  {one}" for one in difference(draft)), ""]
    if draft.before is not None and any(
        draft.differs(one) for one in (("nav", "url"), ("nav", "company"), ("crm", "url"))
    ):
        made.append(
            "- ! Couplings belong to one company and one organization. Other ones need an environment, and so a config "
            "file, of their own."
        )
    made += [f"- ! {one.removeprefix(f'{draft.path}: ')}" for one in doubts]
    now, then = modes(draft)
    if now is not None and now & ~then:
        made.append(f"- Others can use the file now (mode {now:o}); then its owner alone can ({then:o}).")
    if draft.before is not None:
        made.append("- A run that is going keeps the connections that it began with.")
    return made


def explained(one: Setting, form: Form) -> list[str]:
    """What a dialog says before a value is typed."""
    default = value(one, form) if form.draft.value(one.keys) in (None, "") else ""
    return [f"{one.place}   {one.help}", *([f"Left out: {default[1:-1]}"] if default.startswith("(") else []), ""]


def sourced(source: str) -> list[str]:
    """What a dialog says before the place of a secret is typed."""
    return [_WHERE[source], "Never type the secret itself: this is shown, and stands in config.toml.", ""]


def parsed(one: Setting, text: str) -> Value:
    """What is typed as it is written into the file; a number that is none stays text, which has a fault."""
    text = text.strip()
    if not one.number or not text:
        return text or None
    try:
        return int(text)
    except ValueError:
        try:
            return float(text)
        except ValueError:
            return short(text)
