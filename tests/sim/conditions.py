"""Under which conditions a seed is played: settings, clocks, and what the network does."""

from random import Random

from tests.sim.faults import FAULTS, Weather
from tests.sim.world import Setup

_TELLING = ("late", "answer lost", "half a batch", "part missing", "meanwhile edited")
"""Faults that the protocol is about: they are in more seeds than others."""


def some_setup(chance: Random) -> Setup:
    """The settings of both sides."""
    return Setup(
        marker=chance.random() < 0.9,
        nav_batch=chance.choice((1, 2, 3, 100)),
        crm_batch=chance.choice((2, 3, 100)),
        page_size=chance.choice((2, 2, 3, 5)),
        concurrency=chance.choice((1, 3, 8)),
        nav_skew=chance.choice((0.0, 0.0, -40.0, 70.0)),
        crm_skew=chance.choice((0.0, 0.0, 55.0, -90.0)),
    )


def some_weather(chance: Random) -> Weather:
    """Some kinds of faults, rare or not: most seeds are about a few things only."""
    known = _TELLING if chance.random() < 0.3 else FAULTS
    kinds = sorted(chance.sample(known, chance.choice((0, 1, 1, 2, 4))))
    return Weather(kinds, writes=chance.choice((0.25, 0.5, 0.8)), reads=chance.choice((0.0, 0.02, 0.06)))
