"""What [mapping] in config.toml makes of the built-in mappings: each key, and each mistake."""

import re
from pathlib import Path

import pytest

from engine.config.settings import Settings
from engine.mapping.defaults import default_mappings
from engine.model.errors import ConfigError
from engine.model.mapping import Condition, ConflictPolicy, DeletionPolicy, Direction, FieldKind, MatchRule, Template
from engine.runs.control import fingerprint
from tests.mapping_config.files import ROOT, VENDOR, field, mapping, pairs, settings

TO, FROM, BOTH = Direction.TO_INTEGRATION_TABLE, Direction.FROM_INTEGRATION_TABLE, Direction.BIDIRECTIONAL
SEVEN = ["CURRENCY", "SALEPEOPLE", "UNITOFMEASURE", "CUSTOMER", "CONTACTS", "RESOURCE-PRODUCT", "ITEM-PRODUCT"]


def names(found: Settings) -> list[str]:
    return [one.name for one in found.mappings]


@pytest.mark.parametrize("version", ["bc", "2018", "2016"])
def test_without_mappings_in_the_file_the_built_in_ones_are_as_they_are(tmp_path: Path, version: str) -> None:
    found = settings(tmp_path, "", version=version)
    assert repr(found.mappings) == repr(default_mappings(version))
    assert names(found) == SEVEN
    assert repr(settings(tmp_path, "[mapping.CUSTOMER]\n", version=version).mappings) == repr(found.mappings)


def test_a_mapping_can_go_one_way_and_its_fields_with_it(tmp_path: Path) -> None:
    one = mapping(tmp_path, '[mapping.CUSTOMER]\ndirection = "to"\n')
    assert one.direction is TO
    assert field(one, "Name", "name").direction is TO
    assert one.bidirectional == ()


def test_filters_are_replaced_on_each_side_alone(tmp_path: Path) -> None:
    text = '[mapping.CUSTOMER]\nnav_filter = [["City", "ne", ""], ["Credit_Limit_LCY", "ge", 7]]\ncrm_filter = []\n'
    one = mapping(tmp_path, text)
    assert [(c.field, c.operator, c.value) for c in one.nav.filter] == [
        ("City", "ne", ""),
        ("Credit_Limit_LCY", "ge", 7),
    ]
    assert one.nav.filter[1].kind is FieldKind.DECIMAL
    assert one.crm.filter == ()
    assert one.crm.match_filter == (Condition("statecode", "eq", 0),)
    other = mapping(tmp_path, '[mapping.CUSTOMER]\ncrm_match_filter = [["emailaddress1", "ne", ""]]\n')
    assert other.crm.match_filter == (Condition("emailaddress1", "ne", None),)
    assert other.crm.filter == next(d for d in default_mappings() if d.name == "CUSTOMER").crm.filter


def test_match_rules_are_in_the_order_of_the_file(tmp_path: Path) -> None:
    one = mapping(
        tmp_path,
        '[mapping.CUSTOMER]\nmatch = [[["Name", "name"]], [["Phone_No", "telephone1"], ["City", "address1_city"]]]',
    )
    assert one.match == (
        MatchRule((("Name", "name"),)),
        MatchRule((("Phone_No", "telephone1"), ("City", "address1_city"))),
    )


def test_a_field_that_is_off_by_default_brings_its_match_rule(tmp_path: Path) -> None:
    text = '[mapping.CUSTOMER]\nfields = [{ nav = "No", crm = "accountnumber", direction = "to" }]\n'
    one = mapping(tmp_path, text)
    assert field(one, "No", "accountnumber").direction is TO
    assert field(one, "No", "accountnumber").crm_length == 20
    assert one.match[0] == MatchRule((("No", "accountnumber"),))
    assert one.match[1:] == mapping(tmp_path, "").match


@pytest.mark.parametrize(
    ("name", "nav", "crm"),
    [
        ("CUSTOMER", "No", "accountnumber"),
        ("CUSTOMER", "Mobile_Phone_No", "telephone2"),
        ("SALEPEOPLE", "Job_Title", "jobtitle"),
        ("SALEPEOPLE", "E_Mail_2", "personalemailaddress"),
        ("CONTACTS", "Salutation_Code", "salutation"),
        ("CONTACTS", "Job_Title", "jobtitle"),
    ],
)
def test_shipped_extras_are_off_until_a_direction_is_given(tmp_path: Path, name: str, nav: str, crm: str) -> None:
    assert (nav, crm) not in pairs(mapping(tmp_path, "", name))
    way = "from" if name == "SALEPEOPLE" else "both"
    row = f'[mapping.{name}]\nfields = [{{ nav = "{nav}", crm = "{crm}", direction = "{way}" }}]\n'
    one = field(mapping(tmp_path, row, name), nav, crm)
    assert one.direction is (FROM if name == "SALEPEOPLE" else BOTH)
    assert one.nav_length and one.crm_length


def test_a_field_of_a_newer_version_can_be_switched_on(tmp_path: Path) -> None:
    assert ("County", "address1_stateorprovince") not in pairs(mapping(tmp_path, "", version="2016"))
    row = '[mapping.CUSTOMER]\nfields = [{ nav = "County", crm = "address1_stateorprovince", direction = "to" }]\n'
    assert field(mapping(tmp_path, row, version="2016"), "County", "address1_stateorprovince").direction is TO


def test_everything_of_a_field_can_be_changed(tmp_path: Path) -> None:
    row = """\
[[mapping.CUSTOMER.fields]]
nav = "Home_Page"
crm = "websiteurl"
direction = "from"
validate = false
nav_length = 30
crm_length = 40
case_sensitive = true
create_only = true
initial = true
kind = "code"
transforms = [{ rule = "upper" }, { rule = "replace", arguments = ["A", ""], direction = "to" }]
"""
    one = field(mapping(tmp_path, row), "Home_Page", "websiteurl")
    assert (one.direction, one.kind, one.nav_length, one.crm_length) == (FROM, FieldKind.CODE, 30, 40)
    assert (one.validate, one.case_sensitive, one.create_only, one.initial) == (False, True, True, True)
    assert [(t.rule, t.arguments, t.direction) for t in one.transforms] == [
        ("upper", (), BOTH),
        ("replace", ("A", ""), TO),
    ]


def test_lookups_can_be_kept_or_cleared_when_they_fail(tmp_path: Path) -> None:
    text = """\
[mapping.CUSTOMER]
fields = [
  { nav = "Salesperson_Code", crm = "ownerid", not_null = false, clear_on_fail = true },
  { nav = "Currency_Code", crm = "transactioncurrencyid", not_null = true },
]
"""
    one = mapping(tmp_path, text)
    owner, currency = field(one, "Salesperson_Code", "ownerid"), field(one, "Currency_Code", "transactioncurrencyid")
    assert (owner.not_null, owner.clear_on_fail) == (False, True)
    assert (currency.not_null, currency.clear_on_fail) == (True, False)


def test_any_field_can_be_cleared_when_it_fails(tmp_path: Path) -> None:
    row = """\
[[mapping.CUSTOMER.fields]]
nav = "Fax_No"
crm = "revenue"
direction = "to"
kind = "decimal"
clear_on_fail = true
"""
    assert field(mapping(tmp_path, row), "Fax_No", "revenue").clear_on_fail
    row = '[mapping.CUSTOMER]\nfields = [{ nav = "Name", crm = "name", clear_on_fail = true }]\n'
    assert field(mapping(tmp_path, row), "Name", "name").clear_on_fail


@pytest.mark.parametrize("how", ["enabled = false", 'direction = "off"'])
def test_a_field_can_be_taken_out(tmp_path: Path, how: str) -> None:
    one = mapping(tmp_path, f'[mapping.CUSTOMER]\nfields = [{{ nav = "Fax_No", crm = "fax", {how} }}]\n')
    assert pairs(one) == pairs(mapping(tmp_path, "")) - {("Fax_No", "fax")}


def test_new_fields_know_what_they_are(tmp_path: Path) -> None:
    text = """\
[mapping.CUSTOMER]
fields = [
  { nav = "Search_Name", crm = "description" },
  { crm = "accountcategorycode", constant = 1 },
  { crm = "creditonhold", constant = true },
  { crm = "revenue", kind = "decimal", constant = 12.5 },
  { nav = "Language_Code", constant = "ENU" },
  { nav = "Bill_to_Customer_No", crm = "parentaccountid", lookup = "CUSTOMER", direction = "to" },
]
"""
    one = mapping(tmp_path, text)
    assert (field(one, "Search_Name", "description").direction, field(one, "Search_Name", "description").kind) == (
        BOTH,
        FieldKind.TEXT,
    )
    found = {each.crm or each.nav: (each.direction, each.kind, each.constant) for each in one.fields}
    assert found["accountcategorycode"] == (TO, FieldKind.OPTION, 1)
    assert found["creditonhold"] == (TO, FieldKind.BOOLEAN, True)
    assert found["revenue"] == (TO, FieldKind.DECIMAL, "12.5")
    assert found["Language_Code"] == (FROM, FieldKind.TEXT, "ENU")
    parent = field(one, "Bill_to_Customer_No", "parentaccountid")
    assert (parent.kind, parent.lookup, parent.target) == (FieldKind.LOOKUP, "CUSTOMER", "accounts")


def test_policies_and_switches(tmp_path: Path) -> None:
    text = """\
[mapping.CUSTOMER]
conflict = "latest"
deletion = "restore_records"
create_unmatched = true
sync_after_coupling = true
depends = ["CURRENCY"]
"""
    one = mapping(tmp_path, text)
    assert (one.conflict, one.deletion) == (ConflictPolicy.LATEST, DeletionPolicy.RESTORE_RECORDS)
    assert one.create_unmatched and one.sync_after_coupling
    assert one.depends == ("CURRENCY",)
    default = mapping(tmp_path, "")
    assert (default.conflict, default.deletion) == (ConflictPolicy.NONE, DeletionPolicy.NONE)
    assert not default.create_unmatched and not default.sync_after_coupling


def test_templates_are_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = """\
[[mapping.CUSTOMER.templates]]
side = "crm"
values = { accountcategorycode = 1 }
conditions = [["Country_Region_Code", "eq", "DE"]]

[[mapping.CUSTOMER.templates]]
side = "nav"
values = { Payment_Method_Code = "CASH" }
"""
    assert mapping(tmp_path, text).templates == (
        Template("crm", (("accountcategorycode", 1),), (Condition("Country_Region_Code", "eq", "DE", FieldKind.CODE),)),
        Template("nav", (("Payment_Method_Code", "CASH"),)),
    )


def test_a_page_may_have_another_name(tmp_path: Path) -> None:
    one = mapping(
        tmp_path, '[mapping.CUSTOMER]\nnav = { entity = "Debitoren", caption = "Debitor", extra = ["GLN"] }\n'
    )
    assert (one.nav.entity, one.nav.caption, one.nav.number, one.nav.key) == ("Debitoren", "Debitor", "No", "SystemId")
    assert "GLN" in one.nav.extra


def test_a_mapping_that_is_off_is_left_out_and_nobody_waits_for_it(tmp_path: Path) -> None:
    found = settings(tmp_path, "[mapping.SALEPEOPLE]\nenabled = false\n")
    assert names(found) == [name for name in SEVEN if name != "SALEPEOPLE"]
    assert next(one for one in found.mappings if one.name == "CUSTOMER").depends == ("CURRENCY",)


def test_a_new_mapping_comes_after_what_it_depends_on_and_the_seven_keep_their_order(tmp_path: Path) -> None:
    assert names(settings(tmp_path, VENDOR)) == [*SEVEN, "VENDOR"]
    text = '[mapping.CONTACTS]\ndepends = ["CUSTOMER", "VENDOR"]\n' + VENDOR
    assert names(settings(tmp_path, text)) == [*SEVEN[:4], *SEVEN[5:], "VENDOR", "CONTACTS"]


def test_a_new_mapping_has_what_is_usual(tmp_path: Path) -> None:
    one = mapping(tmp_path, VENDOR, "VENDOR")
    assert not one.builtin and one.only_coupled and one.handling == ""
    assert (one.nav.key, one.nav.modified, one.nav.caption) == ("SystemId", "SystemModifiedAt", "Vendor")
    assert (one.crm.number, one.crm.modified) == ("name", "modifiedon")
    assert one.crm.match_filter == one.crm.filter == (Condition("customertypecode", "eq", 11, FieldKind.OPTION),)
    currency = field(one, "Currency_Code", "transactioncurrencyid")
    assert (currency.kind, currency.target) == (FieldKind.LOOKUP, "transactioncurrencies")


def test_a_mapping_can_be_like_a_built_in_one(tmp_path: Path) -> None:
    one = mapping(
        tmp_path, '[mapping.CUSTOMER-DE]\nlike = "CUSTOMER"\nnav_filter = [["City", "eq", "Bonn"]]\n', "CUSTOMER-DE"
    )
    default = mapping(tmp_path, "")
    assert repr(one.fields) == repr(default.fields)
    assert (one.handling, one.match, one.builtin) == ("customer", default.match, False)
    assert [c.value for c in one.nav.filter] == ["Bonn"]
    assert one.crm == default.crm


def test_the_fingerprint_covers_what_mappings_say(tmp_path: Path) -> None:
    texts = [
        "",
        '[mapping.CUSTOMER]\nconflict = "ask"\n',
        '[mapping.CUSTOMER]\nfields = [{ nav = "Name", crm = "name", nav_length = 99 }]\n',
        '[mapping.CUSTOMER]\nfields = [{ nav = "Name", crm = "name", transforms = [{ rule = "upper" }] }]\n',
        "[mapping.CONTACTS]\nenabled = false\n",
        VENDOR,
    ]
    marks = [fingerprint(settings(tmp_path, text)) for text in texts]
    assert len(set(marks)) == len(texts)
    assert marks == [fingerprint(settings(tmp_path, text)) for text in texts]
    assert len({mark[:32] for mark in marks}) == 1


C = "[mapping.CUSTOMER]\n"
MISTAKES: dict[str, tuple[str, str]] = {
    "unknown mapping": ("[mapping.CUSTOMR]\n", r':6: mapping\.CUSTOMR: is not built in; did you mean "CUSTOMER"\?'),
    "lower case": ("[mapping.customer2]\nlike = 'CUSTOMER'\n", r"mapping\.customer2: a mapping is named with up to 20 capital"),
    "long name": (f"[mapping.{'A' * 21}]\nlike = 'CUSTOMER'\n", r"a mapping is named with up to 20 capital"),
    "not a table": ("mapping.CUSTOMER = 1\n", r"mapping\.CUSTOMER: must be a table"),
    "unknown key": (C + "directoin = 'to'\n", r':7: mapping\.CUSTOMER\.directoin: unknown key; did you mean "direction"\?'),
    "direction": (C + "direction = 'two'\n", r':7: mapping\.CUSTOMER\.direction: "two" is not known; did you mean "to"\?'),
    "users are not created": ("[mapping.SALEPEOPLE]\ndirection = 'both'\n", r"mapping\.SALEPEOPLE\.direction: this mapping can only go from CRM"),
    "currencies come from NAV": ("[mapping.CURRENCY]\ndirection = 'from'\n", r"CURRENCY\.direction: this mapping can only go to CRM"),
    "users by another name": (VENDOR.replace('"accounts"', '"systemusers"'), r"VENDOR\.direction: CRM users are never created"),
    "policy": (C + "conflict = 'latst'\n", r'conflict: "latst" is not known; did you mean "latest"\?'),
    "deletion": (C + "deletion = 'restore'\n", r'deletion: "restore" is not known; did you mean "restore_records"\?'),
    "flag": (C + "enabled = 'no'\n", r"enabled: must be true or false, not text"),
    "filter": (C + "nav_filter = 'x'\n", r"nav_filter: must be a list of \[field, operator, value\], not text"),
    "condition": (C + "nav_filter = [['City', 'eq']]\n", r"nav_filter: each condition must be"),
    "operator": (C + "nav_filter = [['City', 'equal', 'x']]\n", r'City: "equal" is no operator; did you mean "eq"\?'),
    "condition's field": (C + "nav_filter = [['City Name', 'eq', 'x']]\n", r'"City Name" is no name of a field'),
    "condition's value": (C + "nav_filter = [['City', 'eq', 1.5]]\n", r"City: the value must be text"),
    "condition's type": (C + "crm_filter = [['customertypecode', 'eq', 'Customer']]\n", r"customertypecode: the value must be a whole number"),
    "match": (C + "match = [['No', 'accountnumber']]\n", r"match: must be a list of rules, each a list of pairs"),
    "match on what is not mapped": (C + "match = [[['No', 'accountnumber']]]\n", r'match: "No = accountnumber" is not mapped'),
    "misspelt match": (C + "match = [[['Nam', 'name']]]\n", r'"Nam = name" is not mapped.*did you mean "Name = name"\?'),
    "template's side": (C + "templates = [{ side = 'cmr', values = { x = 1 } }]\n", r'templates\.1\.side: "cmr" is not known; did you mean "crm"\?'),
    "template without values": (C + "templates = [{ side = 'crm' }]\n", r"templates\.1\.values: the table \[values\] is missing"),
    "template of a lookup": (C + "templates = [{ side = 'crm', values = { ownerid = 'x' } }]\n", r"templates\.1\.values\.ownerid: is a lookup"),
    "template that is overwritten": (C + "templates = [{ side = 'crm', values = { creditlimit = 5 } }]\n", r"creditlimit: the next synchronization would overwrite it"),
    "template's type": (C + "templates = [{ side = 'crm', values = { name = 5 } }]\n", r"values\.name: must be text in quotes, not a whole number"),
    "template's length": (C + f"templates = [{{ side = 'crm', values = {{ fax = '{'1' * 51}' }} }}]\n", r"values\.fax: is longer than 50 characters"),
    "dependency": (C + "depends = ['CURENCY']\n", r'depends: there is no mapping "CURENCY"; did you mean "CURRENCY"\?'),
    "dependency on itself": (C + "depends = ['CUSTOMER']\n", r"depends: a mapping cannot depend on itself"),
    "dependency that is off": ("[mapping.CURRENCY]\nenabled = false\n" + C + "depends = ['CURRENCY']\n", r"depends: CURRENCY is left out"),
    "circle": (C + "depends = ['VENDOR']\n" + VENDOR.replace('["CURRENCY"]', '["CUSTOMER"]'), r"depends: goes round in a circle: CUSTOMER needs VENDOR needs CUSTOMER"),
    "longer circle": (C + "depends = ['CONTACTS']\n", r"depends: goes round in a circle: CUSTOMER needs CONTACTS needs CUSTOMER"),
    "nothing left": ("".join(f"[mapping.{name}]\nenabled = false\n" for name in SEVEN), r"mapping: no mapping is left"),
    "like nothing": ("[mapping.X]\nlike = 'CUSTOMRE'\n", r'X\.like: "CUSTOMRE" is no built-in mapping; did you mean "CUSTOMER"\?'),
    "like for a built-in one": (C + "like = 'CONTACTS'\n", r"like: is for mappings that are not built in"),
    "half a mapping": (VENDOR.replace('number = "No", ', ""), r"VENDOR\.nav\.number: is missing"),
    "no crm": (VENDOR.replace('crm = { entity = "accounts", key = "accountid", name = "name" }\n', ""), r"VENDOR\.crm: the table \[crm\] is missing; it needs entity, key and name"),
    "row's line": (C + "fields = [\n  { nav = 'Fax_No', crm = 'fax' },\n  { nav = 'City', crm = 'address1_city', lenght = 3 },\n]\n", r":9: mapping\.CUSTOMER\.fields\.2\.lenght: unknown key"),
    "row's line in a table of its own": ("[[mapping.CUSTOMER.fields]]\nnav = 'Fax_No'\ncrm = 'fax'\n[[mapping.CUSTOMER.fields]]\nnav = 'City'\ncrm = 'address1_city'\nkind = 'txt'\n", r':12: mapping\.CUSTOMER\.fields\.2\.kind: "txt" is not known; did you mean "text"\?'),
    "row that is none": (C + "fields = ['Fax_No']\n", r"fields\.1: must be a table"),
    "no name at all": (C + "fields = [{ direction = 'to' }]\n", r"fields\.1\.nav: a field mapping needs nav, crm or both"),
    "no name of a field": (C + "fields = [{ nav = 'Search Name', crm = 'description' }]\n", r"fields\.1\.nav: must be the name of a field"),
    "twice": (C + "fields = [{ nav = 'Fax_No', crm = 'fax' }, { nav = 'Fax_No', crm = 'fax', validate = false }]\n", r"fields\.2\.crm: Fax_No = fax is there twice"),
    "off without being on": (C + "fields = [{ nav = 'Fax', crm = 'fax', enabled = false }]\n", r'fields\.1\.enabled: Fax = fax is not mapped; did you mean "Fax_No = fax"\?'),
    "on without a direction": (C + "fields = [{ nav = 'No', crm = 'accountnumber' }]\n", r"fields\.1\.direction: No = accountnumber is off by default; say to, from or both"),
    "against the mapping": (C + "direction = 'to'\nfields = [{ nav = 'Fax_No', crm = 'fax', direction = 'from' }]\n", r"fields\.1\.direction: the mapping goes only to CRM"),
    "one side alone": (C + "fields = [{ nav = 'Language_Code' }]\n", r"fields\.1\.crm: is missing; a field with one side only needs a constant"),
    "constant with two sides": (C + "fields = [{ nav = 'Fax_No', crm = 'fax', constant = '1' }]\n", r"fields\.1\.constant: a constant has one side only"),
    "constant the wrong way": (C + "fields = [{ crm = 'accountcategorycode', constant = 1, direction = 'from' }]\n", r"fields\.1\.direction: a field without the other side can only go to CRM"),
    "constant of another type": (C + "fields = [{ crm = 'customertypecode', constant = 'Customer' }]\n", r"fields\.1\.constant: must be a whole number"),
    "text for a number": (C + "fields = [{ crm = 'revenue', kind = 'decimal', constant = 'much' }]\n", r"fields\.1\.constant: must be a number, not text"),
    "long constant": (C + "fields = [{ crm = 'description', constant = 'abc', crm_length = 2 }]\n", r"fields\.1\.constant: is longer than 2 characters"),
    "transformed constant": (C + "fields = [{ crm = 'description', constant = 'a', transforms = [{ rule = 'upper' }] }]\n", r"fields\.1\.transforms: a constant is written as it is"),
    "clear and keep": (C + "fields = [{ nav = 'Salesperson_Code', crm = 'ownerid', clear_on_fail = true }]\n", r"fields\.1\.clear_on_fail: clear_on_fail and not_null exclude each other"),
    "clear a constant": (C + "fields = [{ crm = 'description', constant = 'x', clear_on_fail = true }]\n", r"fields\.1\.clear_on_fail: a constant does not fail"),
    "lookup to nowhere": (C + "fields = [{ nav = 'A', crm = 'bid', lookup = 'CUSTOMRE' }]\n", r'fields\.1\.lookup: there is no mapping "CUSTOMRE"; did you mean "CUSTOMER"\?'),
    "lookup of a kind": (C + "fields = [{ nav = 'A', crm = 'bid', kind = 'lookup', target = 'accounts' }]\n", r"fields\.1\.lookup: is missing; it names the mapping"),
    "transformed lookup": (C + "fields = [{ nav = 'Currency_Code', crm = 'transactioncurrencyid', transforms = [{ rule = 'upper' }] }]\n", r"fields\.1\.transforms: a lookup is translated by couplings"),
    "rule": (C + "fields = [{ nav = 'Name', crm = 'name', transforms = [{ rule = 'uper' }] }]\n", r'transforms\.1\.rule: "uper" is no transformation rule; did you mean "upper"\?'),
    "rule's arguments": (C + "fields = [{ nav = 'Name', crm = 'name', transforms = [{ rule = 'replace', arguments = ['a'] }] }]\n", r"transforms\.1\.arguments: .*takes 2 arguments, not 1"),
    "rule's arguments' types": (C + "fields = [{ nav = 'Name', crm = 'name', transforms = [{ rule = 'substring', arguments = [0, 5] }] }]\n", r"transforms\.1\.arguments: must be a list of texts in quotes, not of a whole number"),
    "rule's argument is no list": (C + "fields = [{ nav = 'Name', crm = 'name', transforms = [{ rule = 'substring', arguments = 5 }] }]\n", r"transforms\.1\.arguments: must be a list of texts in quotes, not a whole number"),
    "rule's first character": (C + "fields = [{ nav = 'Name', crm = 'name', transforms = [{ rule = 'substring', arguments = ['0', '5'] }] }]\n", r"transforms\.1\.arguments: .*from 1, and how many to take"),
    "rule's pattern": (C + "fields = [{ nav = 'Name', crm = 'name', transforms = [{ rule = 'regex', arguments = ['(', ''] }] }]\n", r"transforms\.1\.arguments: "),
    "two for one column": (C + "fields = [{ nav = 'Telex_No', crm = 'fax', direction = 'to' }]\n", r"fields\.1\.crm: fax is written by Fax_No = fax too"),
    "needed by the special handling": ("[mapping.ITEM-PRODUCT]\nfields = [{ nav = 'Unit_Price', crm = 'price', enabled = false }]\n", r"fields\.1\.crm: the special handling of this mapping needs it"),
    "worked out": ("[mapping.CURRENCY]\nfields = [{ crm = 'exchangerate', direction = 'off' }]\n", r"the special handling of this mapping needs it"),
    "choice without options": (C + "fields = [{ nav = 'Territory_Code', crm = 'territorycode', kind = 'choice' }]\n", r"fields\.1\.options: is missing"),
}  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_named_with_its_place_and_the_nearest_name(tmp_path: Path, name: str) -> None:
    text, expected = MISTAKES[name]
    with pytest.raises(ConfigError) as caught:
        settings(tmp_path, text)
    assert any(re.search(expected, problem) for problem in caught.value.problems), caught.value.problems
    assert len(caught.value.problems) == 1, caught.value.problems
    assert all(problem.startswith(str(tmp_path / "config.toml")) for problem in caught.value.problems)


def test_all_mistakes_are_named_at_once(tmp_path: Path) -> None:
    text = (
        C
        + "conflict = 'x'\nnav_filter = 1\nfields = [\n  { nav = 'No', crm = 'accountnumber' },\n  { nav = 'A' },\n]\nxyz = 1\n"
    )
    with pytest.raises(ConfigError) as caught:
        settings(tmp_path, text)
    found = [
        int(problem.removeprefix(str(tmp_path / "config.toml")).split(":")[1]) for problem in caught.value.problems
    ]
    assert found == [7, 8, 10, 11, 13]


def test_no_pair_is_shipped_twice() -> None:
    from engine.mapping.defaults import shipped_mappings

    for version in ("bc", "2018", "2016"):
        for one in shipped_mappings(version):
            found = [(each.nav, each.crm) for each in (*one.mapping.fields, *one.extras)]
            assert len(found) == len(set(found)), one.mapping.name


def test_every_example_in_the_documentation_is_valid(tmp_path: Path) -> None:
    text = (ROOT / "docs/mappings.md").read_text()
    blocks = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    assert blocks
    for block in blocks:
        assert repr(settings(tmp_path, block).mappings) != repr(default_mappings())
