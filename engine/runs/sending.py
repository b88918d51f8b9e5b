"""One try to tell somebody: start a command with an event on its standard input, or send the event to a webhook."""

import asyncio
import json
import os
import signal
from collections.abc import Mapping
from contextlib import suppress
from http import HTTPStatus
from typing import Any

import httpx

from engine.config import Settings
from engine.config.notify import Notification
from engine.connectors.tls import certificate_hint, certificate_problem, trusting
from engine.connectors.verdicts import retry_after
from engine.model.errors import ConfigError, sentences

_AGAIN = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})
_IN_ENVIRONMENT = ("id", "event", "run", "kind", "state", "code", "environment", "company", "text")


class Undelivered(Exception):
    """It did not arrive: why, in words that may be shown; `again` when another try may help, after `wait` seconds."""

    def __init__(self, reason: str, *, again: bool = True, wait: float = 0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.again = again
        self.wait = wait


async def send(settings: Settings, to: Notification, values: Mapping[str, Any], *, seconds: float) -> str:
    """Try it for so long; how it was taken. Raises Undelivered."""
    content = json.dumps(values, ensure_ascii=False).encode()
    if to.command:
        return await _start(settings, to, values, content, seconds)
    return await _post(to, content, seconds)


async def _start(
    settings: Settings, to: Notification, values: Mapping[str, Any], content: bytes, seconds: float
) -> str:
    try:
        process = await asyncio.create_subprocess_exec(
            *to.command,
            cwd=settings.path.parent,
            env=environment(settings, values),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no command"
        raise Undelivered(f"the command cannot be started: {reason}") from error
    try:
        async with asyncio.timeout(seconds):
            await process.communicate(content)
    except TimeoutError as error:
        raise Undelivered(f"the command took longer than {seconds:.0f} s") from error
    finally:
        with suppress(ProcessLookupError):
            if process.returncode is None:
                os.killpg(process.pid, signal.SIGKILL)  # with what it started
                await process.wait()
    if process.returncode:
        raise Undelivered(f"the command ended with exit code {process.returncode}")
    return "exit code 0"


def environment(settings: Settings, values: Mapping[str, Any]) -> dict[str, str]:
    """The environment of a command: ours, without the variables that hold secrets, and with the event."""
    secrets = {settings.nav.secret, settings.crm.secret}
    for one in settings.notify:
        secrets.update(one.secrets.values())
    kept = {"PGPASSWORD", *(secret.source.partition(":")[2] for secret in secrets if secret.kind == "env")}
    found = {name: value for name, value in os.environ.items() if name not in kept}
    said = {f"COUPLER_{name.upper()}": f"{values[name]}" for name in _IN_ENVIRONMENT if values.get(name) is not None}
    return {**found, **said, "COUPLER_CONFIG": str(settings.path)}


async def _post(to: Notification, content: bytes, seconds: float) -> str:
    try:
        url = httpx.URL(await asyncio.to_thread(to.address))
        headers = {name: await asyncio.to_thread(secret.reveal) for name, secret in to.headers.items()}
        tls = trusting(url, to.ca_file)
        headers = {"User-Agent": "Coupler", **headers, "Content-Type": "application/json"}
        async with (
            asyncio.timeout(seconds),
            httpx.AsyncClient(verify=tls, trust_env=False, follow_redirects=False, timeout=seconds) as http,
            http.stream("POST", url, content=content, headers=headers) as response,
        ):
            status, wait = response.status_code, retry_after(response.headers)
    except ConfigError as error:
        raise Undelivered(error.told) from error
    except TimeoutError as error:
        raise Undelivered(f"the webhook does not answer within {seconds:.0f} s") from error
    except httpx.TransportError as error:
        if (problem := certificate_problem(error)) is not None:
            said = f"the webhook has no certificate that can be trusted: {problem}"
            raise Undelivered(sentences(said, certificate_hint(error)), again=False) from error
        raise Undelivered(f"the webhook cannot be reached ({type(error).__name__})") from error
    except (httpx.InvalidURL, UnicodeError):
        # the errors hold what is not to be shown
        said = "the address or a header of the webhook has characters that none can have"
        raise Undelivered(said, again=False) from None
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return f"answered {status}"
    again = status in _AGAIN or status >= HTTPStatus.INTERNAL_SERVER_ERROR
    raise Undelivered(f"the webhook answers {status}", again=again, wait=wait or 0)
