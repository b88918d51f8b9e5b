"""What is said before a mapping is coupled by its match rules; pure."""

from engine.model.detail import Differs, MappingDetail
from engine.model.mapping import Direction
from tui.text import safe
from tui.widgets.line import hanging

TITLE = "Match-based coupling"
CREATE = "create too"
_POLICIES = ("create_unmatched", "sync_after_coupling")
_LONG = 500


def ways(direction: Direction) -> list[tuple[str, str]]:
    """What can be done in a mapping of that direction."""
    made = [("couple", "Couple what matches, as the mapping says")]
    if direction.includes(Direction.TO_INTEGRATION_TABLE):
        made.append((CREATE, "And make CRM rows for NAV records that match none"))
    return made


def meaning(found: MappingDetail, way: str, width: int) -> list[str]:
    """What it means: by which rules, and what is written then."""
    mine = (one for one in found.settings if one.section == "Matching" or one.key in _POLICIES)
    said = [one for one in mine if one.differs is not Differs.OFF]
    wide = max((len(one.name) for one in said), default=0) + 2
    create = ["NAV records that match none get a new row in CRM, whatever the mapping says."] if way == CREATE else []
    lines = [
        *(f"{safe(one.name):<{wide}}{safe(one.value, _LONG)}" for one in said),
        "",
        "Uncoupled records that match each other and nothing else are coupled.",
        "What several others match is left for the match review.",
        *create,
    ]
    return [part for text in lines for part in hanging(text, width)]
