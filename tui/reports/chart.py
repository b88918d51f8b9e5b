"""The throughput of a run as a drawing: records a second over time, failed ones apart, and below it the job."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby, pairwise

from engine.model.report import Bar
from tui import format as form
from tui.reports.markup import Markup, element, joined

WIDTH, HEIGHT = 760, 236
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 752, 12, 172
_BREAK = 22
"""The width of a time that is left out."""
_LETTER = 6.6
_NICE = (1, 2, 4, 5, 8, 10)
_TICKS = 6
_ROUND = (1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400)
_DAY = 86_400


def chart(bars: Sequence[Bar], jobs: Mapping[int, str]) -> Markup:
    """The bars, with the names of jobs by their numbers; at least one bar."""
    edges = _edges(bars)
    most = _nice(max(bar.rate for bar in bars))
    parts = [*_grid(most), *_breaks(bars, edges)]
    parts += [_bar(bar, edge, most, jobs) for bar, edge in zip(bars, edges, strict=True)]
    parts += [*_jobs(bars, edges, jobs), *_times(bars, edges)]
    label = f"Records a second over time, at most {form.rate(max(bar.rate for bar in bars))}"
    frame = {"viewBox": f"0 0 {WIDTH} {HEIGHT}", "role": "img", "aria_label": label}
    return element("div", element("svg", *parts, **frame), class_="wide chart")


def gaps(bars: Sequence[Bar]) -> list[tuple[datetime, float]]:
    """The times that are left out: when each began and how many seconds it took."""
    pairs = pairwise(bars)
    return [(_end(one), (after.at - _end(one)).total_seconds()) for one, after in pairs if _end(one) < after.at]


def _end(bar: Bar) -> datetime:
    return bar.at + timedelta(seconds=bar.seconds)


def _edges(bars: Sequence[Bar]) -> list[tuple[float, float]]:
    """Where each bar begins and ends; those that are short stay as narrow as they are."""
    breaks = {after.at for one, after in pairwise(bars) if _end(one) < after.at}
    room = _RIGHT - _LEFT - min(_BREAK * len(breaks), (_RIGHT - _LEFT) // 2)
    gap = (_RIGHT - _LEFT - room) / len(breaks) if breaks else 0.0
    scale = room / sum(bar.seconds for bar in bars)
    at, found = float(_LEFT), []
    for bar in bars:
        at += gap if bar.at in breaks else 0
        found.append((at, at + bar.seconds * scale))
        at = found[-1][1]
    return found


def _nice(value: float) -> float:
    """The least round number that is not less; 1 for nothing."""
    if value <= 0:
        return 1.0
    power = 10.0 ** (len(str(int(value))) - 1) if value >= 1 else 0.1
    return next((one * power for one in _NICE if one * power >= value), 10 * power)


def _y(rate: float, most: float) -> float:
    return _BOTTOM - (_BOTTOM - _TOP) * min(1.0, rate / most)


def _grid(most: float) -> list[Markup]:
    parts = []
    for share in (0, 0.25, 0.5, 0.75, 1):
        y = _number(_y(most * share, most))
        parts.append(element("line", x1=_LEFT, x2=_RIGHT, y1=y, y2=y, class_="base" if share == 0 else "grid"))
        parts.append(element("text", _scale(most * share), x=_LEFT - 6, y=_number(float(y) + 4), class_="end"))
    return parts


def _bar(bar: Bar, edge: tuple[float, float], most: float, jobs: Mapping[int, str]) -> Markup:
    begin, end = edge
    width = max(0.5, end - begin - (1 if end - begin > 3 else 0))
    top = _y(bar.rate, most)
    failed = max(top, _y(bar.failed / bar.seconds, most))  # what fails at the end of a pass was read before
    words = f"{_clock(bar.at)}  {form.rate(bar.rate)} records a second, {jobs.get(bar.seq, '')}"
    words += f", {form.count(bar.failed)} failed" if bar.failed else ""
    place = {"x": _number(begin), "width": _number(width)}
    drawn = [element("rect", y=_number(top), height=_number(failed - top), class_="read", **place)]
    if bar.failed:
        drawn.append(element("rect", y=_number(failed), height=_number(_BOTTOM - failed), class_="failed", **place))
    return element("g", element("title", words), *drawn) if bar.read else joined(())


def _breaks(bars: Sequence[Bar], edges: Sequence[tuple[float, float]]) -> list[Markup]:
    """A dashed line where a time is left out, with how long it was."""
    parts = []
    for at, (one, after) in enumerate(pairwise(bars)):
        if _end(one) < after.at:
            middle = _number((edges[at][1] + edges[at + 1][0]) / 2)
            took = form.duration((after.at - _end(one)).total_seconds())
            line = element("line", x1=middle, x2=middle, y1=_TOP, y2=_BOTTOM + 24, class_="break")
            parts.append(element("g", element("title", f"{took} without work"), line))
    return parts


def _jobs(bars: Sequence[Bar], edges: Sequence[tuple[float, float]], jobs: Mapping[int, str]) -> list[Markup]:
    """A strip that says which job it was: its name where there is room, its number where there is some."""
    parts: list[Markup] = []
    numbers = list(dict.fromkeys(bar.seq for bar in bars))
    for seq, group in groupby(zip(bars, edges, strict=True), lambda pair: pair[0].seq):
        spans = [edge for _, edge in group]
        begin, end = spans[0][0], spans[-1][1]
        name = jobs.get(seq, "")
        place = {"x": _number(begin), "y": _BOTTOM + 6, "width": _number(end - begin), "height": 18}
        tone = "odd" if numbers.index(seq) % 2 else "even"
        label = next((text for text in (name, str(seq)) if len(text) * _LETTER + 4 <= end - begin), "")
        text = element("text", label, x=_number((begin + end) / 2), y=_BOTTOM + 19, class_="middle") if label else ""
        parts.append(element("g", element("title", f"{seq} {name}"), element("rect", class_=tone, **place), text))
    return parts


def _times(bars: Sequence[Bar], edges: Sequence[tuple[float, float]]) -> list[Markup]:
    """The time below the axis, at round moments, and wherever work began again."""
    seconds = sum(bar.seconds for bar in bars)
    step = next((one for one in _ROUND if seconds / one <= _TICKS), _DAY * (1 + int(seconds / _DAY / _TICKS)))
    parts, taken = [], float("-inf")
    long = (bars[-1].at - bars[0].at).total_seconds() >= _DAY
    for at, (bar, (begin, end)) in enumerate(zip(bars, edges, strict=True)):
        again = at == 0 or _end(bars[at - 1]) < bar.at
        first = -(-bar.at.timestamp() // step) * step
        tick = bar.at.timestamp() if again else first
        if tick >= bar.at.timestamp() + bar.seconds:
            continue
        x = begin + (end - begin) * (tick - bar.at.timestamp()) / bar.seconds
        text = _clock(datetime.fromtimestamp(tick, UTC), day=long, seconds=step < 60)
        half = len(text) * _LETTER / 2
        x_text = min(max(x, half), WIDTH - half)
        if x_text - half < taken + 8:
            continue
        taken = x_text + half
        parts += [
            element("line", x1=_number(x), x2=_number(x), y1=y, y2=y + 5, class_="tick")
            for y in (_BOTTOM, _BOTTOM + 24)
        ]
        parts.append(element("text", text, x=_number(x_text), y=_BOTTOM + 42, class_="middle"))
    return parts


def _clock(at: datetime, *, day: bool = False, seconds: bool = True) -> str:
    clock = form.clock(at, seconds=seconds)
    return f"{at:%m-%d} {clock}" if day else clock


def _scale(value: float) -> str:
    return (
        f"{value:,.0f}"
        if value == int(value)
        else f"{value:,.1f}"
        if value * 10 == int(value * 10)
        else f"{value:,.2f}"
    )


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
