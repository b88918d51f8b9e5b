"""Relationships between tables: each lookup and table it leads to, by the names of both navigation properties."""

from collections.abc import Mapping
from dataclasses import dataclass

from sandbox.crm.entities import Entity, logical_name
from sandbox.crm.schema import ENTITIES

# The names that the product gave to some; the others here are built alike.
_NAMES: Mapping[tuple[str, str, str], str] = {
    ("contact", "parentcustomerid", "account"): "contact_customer_accounts",
    ("contact", "parentcustomerid", "contact"): "contact_customer_contacts",
    ("account", "primarycontactid", "contact"): "account_primary_contact",
    ("account", "parentaccountid", "account"): "account_parent_account",
    ("productpricelevel", "pricelevelid", "pricelevel"): "price_level_product_price_levels",
    ("productpricelevel", "productid", "product"): "product_price_levels",
    ("product", "pricelevelid", "pricelevel"): "price_level_products",
    ("product", "defaultuomid", "uom"): "unit_of_measurement_products",
    ("product", "defaultuomscheduleid", "uomschedule"): "unit_of_measurement_schedule_products",
    ("uom", "baseuom", "uom"): "unit_of_measurement_base_unit",
}


@dataclass(frozen=True, slots=True)
class Relationship:
    """Rows of `referencing` that name a row of `referenced` in `column`.

    `navigation` leads from such a row to the one it names, `name` from that one to all that name it.
    """

    name: str
    referencing: Entity
    column: str
    navigation: str
    referenced: Entity


def _all() -> tuple[Relationship, ...]:
    found = []
    for entity in ENTITIES.values():
        for navigation, one in entity.navigations().items():
            target, lookup = ENTITIES[one.target], logical_name(one.column)
            default = f"{target.logical}_{entity.logical}_{lookup}"
            name = _NAMES.get((entity.logical, lookup, target.logical), default)
            found.append(Relationship(name, entity, one.column, navigation, target))
    return tuple(found)


RELATIONSHIPS = _all()
"""All of them."""

TO: Mapping[str, Mapping[str, Relationship]] = {
    set: {one.name: one for one in RELATIONSHIPS if one.referenced.set == set} for set in ENTITIES
}
"""The relationships that lead to a set, by set name and by name."""
