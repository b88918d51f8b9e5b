"""Coupling two records that are named, or making the partner of one, from whichever screen it is asked for."""

from functools import partial
from typing import cast

from engine.model.coupled import Partner
from engine.model.snapshot import MappingSnapshot, RecordOutcome
from tui import dialogs
from tui.door import Side
from tui.screens.page import Page
from tui.widgets import by_hand
from tui.widgets.line import hanging

_NOTED = 10
"""Records of the run that are looked at for what went wrong."""


async def couple_by_hand(page: Page, mapping: str | None, current: str = "") -> None:
    """Asks which records of the mapping, or of one that is chosen, then whether they are meant, and says what came of
    it. `current` is the mapping that is marked first.
    """
    one = await _mapping(page, mapping, current)
    if one is None:
        return
    way = await _pick(page, f"{by_hand.TITLE}: {one.name}", by_hand.ways(one.direction))
    if way is None:
        return
    side = by_hand.FIRST[cast("by_hand.Way", way)]
    first = await _record(page, one.name, side, None)
    if first is None:
        return
    if way != "couple":
        if await _allowed(page, by_hand.creating(one.name, side, first)):
            await _do(page, one.name, *((first.id, "") if side == "nav" else ("", first.id)))
        return
    second = await _record(page, one.name, "crm", first)
    if second is None:
        return
    lead = await _pick(page, by_hand.TITLE, by_hand.leads(one.direction))
    if lead is not None and await _allowed(page, by_hand.coupling(one.name, first, second, by_hand.LEADS[lead])):
        await _do(page, one.name, first.id, second.id, by_hand.LEADS[lead])


async def _mapping(page: Page, name: str | None, current: str) -> MappingSnapshot | None:
    home = await page.ask(page.door.home, None)
    if home is None:
        return None
    if name is None:
        name = await _pick(page, by_hand.TITLE, by_hand.mappings(home.mappings), current)
    return next((one for one in home.mappings if one.name == name), None)


async def _pick(page: Page, heading: str, choices: list[tuple[str, str]], current: str = "") -> str | None:
    return await page.app.push_screen_wait(dialogs.Pick(page.look, heading, (), choices, current))


async def _record(page: Page, mapping: str, side: Side, other: Partner | None) -> Partner | None:
    find = partial(_find, page, mapping, side, other)
    told, whose = ([mapping], "of the record") if other is None else ([by_hand.called("NAV", other)], "of its partner")
    lines = [part for text in told for part in hanging(text, min(80, page.app.size.width) - 5, 2)]
    return await page.app.push_screen_wait(dialogs.Partner(page.look, lines, by_hand.WANTED[side], find, whose))


def _find(page: Page, mapping: str, side: Side, other: Partner | None, typed: str) -> Partner:
    return page.door.named(mapping, side, typed, other)


async def _allowed(page: Page, words: list[str]) -> bool:
    width = min(80, page.app.size.width) - 5
    lines = [part for text in words for part in hanging(text, width, 2)]
    return await page.app.push_screen_wait(dialogs.Confirm(page.look, by_hand.TITLE, lines))


async def _do(page: Page, mapping: str, nav: str, crm: str, lead: Side | None = None) -> None:
    run = await page.ask(partial(page.door.couple, mapping, nav, crm, lead), 0)
    if not run:
        return
    page.say(f"Run {run} looks for the records ...")
    page.hear()
    ended = await page.end_of(run)
    if ended is not None:
        none: list[RecordOutcome] = []
        noted = await page.ask(partial(page.door.noted, run, _NOTED, 0), none)
        page.app.push_screen(dialogs.Info(page.look, by_hand.TITLE, by_hand.told(ended, noted)))
