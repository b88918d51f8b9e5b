"""The settings of a mapping, and its entry in the schedule."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from engine.config import Settings
from engine.config.detail import mapping_detail
from engine.model.detail import Ledger, MappingDetail
from engine.model.mapping import Condition, ConflictPolicy, FieldMapping, OptionMapping, Template, Transformation
from engine.model.schedule import Entry, EntryState, Keeper, ScheduleRow, ScheduleSnapshot
from engine.model.snapshot import MappingSnapshot
from tests.runs_store.tools import settings_of
from tests.tui.made.runs import MAPPINGS, NOW, TO, planned_jobs


def made_schedule(*, running: bool = True, waiting: str = "") -> ScheduleSnapshot:
    """One entry in each state, and a mapping that is not scheduled."""
    states: dict[str, tuple[EntryState, dict[str, object]]] = {
        "CURRENCY": (EntryState.READY, {"next_at": NOW + timedelta(minutes=20), "last_run": 15, "last_at": NOW - timedelta(minutes=9), "result": "3 modified, 1 failed"}),
        "SALEPEOPLE": (EntryState.INACTIVE, {"next_at": NOW + timedelta(hours=20), "last_run": 15, "last_at": NOW, "result": "nothing to do"}),
        "UNITOFMEASURE": (EntryState.ON_HOLD, {"changed_by": "anna@pc"}),
        "CUSTOMER": (EntryState.READY, {"next_at": NOW, "run": 16}),
        "CONTACTS": (EntryState.ERROR, {"attempts": 10, "code": "refused", "message": "There is no page Contact.", "result": "failed"}),
        "RESOURCE-PRODUCT": (EntryState.READY, {"next_at": NOW - timedelta(seconds=5), "attempts": 2}),
    }  # fmt: skip
    rows = []
    for name, *_ in MAPPINGS:
        state, values = states.get(name, (None, {}))
        entry = None if state is None else Entry(**{"mapping": name, "state": state, "next_at": None, "changed_at": NOW, "changed_by": "ops@bastion", **values})  # type: ignore[arg-type]  # fmt: skip
        rows.append(ScheduleRow(name, "off" if entry is None else "every 30 min", entry))
    keeper = Keeper("ops@bastion, process 4711", NOW - timedelta(hours=3), waiting)
    return ScheduleSnapshot(NOW, running, keeper, tuple(rows))


def changed_settings() -> Settings:
    """The defaults, with CUSTOMER changed in all ways in which a mapping can be."""
    settings = settings_of(Path("/etc/coupler"))
    shipped = settings.mappings[3]
    fields = tuple(
        replace(one, direction=TO, transforms=(Transformation("trim"),)) if one.nav == "Name" else one
        for one in shipped.fields
        if one.nav != "Fax_No"
    )
    added = FieldMapping("Search_Name", "nickname", TO, nav_length=100, crm_length=100)
    customer = replace(
        shipped,
        conflict=ConflictPolicy.LATEST,
        nav=replace(shipped.nav, filter=(*shipped.nav.filter, Condition("Country_Region_Code", "eq", "DE"))),
        fields=(*fields, added),
        match=tuple(reversed(shipped.match)),
        templates=(Template("crm", (("accountcategorycode", 1),)),),
        options=(OptionMapping("PAYMENT TERMS", (("NET30", 1),)),),
    )
    others = tuple(customer if one.name == "CUSTOMER" else one for one in settings.mappings)
    return replace(settings, mappings=others)


def made_detail(standing: MappingSnapshot) -> MappingDetail:
    counted = next(one for one in planned_jobs() if one.mapping == standing.name)
    lines = mapping_detail(changed_settings(), standing.name)
    return MappingDetail(NOW, standing, Ledger(79, 4, 2), lines, counted, NOW)
