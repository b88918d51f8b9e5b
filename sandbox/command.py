"""`coupler sandbox`: two servers for trying things out, and the config file that leads to them."""

import asyncio
import json
import os
import re
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from sandbox.audit import Audit
from sandbox.crm.state import CrmState
from sandbox.demo import DEFAULT_SEED, DEFAULT_SIZE, demo_seeds
from sandbox.entra import CLIENT_ID, LIFETIME
from sandbox.faults.front import USUAL, read_faults
from sandbox.front import Front
from sandbox.limits import RULES
from sandbox.load import LoadError, crm_state, nav_state, read_folder
from sandbox.nav.schema import VERSIONS
from sandbox.nav.state import DEFAULT_COMPANY, DEFAULT_INSTANCE, NavState
from sandbox.serve import Sandbox, running
from sandbox.signin import CRM_WAYS, DOMAIN, USER, WAYS
from sandbox.throttle import Latency
from sandbox.tls import TlsUnavailableError, server_context

_FILE = click.Path(dir_okay=False, path_type=Path)
_PORT = click.IntRange(0, 65535)


_SECONDS = re.compile(r"(\d{1,6}(?:\.\d{1,6})?)(ms|s)")


def _latency(context: click.Context, parameter: click.Parameter, value: str | None) -> Latency:
    """The latency in seconds, from `20ms`, or `20ms,0.4ms` with what each record takes."""
    found = [_SECONDS.fullmatch(part.strip()) for part in (value or "0s").split(",")]
    seconds = [float(one[1]) / (1000 if one[2] == "ms" else 1) for one in found if one is not None]
    if len(seconds) != len(found) or len(seconds) > 2:
        text = "it is the time of a request, or also that of a record, such as 20ms,0.4ms"
        raise click.BadParameter(text, context, parameter)
    return Latency(*seconds)


def _faults(context: click.Context, parameter: click.Parameter, value: str | None) -> dict[str, float]:
    try:
        return read_faults(value or "")
    except ValueError as error:
        raise click.BadParameter(str(error), context, parameter) from error


@click.command("sandbox")
@click.option(
    "--data", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Folder with nav/*.csv, crm/*.csv."
)
@click.option(
    "--demo-size", type=click.IntRange(0), default=DEFAULT_SIZE, show_default=True, help="Customers of the demo."
)
@click.option("--seed", type=int, default=DEFAULT_SEED, show_default=True, help="Which demo.")
@click.option("--instance", default=DEFAULT_INSTANCE, show_default=True, help="Name of the NAV server instance.")
@click.option("--company", default=DEFAULT_COMPANY, show_default=True, help="Name of the NAV company.")
@click.option(
    "--nav-version", type=click.Choice(VERSIONS), default=VERSIONS[0], show_default=True, help="Which NAV it is."
)
@click.option("--nav-port", type=_PORT, default=0, help="0 is any free port.")
@click.option("--crm-port", type=_PORT, default=0, help="0 is any free port.")
@click.option("--audit", "audit_file", type=_FILE, help="Append a JSON line here for each accepted write.")
@click.option("--write-config", "config_file", type=_FILE, help="Write a config.toml for these servers, and its token.")
@click.option(
    "--token-file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Use this token, not a new one."
)
@click.option(
    "--nav-host", "hosts", multiple=True, help="A name that NAV answers to besides loopback's, such as Microsoft's own."
)
@click.option("--tls/--no-tls", help="Serve https, by an authority that is made for this start.")
@click.option(
    "--nav-auth", type=click.Choice(WAYS), default=WAYS[0], show_default=True, help="How NAV is signed in to."
)
@click.option(
    "--crm-auth", type=click.Choice(CRM_WAYS), default=WAYS[0], show_default=True, help="How CRM is signed in to."
)
@click.option(
    "--token-lifetime", type=click.IntRange(1), default=LIFETIME, show_default=True, help="Seconds, of Entra's tokens."
)
@click.option(
    "--limits",
    type=click.Choice(tuple(RULES)),
    multiple=True,
    help="Enforce the service protection limits of CRM (dataverse) or NAV (bc); may be given twice.",
)
@click.option(
    "--limits-scale",
    type=click.FloatRange(1, 1000),
    default=1.0,
    help="Shorten the window of 300 seconds by this factor; rates stay.",
)
@click.option("--latency", callback=_latency, help="Time a request takes, and a record: 20ms,0.4ms.")
@click.option(
    "--faults", callback=_faults, help=f"What goes wrong, and how likely (else {USUAL}): late,reset-after:0.1, or all."
)
@click.option("--fault-seed", type=int, default=0, show_default=True, help="Which requests it befalls.")
def sandbox_command(
    data: Path | None,
    demo_size: int,
    seed: int,
    instance: str,
    company: str,
    nav_version: str,
    nav_port: int,
    crm_port: int,
    audit_file: Path | None,
    config_file: Path | None,
    token_file: Path | None,
    nav_auth: str,
    crm_auth: str,
    token_lifetime: int,
    limits: tuple[str, ...],
    limits_scale: float,
    latency: Latency,
    faults: dict[str, float],
    fault_seed: int,
    hosts: tuple[str, ...],
    *,
    tls: bool,
) -> None:
    """Serve a NAV company and a CRM organization on this machine, in memory, until interrupted.

    When both are ready, one JSON line says where: nav, crm, token, config; with --tls also ca, the file of the
    authority that clients have to trust; with --nav-auth or --crm-auth entra also token_url and client_id. The token is
    then the client secret, and with basic and ntlm the password of the user sandbox. With --faults, the signal USR1
    ends them, and a line says how often each has happened.
    """
    front = Front(
        nav_way=nav_auth,
        crm_way=crm_auth,
        lifetime=token_lifetime,
        nav_rules=RULES["bc"].scaled(limits_scale) if "bc" in limits else None,
        crm_rules=RULES["dataverse"].scaled(limits_scale) if "dataverse" in limits else None,
        latency=latency,
        faults=faults,
        fault_seed=fault_seed,
    )
    try:
        token = None if token_file is None else _token(token_file)
        seeds = demo_seeds(demo_size, seed) if data is None else read_folder(data)
        with Audit(audit_file) as audit, _authority(config_file, tls=tls) as authority:
            nav = nav_state(seeds, company=company, instance=instance, version=nav_version, audit=audit)
            crm = crm_state(seeds, audit=audit)
            asyncio.run(_serve(nav, crm, nav_port, crm_port, token, config_file, front, authority, hosts))
    except (LoadError, TlsUnavailableError) as error:
        raise _Refused(str(error)) from error
    except OSError as error:
        raise _Refused(f"{error.filename or 'sandbox'}: {error.strerror or error}") from error


def write_config(path: Path, sandbox: Sandbox, authority: Path | None = None) -> None:
    """Write a config file that leads to the servers, and the token beside it; only the owner can read them.

    `authority` is the file, beside the config file, of the authority that the certificates of the servers are by.
    """
    secret = path.with_name(f"{path.stem}.token")
    _write_private(secret, sandbox.token + "\n")
    version = "" if sandbox.nav.version == VERSIONS[0] else f'\nversion = "{sandbox.nav.version}"'
    reference = json.dumps(f"file:{secret.name}", ensure_ascii=False)
    trust = "" if authority is None else f"\nca_file = {json.dumps(authority.name, ensure_ascii=False)}"
    _write_private(
        path,
        f"""environment = "sandbox"

[nav]
url = {json.dumps(sandbox.nav_url)}
company = {json.dumps(sandbox.nav.company, ensure_ascii=False)}
secret = {reference}{trust}{version}
{_sign_in(sandbox, sandbox.doors.front.nav_way)}marker_field = "CRM_Id"
settle_wait = 5

[crm]
url = {json.dumps(sandbox.crm_url)}
secret = {reference}{trust}
{_sign_in(sandbox, sandbox.doors.front.crm_way)}settle_wait = 5

[store]
url = {json.dumps(f"sqlite:///{path.stem}.db", ensure_ascii=False)}
""",
    )


def _sign_in(sandbox: Sandbox, way: str) -> str:
    match way:
        case "basic":
            return f'auth = "basic"\nuser = "{USER}"\n'
        case "ntlm":
            return f'auth = "ntlm"\nuser = "{DOMAIN}\\\\{USER}"\n'
        case "entra":
            return f'auth = "entra"\nclient_id = "{CLIENT_ID}"\ntoken_url = {json.dumps(sandbox.doors.token_url)}\n'
        case _:
            return ""


class _Refused(click.ClickException):
    exit_code = 2


@contextmanager
def _authority(config_file: Path | None, *, tls: bool) -> Iterator[Path | None]:
    """Where the certificate of the authority goes: beside the config file, else where it is gone at the end."""
    if not tls:
        yield None
    elif config_file is not None:
        yield config_file.with_name(f"{config_file.stem}.ca.pem")
    else:
        with tempfile.TemporaryDirectory(prefix="coupler-") as folder:
            yield Path(folder) / "ca.pem"


async def _serve(
    nav: NavState,
    crm: CrmState,
    nav_port: int,
    crm_port: int,
    token: str | None,
    config_file: Path | None,
    front: Front,
    authority: Path | None,
    hosts: tuple[str, ...],
) -> None:
    tls = None if authority is None else server_context(authority, hosts)
    end = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, end.set)
    async with running(
        nav, crm, nav_port=nav_port, crm_port=crm_port, token=token, front=front, tls=tls, hosts=hosts
    ) as sandbox:
        if config_file is not None:
            write_config(config_file, sandbox, authority)
        place = None if config_file is None else str(config_file)
        ready = {"nav": sandbox.nav_url, "crm": sandbox.crm_url, "token": sandbox.token, "config": place}
        if authority is not None:
            ready["ca"] = str(authority)
        if "entra" in (front.nav_way, front.crm_way):
            ready |= {"token_url": sandbox.doors.token_url, "client_id": CLIENT_ID}
        click.echo(json.dumps(ready))
        if front.faults:
            asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, _calm, sandbox)
        await end.wait()


def _calm(sandbox: Sandbox) -> None:
    doors = sandbox.doors
    for one in (doors.nav_faults, doors.crm_faults):
        one.calm()
    happened = doors.nav_faults.happened + doors.crm_faults.happened
    click.echo(json.dumps({"faults": {name: happened[name] for name in doors.front.faults}}))


def _token(path: Path) -> str:
    text = path.read_text(encoding="utf-8", errors="replace").strip()
    if not text or not text.isascii() or not text.isprintable() or " " in text:
        raise _Refused(f"{path}: it does not hold a token (printable ASCII without spaces)")
    return text


def _write_private(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(text)
