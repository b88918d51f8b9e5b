"""What Dataverse says of the options of choice columns (reference/apis.md section 1, EntityDefinitions)."""

from collections.abc import Sequence
from typing import Any

from engine.connectors import urls
from engine.connectors.client import ODataClient
from engine.connectors.filters import checked_name, literal
from engine.model.errors import AccessDenied, ConnectionLost

_CHOICES = "Microsoft.Dynamics.CRM.PicklistAttributeMetadata"


async def option_labels(client: ODataClient, entity: str, columns: Sequence[str]) -> dict[str, dict[int, str]]:
    """By column, its options with their labels; columns that are no choices are left out.

    Empty when this user may not see customizations. Raises ConnectionLost when there is no such table.
    """
    try:
        options = [("$select", "LogicalName"), ("$filter", f"EntitySetName eq {literal(checked_name(entity))}")]
        tables = (await client.read(f"EntityDefinitions?{urls.query(options)}"))["value"]
        table = checked_name(tables[0]["LogicalName"])
        options = [
            ("$select", "LogicalName"),
            ("$filter", " or ".join(f"LogicalName eq {literal(checked_name(column))}" for column in columns)),
            ("$expand", "OptionSet($select=Options),GlobalOptionSet($select=Options)"),
        ]
        address = f"EntityDefinitions(LogicalName={literal(table)})/Attributes/{_CHOICES}?{urls.query(options)}"
        rows = (await client.read(address))["value"]
        return {row["LogicalName"]: _options(row) for row in rows}
    except AccessDenied:
        return {}  # customizations may be hidden from this user; what config.toml says is used alone
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise ConnectionLost(
            f"{urls.shown(client.root)} does not say what the options of {entity} are.", "Check the mapping."
        ) from error


def _options(row: Any) -> dict[int, str]:
    chosen = row.get("OptionSet") or row.get("GlobalOptionSet") or {}
    return {int(one["Value"]): _label(one["Label"]) for one in chosen.get("Options", ())}


def _label(label: Any) -> str:
    """The label in the user's language, else in the first that it has."""
    own = label.get("UserLocalizedLabel") or next(iter(label.get("LocalizedLabels") or ()), None) or {}
    return str(own.get("Label") or "")
