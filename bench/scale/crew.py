"""Who does the work: so many workers, with so many pairs of users; what holds them up, by name."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from bench.scale.assumptions import Assumptions
from bench.scale.walk import Course, Stretch, Window, walk
from bench.scale.work import Ask, Case, Pass, Side, passes

CPU, PAGES, READING, START, STORE = "CPU", "pages", "reading", "start", "store"
CRM_PLACES, NAV_PLACES = "CRM places", "NAV places"
CRM_REQUESTS, CRM_EXECUTION = "CRM requests", "CRM execution"
NAV_REQUESTS, NAV_ENVIRONMENT = "NAV requests", "NAV environment"
LIMITS = {
    CRM_EXECUTION: "execution time of the CRM users within 300 s",
    CRM_REQUESTS: "requests of the CRM users within 300 s",
    CRM_PLACES: "requests to CRM that are under way at once",
    NAV_REQUESTS: "requests of the NAV users within 300 s",
    NAV_ENVIRONMENT: "requests of all users of a NAV environment",
    NAV_PLACES: "requests to NAV that are under way at once",
    CPU: "the core of each worker",
    PAGES: "a page takes so long from its first request to its last, of one worker three at a time to CRM, one to NAV",
    READING: "pages are read one after the other, the next while one is worked on",
    STORE: "commits, and PostgreSQL's own CPU",
    START: "what comes before the first record",
}
_COMMITS = 3
_MICRO = 1_000_000
_THOUSANDTHS = 1000
_FINE = 400
"""A piece of work is so small that so many of them fit into the windows of one user."""


@dataclass(frozen=True, slots=True)
class Crew:
    """`users` is how many CRM users and how many NAV users there are. All workers use all of them."""

    users: int
    workers: int


TODAY = Crew(1, 1)


def synchronize(total: int, case: Case, crew: Crew, given: Assumptions) -> Course:
    """How long a full synchronization of so many records takes, and because of what."""
    start = Stretch(1, round(given.start * _MICRO), START, (0, 0, 0, 0))
    work = (stretch for one in passes(total, case, given) for stretch in stretches(one, crew, given))
    return walk([start, *work], windows(crew, given))


def windows(crew: Crew, given: Assumptions) -> Sequence[Window]:
    """The sliding windows of all users together; requests are counted in thousandths, times in microseconds."""
    span = round(given.window * _MICRO)
    crm = crew.users * given.web_servers * given.pace
    return (
        Window(CRM_REQUESTS, math.floor(crm * given.crm_requests * _THOUSANDTHS), span),
        Window(CRM_EXECUTION, math.floor(crm * given.crm_execution * _MICRO), span),
        Window(NAV_REQUESTS, math.floor(crew.users * given.pace * given.nav_requests * _THOUSANDTHS), span),
        Window(NAV_ENVIRONMENT, math.floor(given.pace * given.nav_environment * _THOUSANDTHS), span),
    )


def stretches(one: Pass, crew: Crew, given: Assumptions) -> Sequence[Stretch]:
    """A pass in pieces, none larger than a page: the first page from its reading to its end, then the others."""
    uses = used(one)
    smallest = [window.limit for window in windows(TODAY, given)]
    fine = max((math.ceil(use * _FINE / limit) for use, limit in zip(uses, smallest, strict=True) if limit), default=1)
    seconds = gaps(one, crew, given)
    bound = max(seconds, key=lambda name: seconds[name])
    read = seconds[READING] * crew.workers

    def part(pages: Fraction, gap: float, why: str) -> Stretch:
        pieces = math.ceil(pages * fine)
        share = pages / pieces if pieces else pages
        needs = tuple(math.ceil(use * share) for use in uses)
        return Stretch(pieces, max(1, math.ceil(Fraction(gap * _MICRO) * share)), why, needs)

    others = Fraction(one.records, one.page) - 1
    return part(Fraction(1), read + page_takes(one, crew, given), PAGES), part(others, seconds[bound], bound)


def used(one: Pass) -> tuple[int, int, int, int]:
    """What a page uses of each window."""
    crm = [ask for ask in one.asks if ask.side is Side.CRM]
    nav = sum(ask.number for ask in one.asks if ask.side is Side.NAV) * _THOUSANDTHS
    requests = sum(ask.number for ask in crm) * _THOUSANDTHS
    return requests, math.ceil(sum(ask.number * ask.seconds for ask in crm) * _MICRO), nav, nav


def gaps(one: Pass, crew: Crew, given: Assumptions) -> dict[str, float]:
    """Seconds from one page to the next, by what would allow no less; windows are not among it."""
    busy = {
        side: sum(ask.number * (given.network / 1000 + ask.seconds) for ask in one.asks if ask.side is side)
        for side in Side
    }
    read = 0.0 if one.read is None else given.network / 1000 + one.read.seconds
    server = one.rows * given.server_row / _MICRO / given.server_cores
    return {
        CPU: _cpu(one, given) / crew.workers,
        READING: read / crew.workers,
        PAGES: page_takes(one, crew, given) / one.width / crew.workers,
        CRM_PLACES: busy[Side.CRM] / (given.crm_places * crew.users),
        NAV_PLACES: busy[Side.NAV] / (given.nav_places * crew.users),
        STORE: max(_stored(one, given) / crew.workers, server),
    }


def page_takes(one: Pass, crew: Crew, given: Assumptions) -> float:
    """Seconds that a page takes once it is read, when nobody is in its way."""
    places = {Side.CRM: given.crm_places * crew.users, Side.NAV: given.nav_places * crew.users}

    def waits(ask: Ask) -> float:
        return math.ceil(ask.number / places[ask.side]) * (given.network / 1000 + ask.seconds)

    return _cpu(one, given) + _stored(one, given) + sum(map(waits, one.steps))


def _cpu(one: Pass, given: Assumptions) -> float:
    return one.page * given.cpu / _MICRO


def _stored(one: Pass, given: Assumptions) -> float:
    return _COMMITS * given.commit / 1000 + one.rows * given.row / _MICRO
