"""The built-in mappings against the tables of how the products do it (reference/domain.md sections 1.0 to 1.7)."""

from typing import Any

import pytest

from engine.mapping.defaults import column_is_lookup, default_mappings
from engine.mapping.transfer import FROM, TO, transfer
from engine.model.mapping import Condition, Direction, FieldKind, FieldMapping, TableMapping
from tests.mapping.tools import BOTH, NOT_NEGATIVE, UNIT_GROUP

VERSIONS = ("bc", "2018", "2016")
every_version = pytest.mark.parametrize("version", VERSIONS)


def of(name: str, version: str = "bc") -> TableMapping:
    return next(one for one in default_mappings(version) if one.name == name)


def shown(conditions: tuple[Condition, ...]) -> list[str]:
    signs = {"eq": "=", "ne": "<>"}
    return [f"{one.field} {signs[one.operator]} {one.value!r}" for one in conditions]


def arrows(mapping: TableMapping) -> dict[str, str]:
    return {f"{field.nav or '.'} {field.crm or '.'}": field.direction.arrow for field in mapping.fields}


# Section 1.0.


@every_version
def test_the_jobs_have_the_order_tables_keys_and_directions_that_operators_know(version: str) -> None:
    assert [
        (one.name, one.nav.caption, one.crm.entity, one.crm.key, one.direction) for one in default_mappings(version)
    ] == [
        ("CURRENCY", "Currency", "transactioncurrencies", "transactioncurrencyid", TO),
        ("SALEPEOPLE", "Salesperson/Purchaser", "systemusers", "systemuserid", FROM),
        ("UNITOFMEASURE", "Unit of Measure", "uomschedules", "uomscheduleid", TO),
        ("CUSTOMER", "Customer", "accounts", "accountid", BOTH),
        ("CONTACTS", "Contact", "contacts", "contactid", BOTH),
        ("RESOURCE-PRODUCT", "Resource", "products", "productid", BOTH),
        ("ITEM-PRODUCT", "Item", "products", "productid", BOTH),
    ]


@every_version
def test_all_are_for_coupled_records_only_and_keyed_by_the_id_that_no_rename_changes(version: str) -> None:
    assert all(one.only_coupled for one in default_mappings(version))
    assert {one.nav.key for one in default_mappings(version)} == {"SystemId"}


@pytest.mark.parametrize(
    ("name", "needs"),
    [
        ("CURRENCY", ()),
        ("SALEPEOPLE", ()),
        ("UNITOFMEASURE", ()),
        ("CUSTOMER", ("SALEPEOPLE", "CURRENCY")),
        ("CONTACTS", ("CUSTOMER",)),
        ("RESOURCE-PRODUCT", ("UNITOFMEASURE",)),
        ("ITEM-PRODUCT", ("UNITOFMEASURE",)),
    ],
)
def test_a_job_needs_jobs_that_come_before_it(name: str, needs: tuple[str, ...]) -> None:
    order = [one.name for one in default_mappings()]
    assert of(name).depends == needs
    assert all(order.index(one) < order.index(name) for one in needs)


# The company terms of Business Central, and the type of a parent, are not among them: neither is a plain column.
FILTERS: list[tuple[str, str, list[str], list[str]]] = [
    ("CURRENCY", "bc 2018 2016", [], []),
    ("SALEPEOPLE", "bc 2018", [], ["isdisabled = False", "islicensed = True", "isintegrationuser = False"]),
    ("SALEPEOPLE", "2016", [], ["isdisabled = False", "islicensed = True"]),
    ("UNITOFMEASURE", "bc 2018 2016", [], []),
    ("CUSTOMER", "bc", ["Blocked = ' '"], ["statecode = 0", "customertypecode = 3"]),
    ("CUSTOMER", "2018 2016", [], ["statecode = 0", "customertypecode = 3"]),
    ("CONTACTS", "bc", ["Type = 'Person'", "Company_No <> ''"], ["statecode = 0", "_parentcustomerid_value <> None"]),
    ("CONTACTS", "2018 2016", ["Type = 'Person'", "Company_No <> ''"], ["_parentcustomerid_value <> None"]),
    ("RESOURCE-PRODUCT", "bc", ["Blocked = False"], ["producttypecode = 3", "statecode = 0"]),
    ("RESOURCE-PRODUCT", "2018 2016", [], ["producttypecode = 3"]),
    ("ITEM-PRODUCT", "bc", ["Blocked = False"], ["producttypecode = 1", "statecode = 0"]),
    ("ITEM-PRODUCT", "2018 2016", [], ["producttypecode = 1"]),
]


@pytest.mark.parametrize(("name", "versions", "nav", "crm"), FILTERS)
def test_who_takes_part(name: str, versions: str, nav: list[str], crm: list[str]) -> None:
    for version in versions.split():
        assert shown(of(name, version).nav.filter) == nav
        assert shown(of(name, version).crm.filter) == crm


def test_the_filters_above_are_of_all_mappings_and_versions() -> None:
    said = [(name, version) for name, versions, _, _ in FILTERS for version in versions.split()]
    assert sorted(said) == sorted((one.name, version) for version in VERSIONS for one in default_mappings(version))


# Sections 1.1 to 1.7: NAV field, CRM column, and the direction in Business Central, 2018 and 2016; "." is neither.
CURRENCY = """
    Code isocurrencycode                     -> -> ->
    Symbol currencysymbol                    -> .  .
    Code currencysymbol                      .  -> ->
    Description currencyname                 -> -> ->
    . exchangerate                           -> -> ->
    . currencyprecision                      -> -> ->
"""
SALEPEOPLE = """
    Code .                                   <- <- <-
    E_Mail internalemailaddress              <- <- <-
    Name fullname                            <- <- <-
    Phone_No mobilephone                     <- <- <-
"""
UNITOFMEASURE = """
    Code baseuomname                         -> -> ->
    Code name                                -> -> ->
"""
CUSTOMER = """
    . customertypecode                       -> -> ->
    Salesperson_Code ownerid                 -> -> .
    Name name                                <> <> <>
    Contact address1_primarycontactname      <> <- <-
    Address address1_line1                   <> <> <>
    Address_2 address1_line2                 <> <> <>
    Post_Code address1_postalcode            <> <> <>
    City address1_city                       <> <> <>
    Country_Region_Code address1_country     <> -> <>
    County address1_stateorprovince          <> <> .
    Currency_Code transactioncurrencyid      <> <> <>
    E_Mail emailaddress1                     <> <> <>
    Fax_No fax                               <> <> <>
    Home_Page websiteurl                     <> <> <>
    Phone_No telephone1                      <> <> <>
    Shipment_Method_Code address1_freighttermscode      <> -> ->
    Shipping_Agent_Code address1_shippingmethodcode     <> -> ->
    Payment_Terms_Code paymenttermscode      <> -> ->
    Credit_Limit_LCY creditlimit             -> -> ->
    Primary_Contact_No primarycontactid      <> <> .
    Blocked .                                <- <- <-
"""
CONTACTS = """
    Customer_No parentcustomerid             -> -> ->
    Salesperson_Code ownerid                 -> -> .
    Currency_Code transactioncurrencyid      <> <> <>
    Address address1_line1                   <> <> <>
    Address_2 address1_line2                 <> <> <>
    Post_Code address1_postalcode            <> <> <>
    City address1_city                       <> <> <>
    Country_Region_Code address1_country     <> <> <>
    County address1_stateorprovince          <> <> .
    E_Mail emailaddress1                     <> <> <>
    Fax_No fax                               <> <> <>
    First_Name firstname                     <> <> <>
    Middle_Name middlename                   <> <> <>
    Surname lastname                         <> <> <>
    Home_Page websiteurl                     <> <> <>
    Mobile_Phone_No mobilephone              <> <> <>
    Pager pager                              <> <> <>
    Phone_No telephone1                      <> <> <>
    Type .                                   <- <- <-
    Company_No .                             <- <- <-
"""
RESOURCE = """
    . producttypecode                        -> -> ->
    . transactioncurrencyid                  -> -> ->
    . defaultuomid                           -> -> ->
    . quantitydecimal                        -> -> ->
    No productnumber                         -> -> ->
    Name name                                <> <> <>
    Unit_Price price                         -> -> ->
    Unit_Cost standardcost                   -> -> ->
    Unit_Cost currentcost                    -> -> ->
    Vendor_No vendorid                       -> -> ->
    . vendorname                             -> -> ->
    Capacity quantityonhand                  -> -> ->
    Base_Unit_of_Measure defaultuomscheduleid -> -> ->
    Blocked statecode                        <> <> <>
"""
ITEM = """
    . producttypecode                        -> -> ->
    . transactioncurrencyid                  -> -> ->
    . defaultuomid                           -> -> ->
    . quantitydecimal                        -> -> ->
    No productnumber                         -> -> ->
    Description name                         <> <> <>
    Unit_Price price                         -> -> ->
    Unit_Cost standardcost                   -> -> ->
    Unit_Cost currentcost                    -> -> ->
    Unit_Volume stockvolume                  -> -> ->
    Gross_Weight stockweight                 -> -> ->
    Vendor_No vendorid                       -> -> ->
    . vendorname                             -> -> ->
    Vendor_Item_No vendorpartnumber          -> -> ->
    Inventory quantityonhand                 -> -> ->
    Base_Unit_of_Measure defaultuomscheduleid <> <> ->
    Blocked statecode                        <> <> <>
"""
TABLES = {
    "CURRENCY": CURRENCY,
    "SALEPEOPLE": SALEPEOPLE,
    "UNITOFMEASURE": UNITOFMEASURE,
    "CUSTOMER": CUSTOMER,
    "CONTACTS": CONTACTS,
    "RESOURCE-PRODUCT": RESOURCE,
    "ITEM-PRODUCT": ITEM,
}


@pytest.mark.parametrize("name", TABLES)
@every_version
def test_which_fields_go_which_way(name: str, version: str) -> None:
    expected = {}
    for line in TABLES[name].strip().splitlines():
        nav, crm, *ways = line.split()
        if (way := ways[VERSIONS.index(version)]) != ".":
            expected[f"{nav} {crm}"] = way
    assert arrows(of(name, version)) == expected


def field(name: str, nav: str, crm: str, version: str = "bc") -> FieldMapping:
    return next(one for one in of(name, version).fields if (one.nav, one.crm) == (nav, crm))


@pytest.mark.parametrize(
    ("name", "nav", "crm", "options"),
    [
        ("CURRENCY", "Code", "isocurrencycode", {"create_only": True, "crm_length": 5, "kind": FieldKind.CODE}),
        ("CURRENCY", "", "exchangerate", {"derived": True, "digits": 10}),
        ("UNITOFMEASURE", "Code", "baseuomname", {"create_only": True}),
        ("UNITOFMEASURE", "Code", "name", {"transforms": (UNIT_GROUP,)}),
        ("CUSTOMER", "", "customertypecode", {"constant": 3, "initial": True}),
        (
            "CUSTOMER",
            "Salesperson_Code",
            "ownerid",
            {"not_null": True, "lookup": "SALEPEOPLE", "target": "systemusers"},
        ),
        ("CUSTOMER", "Primary_Contact_No", "primarycontactid", {"clear_on_fail": True, "lookup": "CONTACTS"}),
        ("CUSTOMER", "Contact", "address1_primarycontactname", {"validate": False, "seed": True}),
        ("CUSTOMER", "Credit_Limit_LCY", "creditlimit", {"seed": True}),
        (
            "CONTACTS",
            "Customer_No",
            "parentcustomerid",
            {"lookup": "CUSTOMER", "navigation": "parentcustomerid_account"},
        ),
        ("CONTACTS", "Type", "", {"constant": "Person"}),
        ("RESOURCE-PRODUCT", "", "producttypecode", {"constant": 3}),
        ("ITEM-PRODUCT", "", "producttypecode", {"constant": 1}),
        ("ITEM-PRODUCT", "", "quantitydecimal", {"constant": 2}),
    ],
)
def test_the_options_of_fields_that_need_care(name: str, nav: str, crm: str, options: dict[str, Any]) -> None:
    one = field(name, nav, crm)
    assert {option: getattr(one, option) for option in options} == options


@pytest.mark.parametrize(("name", "nav", "crm", "length"), [
    ("CUSTOMER", "Name", "name", 160),
    ("CUSTOMER", "Address", "address1_line1", 250),
    ("CUSTOMER", "Post_Code", "address1_postalcode", 20),
    ("CUSTOMER", "County", "address1_stateorprovince", 50),
    ("CUSTOMER", "E_Mail", "emailaddress1", 100),
    ("CUSTOMER", "Home_Page", "websiteurl", 200),
    ("CONTACTS", "First_Name", "firstname", 50),
    ("CONTACTS", "Mobile_Phone_No", "mobilephone", 50),
    ("SALEPEOPLE", "Name", "fullname", 200),
    ("SALEPEOPLE", "Phone_No", "mobilephone", 64),
    ("ITEM-PRODUCT", "No", "productnumber", 100),
    ("ITEM-PRODUCT", "Description", "name", 100),
])  # fmt: skip
def test_crm_holds_so_many_characters(name: str, nav: str, crm: str, length: int) -> None:
    assert field(name, nav, crm).crm_length == length


@every_version
def test_a_product_made_in_nav_starts_with_crms_unit_of_measure(version: str) -> None:
    for name in ("ITEM-PRODUCT", "RESOURCE-PRODUCT"):
        mapping = of(name, version)
        row = {"productnumber": "1000", "name": "Bicycle", "_defaultuomscheduleid_value": "guid"}
        found = transfer(mapping, FROM, row, {"UNITOFMEASURE": {"guid": "PCS"}}, {})
        assert {one.nav: value for one, value in found.values.items()}["Base_Unit_of_Measure"] == "PCS"


@every_version
def test_no_price_cost_or_quantity_goes_to_crm_below_zero(version: str) -> None:
    for mapping in default_mappings(version):
        for one in mapping.fields:
            if one.kind is FieldKind.DECIMAL and not one.derived:
                assert one.transforms == (NOT_NEGATIVE,)


@every_version
def test_a_number_that_one_side_leads_in_is_a_seed_where_records_of_the_other_may_have_one(version: str) -> None:
    """No zero of a new record may go back over it. NAV counts quantities itself, and Unit_Cost holds one of two costs."""
    for mapping in default_mappings(version):
        for one in mapping.fields:
            if one.kind is FieldKind.DECIMAL and mapping.direction is BOTH and one.direction is not BOTH:
                assert one.seed or one.crm in ("quantityonhand", "currentcost")


# What the engine relies on.


@every_version
def test_a_column_has_one_field_mapping_in_each_direction(version: str) -> None:
    for mapping in default_mappings(version):
        for one_way, name in ((TO, "crm"), (FROM, "nav")):
            written = [getattr(one, name) for one in mapping.fields if one.direction.includes(one_way) or one.seed]
            assert "" not in written
            assert len(written) == len(set(written))


@every_version
def test_a_mapping_has_fields_in_each_of_its_directions_only(version: str) -> None:
    for mapping in default_mappings(version):
        passes = {way for one in mapping.fields for way in one.direction.passes}
        assert passes == set(mapping.direction.passes)


@every_version
def test_lookups_are_translated_by_mappings_that_there_are(version: str) -> None:
    names = [one.name for one in default_mappings(version)]
    for mapping in default_mappings(version):
        for one in mapping.fields:
            if one.kind is FieldKind.LOOKUP:
                assert one.target
                assert one.derived or one.lookup in names
                early = one.derived or names.index(one.lookup) < names.index(mapping.name)
                assert early or one.clear_on_fail
            else:
                assert not one.lookup


@every_version
def test_records_are_matched_by_fields_that_are_read(version: str) -> None:
    for mapping in default_mappings(version):
        navs, crms = ({getattr(one, side) for one in mapping.fields} for side in ("nav", "crm"))
        for rule in mapping.match:
            assert all(nav in navs and crm in crms for nav, crm in rule.pairs)


def test_what_records_are_matched_by() -> None:
    rules = {one.name: [rule.pairs for rule in one.match] for one in default_mappings()}
    assert rules == {
        "CURRENCY": [(("Code", "isocurrencycode"),)],
        "SALEPEOPLE": [(("E_Mail", "internalemailaddress"),)],
        "UNITOFMEASURE": [(("Code", "name"),)],
        "CUSTOMER": [(("E_Mail", "emailaddress1"), ("Name", "name"))],
        "CONTACTS": [(("E_Mail", "emailaddress1"), ("Customer_No", "parentcustomerid"))],
        "RESOURCE-PRODUCT": [(("No", "productnumber"),)],
        "ITEM-PRODUCT": [(("No", "productnumber"),)],
    }


@every_version
def test_two_mappings_of_one_crm_table_never_see_the_same_row(version: str) -> None:
    types = [
        {one.value for one in of(name, version).crm.match_filter if one.field == "producttypecode"}
        for name in ("RESOURCE-PRODUCT", "ITEM-PRODUCT")
    ]
    assert types == [{3}, {1}]


def test_both_passes_of_a_bidirectional_job_run_to_crm_first() -> None:
    assert Direction.BIDIRECTIONAL.passes == (TO, FROM)
    assert [one.arrow for one in (TO, FROM, BOTH)] == ["->", "<-", "<>"]


def test_only_a_lookup_column_is_read_by_another_name() -> None:
    assert FieldMapping("A", "ownerid", kind=FieldKind.LOOKUP).column == "_ownerid_value"
    assert FieldMapping("A", "name").column == "name"
    assert column_is_lookup("_ownerid_value")
    assert not column_is_lookup("ownerid")


def test_the_mappings_are_read_once_so_that_their_fields_can_be_told_apart() -> None:
    assert default_mappings() is default_mappings()
