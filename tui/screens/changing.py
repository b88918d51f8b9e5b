"""Changing one setting of a mapping: what it can be, then the lines of config.toml, then a question."""

from functools import partial

from engine.config.changes import Proposal
from engine.model.detail import Change, Setting
from engine.model.errors import CouplerError
from tui.dialogs.confirm import Confirm
from tui.dialogs.info import Info
from tui.dialogs.value import Entry, Pick
from tui.screens.page import Page
from tui.text import safe
from tui.widgets import changes
from tui.widgets.line import hanging


async def changed(page: Page, mapping: str, one: Setting) -> str | None:
    """What was written for a setting, `DEFAULT` where it was taken out; None where nothing was."""
    change = await page.ask(partial(page.door.setting, mapping, one.key), None)
    if change is None:
        return None
    title = f"{mapping}: {one.name}"
    if why := changes.fixed(change):
        page.app.push_screen(Info(page.look, title, why))
        return None
    value = await (_pick(page, title, change) if change.choices else _type(page, title, change))
    if value is None:
        return None
    wanted = None if value == changes.DEFAULT else value
    made = await page.ask(partial(page.door.propose, mapping, one.key, wanted), None)
    if made is None:
        return None
    if made.fault or not made.lines:
        page.app.push_screen(Info(page.look, title, changes.refused(made)))
    elif await _allowed(page, title, made) and await page.tell(partial(page.door.write, made)):
        return value
    return None


async def _pick(page: Page, title: str, change: Change) -> str | None:
    return await page.app.push_screen_wait(
        Pick(page.look, title, changes.explained(change), changes.choices(change), changes.chosen(change))
    )


async def _type(page: Page, title: str, change: Change) -> str | None:
    if safe(change.value, changes.LONGEST) != change.value:
        page.say("It holds what cannot be typed here; change it in config.toml by hand.")
        return None

    def judge(text: str) -> str:
        try:
            return page.door.propose(change.mapping, change.key, text or None).fault
        except CouplerError as error:
            return error.told

    words = changes.explained(change)
    typed = await page.app.push_screen_wait(Entry(page.look, title, words, change.value, judge, strict=True))
    return changes.DEFAULT if typed == "" else typed


async def _allowed(page: Page, title: str, made: Proposal) -> bool:
    width = min(80, page.app.size.width) - 5
    said = (safe(one, changes.LONGEST) for one in changes.saving(made))
    lines = [part for one in said for part in hanging(one, width, 2)]
    return await page.app.push_screen_wait(Confirm(page.look, title, lines))
