"""One OData service over HTTP: sends, waits, repeats what is safe to repeat, and judges answers."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import partial
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any

import httpx

from engine.connectors import body, urls
from engine.connectors.answers import Answer, understood
from engine.connectors.auth import EntraApp, OriginAuth, Secret, SignInUnavailable, WindowsUser, by_password, by_token
from engine.connectors.budget import read_budget
from engine.connectors.entra import by_client_credentials
from engine.connectors.gate import Gate
from engine.connectors.ntlm import NtlmTransport
from engine.connectors.protocol import Halted
from engine.connectors.tls import certificate_hint, certificate_problem, trusting
from engine.connectors.verdicts import USED_UP, Verdict, retry_after
from engine.model.errors import AccessDenied, ConnectionLost, Refused
from engine.model.masking import mask

TransportFactory = Callable[[], httpx.AsyncBaseTransport]
_HEADERS = {
    "Accept": "application/json",
    "Accept-Encoding": "gzip",
    "Accept-Language": "en-US",
    "OData-MaxVersion": "4.0",
    "OData-Version": "4.0",
    "User-Agent": "Coupler",
}
_XML = "application/xml"
_LARGEST_DOCUMENT = 32 * 1024 * 1024
"""Bytes; what reads a document takes several times as much. Those of large organizations have about 20 MB."""
_ONE = httpx.Limits(max_connections=1, max_keepalive_connections=1)
_LAG = timedelta(minutes=1)
"""A date that lags more says that the service's clock was set back."""
_SMALLER_PAGES = "Use a smaller page size."
_NO_ONE_THERE = "Check that the server runs and can be reached from here."
_PERHAPS_TLS = "Perhaps it speaks https. Else check that the server runs."


@dataclass(frozen=True, slots=True)
class Limits:
    """How long and how much. Seconds, and bytes for `body`.

    `read` is the longest silence: a bulk message may take two minutes before its first byte. `total` bounds a request
    whatever trickles in. `patience` is how long a request may fail in a row, `throttle_patience` how long be put off.
    """

    connect: float = 10.0
    read: float = 150.0
    total: float = 300.0
    body: int = body.DEFAULT_LIMIT
    patience: float = 60.0
    throttle_patience: float = 1800.0


class Unanswered(Exception):
    """A write left, and what became of it is not known."""


@dataclass(frozen=True, slots=True)
class _Failure:
    reason: str
    sent: bool
    hint: str = _NO_ONE_THERE


@dataclass(slots=True)
class _Course:
    """What one request has been through."""

    attempt: int = 0
    failing_since: float | None = None
    throttled_since: float | None = None
    renewed: bool = False
    """Whether the last attempt was refused, and there is a new header since."""


class ODataClient:
    """Requests to one service; `name` is how screens call it. Addresses are relative to `url`.

    Raises ConfigError when the address must not be used; ConnectionLost, AccessDenied, Halted as `protocol.Side` says.
    """

    def __init__(
        self,
        name: str,
        url: str,
        secret: Secret,
        *,
        gate: Gate,
        user: str = "",
        limits: Limits | None = None,
        ca_file: str | None = None,
        transport: TransportFactory | None = None,
    ) -> None:
        self.root = urls.service_root(url)
        self.gate = gate
        self.limits = limits or Limits()
        self._told: tuple[datetime, float] | None = None
        self._name = name
        self.tls = tls = trusting(self.root, ca_file)
        self._auth: OriginAuth | None = None
        if isinstance(secret, WindowsUser):
            connect = transport or (lambda: httpx.AsyncHTTPTransport(verify=tls, trust_env=False, limits=_ONE))
            transport = partial(NtlmTransport, secret, connect)
        elif isinstance(secret, EntraApp):
            self._auth = OriginAuth(self.root, by_client_credentials(secret, ca_file))
        else:
            self._auth = OriginAuth(self.root, by_password(user, secret) if user else by_token(secret))
        self._http = httpx.AsyncClient(
            auth=self._auth,
            headers=_HEADERS,
            # an affinity cookie would tie all requests to one web server (reference/apis.md section 1)
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            follow_redirects=False,
            trust_env=False,
            timeout=httpx.Timeout(self.limits.read, connect=self.limits.connect, pool=None),
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=64),
            transport=None if transport is None else transport(),
            verify=tls,
        )

    @property
    def now(self) -> datetime | None:
        """The present moment by the clock of the service, as its last answer told; None when none did."""
        if self._told is None:
            return None
        date, at = self._told
        return date + timedelta(seconds=self.gate.clock() - at)

    async def close(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    async def sign_in(self) -> None:
        """Get what requests will show, if it has to be fetched; raises ConnectionLost and AccessDenied."""
        try:
            if self._auth is not None:
                await self._auth.ready()
        except SignInUnavailable as error:
            raise ConnectionLost(f"{self._name}: {error}.", _NO_ONE_THERE) from error

    async def read(
        self, address: str | httpx.URL, headers: Mapping[str, str] | None = None, patience: float | None = None
    ) -> dict[str, Any]:
        """The JSON object at an address below the root; what may pass is waited out for up to `patience` seconds."""
        url = self._url(address)
        answer = await self._send("GET", url, None, headers or {}, patience)
        if answer.verdict is not Verdict.OK:
            raise self.refusal("GET", url, answer)
        if not isinstance(answer.content, dict):
            raise ConnectionLost(f"{self._name}: {urls.shown(url)} does not answer as an OData service.", _wrong_url())
        return answer.content

    async def document(self, address: str, patience: float | None = None) -> bytes:
        """The XML document at an address below the root, as it is."""
        url = self._url(address)
        answer = await self._send("GET", url, None, {"Accept": _XML}, patience)
        if answer.verdict is not Verdict.OK:
            raise self.refusal("GET", url, answer)
        return answer.body

    async def write(
        self,
        address: str,
        content: bytes,
        headers: Mapping[str, str],
        method: str = "POST",
        *,
        to_its_end: bool = False,
    ) -> Answer:
        """The answer to a write, whatever it says about the data.

        `to_its_end`: it is waited for although a stop is in force. Raises Unanswered when it is not known what became
        of it, also because a stop let nobody wait; AccessDenied, ConnectionLost and Halted when it was not done.
        """
        url = self._url(address)
        answer = await self._send(method, url, content, headers, None, to_its_end=to_its_end)
        if answer.verdict in (Verdict.DENIED, Verdict.FATAL):
            raise self.refusal(method, url, answer)
        return answer

    def refusal(self, method: str, address: str | httpx.URL, answer: Answer) -> ConnectionLost:
        """The error for an answer without which nothing can go on."""
        said = " ".join(part for part in (str(answer.status), answer.fault.code, answer.fault.message) if part)
        message = f"{self._name}: {method} {urls.shown(self._url(address))} was answered with {said}"
        if answer.verdict is Verdict.DENIED:
            return AccessDenied(message, "Check the user, and that the password or token is valid and has not expired.")
        if answer.verdict is Verdict.FORBIDDEN:
            return AccessDenied(message, "Have the permission granted to the user of this connection.")
        if answer.verdict in (Verdict.REJECTED, Verdict.MISSING):
            return Refused(message, _wrong_url())
        return ConnectionLost(message, _wrong_url())

    def link(self, link: object) -> httpx.URL:
        """A link from an answer, when it stays within the service."""
        return urls.own_link(self.root, link)

    def _url(self, address: str | httpx.URL) -> httpx.URL:
        return address if isinstance(address, httpx.URL) else httpx.URL(f"{self.root}/{address}")

    async def _send(
        self,
        method: str,
        url: httpx.URL,
        content: bytes | None,
        headers: Mapping[str, str],
        patience: float | None,
        *,
        to_its_end: bool = False,
    ) -> Answer:
        course = _Course()
        while True:
            course.attempt += 1
            try:
                if self._auth is not None:
                    async with self.gate.within(self.limits.total):
                        await self._auth.ready()  # before the gate, which may have closed again until a token has come
            except (SignInUnavailable, TimeoutError) as error:
                failure = _Failure(str(error) or "no token in time", sent=False)
                await self._wait(url, failure, course, self.limits.patience if patience is None else patience)
                continue
            async with self.gate.slot() as epoch:
                started = self.gate.clock()
                request = self._http.build_request(method, url, content=content, headers=headers)
                outcome = await self._once(request, to_its_end=to_its_end)
                if isinstance(outcome, Answer):
                    self._learn(outcome, course, epoch, self.gate.clock() - started)
            if self._auth is not None and isinstance(outcome, Answer) and outcome.status == 401 and not course.renewed:
                try:
                    course.renewed = await self._auth.renewed(request)
                    if course.renewed:
                        continue  # a 401 was not processed, so that a repeat is safe
                except SignInUnavailable as error:
                    outcome = _Failure(str(error), sent=False)
            course.renewed = False
            if isinstance(outcome, Answer):
                if outcome.verdict is Verdict.THROTTLED:
                    self._put_off(url, course, patience)
                    continue
                if outcome.verdict is not Verdict.UNKNOWN:
                    return outcome
                outcome = _Failure(str(outcome.status), sent=True)
            if outcome.sent and method != "GET":
                raise Unanswered(f"{self._name}: no answer to {method} {urls.shown(url)}: {outcome.reason}")
            await self._wait(url, outcome, course, self.limits.patience if patience is None else patience)

    async def _once(self, request: httpx.Request, *, to_its_end: bool) -> Answer | _Failure:
        method, url = request.method, request.url
        document = request.headers["Accept"] == _XML
        limit = min(self.limits.body, _LARGEST_DOCUMENT) if document else self.limits.body
        try:
            async with self.gate.within(self.limits.total, to_its_end=to_its_end):
                response = await self._http.send(request, stream=True)
                self._note_date(response)
                try:
                    data = await body.read(response, limit)
                finally:
                    await response.aclose()
            if method == "GET" and response.status_code == 200 and body.is_web_page(response):
                return _Failure("it answers with a web page, not as the service", sent=True, hint="Check the url.")
            return understood(method, response, data, json=not document)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            if (problem := certificate_problem(error)) is not None:
                raise ConnectionLost(
                    f"{self._name}: {urls.shown(url)} has no certificate that can be trusted: {problem}",
                    certificate_hint(error, f"ca_file in [{self._name.lower()}]"),
                ) from error
            return _Failure(f"cannot be reached ({_reason(error)})", sent=False)
        except SignInUnavailable as error:
            return _Failure(str(error), sent=False)
        except TimeoutError:
            if self.gate.stopping and not to_its_end:
                return _Failure("the run was stopped before it came", sent=True)
            return _Failure(f"no whole answer within {self.limits.total:g} s", sent=True)
        except httpx.InvalidURL as error:  # httpx reads where a redirect leads to, though nobody goes there
            return _Failure(f"it redirects to what is no address ({_reason(error)})", sent=True, hint="Check the url.")
        except httpx.TransportError as error:
            hint = _PERHAPS_TLS if url.scheme == "http" else _NO_ONE_THERE
            return _Failure(_reason(error), sent=True, hint=hint)
        except body.TooMuch as error:
            raise ConnectionLost(f"{self._name}: {urls.shown(url)}: {error}.", _SMALLER_PAGES) from error
        except body.Malformed as error:
            return _Failure(f"the answer is damaged: {error}", sent=True)
        except body.TooLarge as error:
            if method != "GET":
                return _Failure("the answer is too large", sent=True)
            raise ConnectionLost(
                f"{self._name}: {urls.shown(url)} answers with more than {limit} bytes.",
                "Check the address of the service." if document else _SMALLER_PAGES,
            ) from error

    def _note_date(self, response: httpx.Response) -> None:
        """Learn the service's clock. A date is never ahead of it, but may lag: it has whole seconds, was looked up some
        time ago, and came a long way. So the answer that lagged least counts, until the clock itself was set back.
        """
        with suppress(TypeError, ValueError):
            date = parsedate_to_datetime(response.headers.get("Date"))
            date = date.replace(tzinfo=date.tzinfo or UTC)
            known = self.now
            if known is None or not known - _LAG < date <= known:
                self._told = (date, self.gate.clock())

    def _learn(self, answer: Answer, course: _Course, epoch: int, took: float) -> None:
        seconds = retry_after(answer.headers)
        if answer.verdict is Verdict.THROTTLED or (answer.status == 503 and seconds is not None):
            used_up = seconds is not None and answer.fault.code in USED_UP
            self.gate.throttled(str(answer.status), seconds, course.attempt, epoch, crowded=not used_up)
        elif answer.verdict is not Verdict.UNKNOWN:
            self.gate.succeeded(took, read_budget(answer.headers))

    def _put_off(self, url: httpx.URL, course: _Course, patience: float | None) -> None:
        now = self.gate.clock()
        course.failing_since = None
        course.throttled_since = now if course.throttled_since is None else course.throttled_since
        longest = self.limits.throttle_patience if patience is None else patience
        if now - course.throttled_since >= longest:
            raise ConnectionLost(
                f"{self._name}: {urls.shown(url)} has put us off for {now - course.throttled_since:.0f} s (429).",
                "Others use up the limits of this user; it can go on later.",
            )

    async def _wait(self, url: httpx.URL, failure: _Failure, course: _Course, patience: float) -> None:
        if self.gate.stopping:
            raise Halted
        now = self.gate.clock()
        course.failing_since = now if course.failing_since is None else course.failing_since
        course.throttled_since = None
        seconds = self.gate.delay(course.attempt)
        if now - course.failing_since + seconds > patience:
            raise ConnectionLost(
                f"{self._name}: {urls.shown(url)}: {failure.reason}, {course.attempt} times in a row.", failure.hint
            )
        await self.gate.wait(failure.reason, seconds, course.attempt)


def _reason(error: Exception) -> str:
    text = mask(str(error))  # may quote what is no HTTP
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _wrong_url() -> str:
    return "Check the address of the service, and that the tables and fields of the mappings exist there."
