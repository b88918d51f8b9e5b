"""The goals, and what one run of the benchmark says of each (reference/perf.md section 4)."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from bench.results import Once, Results, Series
from bench.rounds import Figure, figure, ratios

_RATIO_SIZE = 100_000
_BULK, _USUAL = 1000, 100
_PAGE = 1000
_MB = 1_000_000


@dataclass(frozen=True, slots=True)
class Found:
    """A figure, and for how many records it stands."""

    figure: Figure
    size: int


@dataclass(frozen=True, slots=True)
class Goal:
    """What must be, and what is aimed at: at most that, or at least where `least`. `find` is None when not measured."""

    number: str
    text: str
    must: float
    aim: float | None
    find: Callable[[Results], Found | None]
    least: bool = False
    unit: str = ""

    def met(self, value: float) -> bool:
        """Whether a figure is good enough."""
        return value >= self.must if self.least else value <= self.must


def _chosen(series: Iterable[Series], size: int = _RATIO_SIZE) -> Series | None:
    """Those of the size that is compared, else the largest below it: at small sizes the start weighs most."""
    fitting = [one for one in series if one.size <= size]
    return fitting[-1] if fitting else None


def _floor_ratio(contender: str, batch: int | None, of: Callable[[Once], float]) -> Callable[[Results], Found | None]:
    def find(results: Results) -> Found | None:
        one = _chosen(results.of(contender, "first", batch))
        if one is None or not one.floor:
            return None
        return Found(figure(ratios([of(run) for run in one.floor], [of(run) for run in one.runs])), one.size)

    return find


def _less_cpu(peer: str) -> Callable[[Results], Found | None]:
    """How many times as much CPU as we a peer needs, each by its own floor."""

    def find(results: Results) -> Found | None:
        ours = _floor_ratio("coupler", _BULK, lambda run: run.cpu)(results)
        theirs = _floor_ratio(peer, None, lambda run: run.cpu)(results)
        if ours is None or theirs is None:
            return None
        low, high = theirs.figure.least / ours.figure.most, theirs.figure.most / ours.figure.least
        return Found(Figure(theirs.figure.median / ours.figure.median, low, high), theirs.size)

    return find


def _faster(peer: str) -> Callable[[Results], Found | None]:
    """How many times as long as we a peer takes where each answer takes a while; per record."""

    def find(results: Results) -> Found | None:
        ours = _chosen(results.of("coupler", "first", _USUAL, delay=True))
        theirs = _chosen(results.of(peer, "first", delay=True))
        if ours is None or theirs is None:
            return None
        own = figure([run.wall / ours.size for run in ours.runs]).median
        return Found(figure([run.wall / theirs.size / own for run in theirs.runs]), theirs.size)

    return find


def _of_first(what: str, of: Callable[[Once], float]) -> Callable[[Results], Found | None]:
    """A later run by the first one of its round."""

    def find(results: Results) -> Found | None:
        first, later = _chosen(results.of("coupler", "first", _BULK)), _chosen(results.of("coupler", what, _BULK))
        if first is None or later is None or len(first.runs) != len(later.runs):
            return None
        pairs = zip(first.runs, later.runs, strict=True)
        return Found(figure([of(one) / of(before) for before, one in pairs]), later.size)

    return find


def _writes_again(results: Results) -> Found | None:
    later = _chosen(results.of("coupler", "again", _BULK), size=10**9)
    return None if later is None else Found(figure([run.writes for run in later.runs]), later.size)


def _memory(batch: int) -> Callable[[Results], Found | None]:
    def find(results: Results) -> Found | None:
        largest = _chosen(results.of("coupler", "first", batch), size=10**9)
        return None if largest is None else Found(figure([run.memory / _MB for run in largest.runs]), largest.size)

    return find


def _by_size(of: Callable[[Once, int], float]) -> Callable[[Results], Found | None]:
    """The largest size by the one that ratios are taken at."""

    def find(results: Results) -> Found | None:
        usual = _chosen(results.of("coupler", "first", _BULK))
        largest = _chosen(results.of("coupler", "first", _BULK), size=10**9)
        if usual is None or largest is None or usual.size == largest.size:
            return None
        middle = figure([of(run, usual.size) for run in usual.runs]).median
        return Found(figure([of(run, largest.size) / middle for run in largest.runs]), largest.size)

    return find


def _requests(batch: int) -> Callable[[Results], Found | None]:
    """Requests by the most that a first run may need."""

    def find(results: Results) -> Found | None:
        one = _chosen(results.of("coupler", "first", batch))
        if one is None:
            return None
        allowed = one.size / batch + one.size / _PAGE + 20
        return Found(figure([run.requests / allowed for run in one.runs]), one.size)

    return find


def _instructions(batch: int) -> Callable[[Results], Found | None]:
    def find(results: Results) -> Found | None:
        floor, ours = results.instructions.get("floor"), results.instructions.get(f"coupler, {batch:,} a request")
        if floor is None or ours is None:
            return None
        return Found(figure([ours / floor]), 5000)

    return find


def _cpu(run: Once) -> float:
    return run.cpu


GOALS = (
    Goal("G1", "first run, 1,000 a request: CPU by the floor's", 2.5, 1.9, _floor_ratio("coupler", _BULK, _cpu)),
    Goal(
        "G1b", "the same: records a second by the floor's", 0.40, 0.55,
        _floor_ratio("coupler", _BULK, lambda run: run.created / run.wall), least=True,
    ),
    Goal("G1c", "first run, 100 a request: CPU by the floor's", 3.8, 2.9, _floor_ratio("coupler", _USUAL, _cpu)),
    Goal("G1d", "instructions by the floor's, 1,000 a request", 2.0, 1.5, _instructions(_BULK)),
    Goal("G1d", "instructions by the floor's, 100 a request", 3.0, 2.4, _instructions(_USUAL)),
    Goal("G2", "CPU of Microsoft's SDK by ours", 1.7, 2.3, _less_cpu("powerplatform_dataverse_client"), least=True),
    Goal("G2b", "CPU of dlt by ours", 3, 4.5, _less_cpu("dlt"), least=True),
    Goal("G2b", "CPU of singer-sdk by ours", 3, 4.5, _less_cpu("singer_sdk"), least=True),
    Goal("G2c", "CPU of httpx, one by one, by ours", 20, 30, _less_cpu("httpx_one_by_one"), least=True),
    Goal("G3", "50 ms: time of Microsoft's SDK by ours", 4, 6, _faster("powerplatform_dataverse_client"), least=True),
    Goal("G3", "50 ms: time of dlt by ours", 4, 6, _faster("dlt"), least=True),
    Goal("G3", "50 ms: time of singer-sdk by ours", 4, 6, _faster("singer_sdk"), least=True),
    Goal("G3b", "50 ms: time of httpx, one by one, by ours", 100, 300, _faster("httpx_one_by_one"), least=True),
    Goal("G5", "nothing changed: requests that write", 0, None, _writes_again),
    Goal("G5b", "nothing changed, both sides read: CPU by the first run's", 0.60, 0.42, _of_first("again", _cpu)),
    Goal("G6", "most memory, 100 a request", 110, 80, _memory(_USUAL), unit=" MB"),
    Goal("G6", "most memory, 1,000 a request", 180, 140, _memory(_BULK), unit=" MB"),
    Goal("G6b", "memory by that at 100,000 records", 1.10, 1.03, _by_size(lambda run, _: run.memory)),
    Goal("G7", "CPU a record by that at 100,000 records", 1.20, 1.10, _by_size(lambda run, size: run.cpu / size)),
    Goal("G12", "requests by the most there may be, 100 a request", 1, None, _requests(_USUAL)),
    Goal("G12", "requests by the most there may be, 1,000 a request", 1, None, _requests(_BULK)),
)  # fmt: skip
