"""The ten tables, column by column (lengths and rules: reference/apis.md section 2, reference/domain.md section 1)."""

from sandbox.crm.columns import (
    Column,
    choice,
    decimal,
    identifier,
    integer,
    lookup,
    memo,
    moment,
    money,
    text,
    yes_no,
)
from sandbox.crm.entities import ACTIVE_INACTIVE, Entity, entity

_ADDRESS: dict[str, Column] = {
    "address1_name": text(200),
    "address1_line1": text(250),
    "address1_line2": text(250),
    "address1_line3": text(250),
    "address1_postalcode": text(20),
    "address1_city": text(80),
    "address1_county": text(50),
    "address1_stateorprovince": text(50),
    "address1_country": text(80),
    "address1_postofficebox": text(20),
    "address1_primarycontactname": text(100),
    "address1_telephone1": text(50),
    "address1_fax": text(50),
    "address1_freighttermscode": choice("FOB", "No Charge"),
    "address1_shippingmethodcode": choice("Airborne", "DHL", "FedEx", "UPS", "Postal Mail", "Full Load", "Will Call"),
}

_REACH: dict[str, Column] = {
    "emailaddress1": text(100),
    "emailaddress2": text(100),
    "emailaddress3": text(100),
    "telephone1": text(50),
    "telephone2": text(50),
    "telephone3": text(50),
    "fax": text(50),
    "websiteurl": text(200),
    "description": memo(),
    "preferredcontactmethodcode": choice("Any", "Email", "Phone", "Fax", "Mail", default=1),
    "paymenttermscode": choice("Net 30", "2% 10, Net 30", "Net 45", "Net 60"),
    "creditlimit": money(0),
    "creditonhold": yes_no(),
    "transactioncurrencyid": lookup("transactioncurrencies", on_delete="restrict"),
    "ownerid": lookup("systemusers", kind="Owner", on_delete="restrict"),
}

_TRANSACTION_CURRENCY = entity(
    "transactioncurrency",
    "transactioncurrencies",
    "currencyname",
    {
        "currencyname": text(100, required=True),
        "isocurrencycode": text(5, required=True, update=False),
        "currencysymbol": text(10, required=True),
        "currencyprecision": integer(0, 10, required=True),
        "exchangerate": decimal("0.000000000001", "100000000000", 12, required=True),
        "currencytype": Column(
            integer(0, 1).type, kind="Picklist", update=False, default=0, options={0: "System", 1: "Custom"}
        ),
    },
    states=ACTIVE_INACTIVE,
    natural=("isocurrencycode", "currencyname"),
)

_SYSTEM_USER = entity(
    "systemuser",
    "systemusers",
    "fullname",
    {
        "fullname": text(200, create=False, update=False),
        "firstname": text(256),
        "lastname": text(256),
        "domainname": text(1024),
        "internalemailaddress": text(100),
        "personalemailaddress": text(100),
        "mobilephone": text(64),
        "jobtitle": text(100),
        "isdisabled": yes_no(),
        "islicensed": yes_no(default=True),
        "isintegrationuser": yes_no(),
        "applicationid": identifier(),
        "azureactivedirectoryobjectid": identifier(),
        "businessunitid": identifier(),
    },
    natural=("internalemailaddress", "fullname"),
    creatable=False,
    named_key=False,
)

_UNIT_GROUP = entity(
    "uomschedule",
    "uomschedules",
    "name",
    {"name": text(200, required=True), "baseuomname": text(100, update=False), "description": memo()},
    states=ACTIVE_INACTIVE,
    natural=("name",),
)

_UNIT = entity(
    "uom",
    "uoms",
    "name",
    {
        "name": text(100, required=True),
        "quantity": decimal("0", "10000000000", 5, default=1),
        "isschedulebaseuom": yes_no(create=False, update=False),
        "uomscheduleid": lookup("uomschedules", required=True, update=False, on_delete="cascade"),
        "baseuom": lookup("uoms", on_delete="restrict"),
    },
    natural=("name",),
)

_ACCOUNT = entity(
    "account",
    "accounts",
    "name",
    {
        "name": text(160),
        "accountnumber": text(20),
        "customertypecode": choice(
            "Competitor", "Consultant", "Customer", "Investor", "Partner", "Influencer", "Press", "Prospect",
            "Reseller", "Supplier", "Vendor", "Other",
        ),
        "accountcategorycode": choice("Preferred Customer", "Standard"),
        "numberofemployees": integer(0, 1_000_000_000),
        "revenue": money(0),
        "primarycontactid": lookup("contacts"),
        "parentaccountid": lookup("accounts"),
        "defaultpricelevelid": lookup("pricelevels"),
        **_ADDRESS,
        **_REACH,
    },
    states=ACTIVE_INACTIVE,
    natural=("accountnumber", "name"),
    bulk=True,
    state_on_create=True,
)  # fmt: skip

_CONTACT = entity(
    "contact",
    "contacts",
    "fullname",
    {
        "fullname": text(160, create=False, update=False),
        "firstname": text(50),
        "middlename": text(50),
        "lastname": text(50),
        "salutation": text(100),
        "jobtitle": text(100),
        "department": text(100),
        "mobilephone": text(50),
        "pager": text(50),
        "employeeid": text(50),
        "gendercode": choice("Male", "Female"),
        "parentcustomerid": lookup("accounts", "contacts", kind="Customer", on_delete="cascade"),
        **_ADDRESS,
        **_REACH,
    },
    states=ACTIVE_INACTIVE,
    natural=("emailaddress1", "fullname"),
    bulk=True,
    state_on_create=True,
)

_PRODUCT = entity(
    "product",
    "products",
    "name",
    {
        "name": text(100),
        "productnumber": text(100, required=True),
        "description": memo(),
        "producttypecode": choice("Sales Inventory", "Miscellaneous Charges", "Services", "Flat Fees"),
        "productstructure": choice("Product", "Product Family", "Product Bundle", update=False, default=1),
        "price": money(0),
        "currentcost": money(0),
        "standardcost": money(0),
        "quantityonhand": decimal("0", "1000000000", 2),
        "quantitydecimal": integer(0, 5),
        "stockvolume": decimal("0", "1000000000", 2),
        "stockweight": decimal("0", "1000000000", 2),
        "isstockitem": yes_no(),
        "iskit": yes_no(),
        "size": text(200),
        "producturl": text(255),
        "suppliername": text(100),
        "vendorid": text(100),
        "vendorname": text(100),
        "vendorpartnumber": text(100),
        "validfromdate": moment(),
        "validtodate": moment(),
        "defaultuomscheduleid": lookup("uomschedules", on_delete="restrict"),
        "defaultuomid": lookup("uoms", on_delete="restrict"),
        "pricelevelid": lookup("pricelevels", create=False),
        "parentproductid": lookup("products"),
        "transactioncurrencyid": lookup("transactioncurrencies", on_delete="restrict"),
    },
    states={
        0: ("Active", {1: "Active"}),
        1: ("Retired", {2: "Retired"}),
        2: ("Draft", {0: "Draft"}),
        3: ("Under Revision", {3: "Under Revision"}),
    },
    natural=("productnumber", "name"),
    bulk=True,
)

_PRICE_LIST = entity(
    "pricelevel",
    "pricelevels",
    "name",
    {
        "name": text(100, required=True),
        "description": memo(),
        "begindate": moment(),
        "enddate": moment(),
        "transactioncurrencyid": lookup("transactioncurrencies", required=True, update=False, on_delete="restrict"),
    },
    states={0: ("Active", {100001: "Active"}), 1: ("Inactive", {100002: "Inactive"})},
    natural=("name",),
    bulk=True,
)

_PRICE_LINE = entity(
    "productpricelevel",
    "productpricelevels",
    "productnumber",
    {
        "pricelevelid": lookup("pricelevels", required=True, update=False, on_delete="cascade"),
        "productid": lookup("products", required=True, on_delete="cascade"),
        "uomid": lookup("uoms", required=True, on_delete="restrict"),
        "uomscheduleid": lookup("uomschedules"),
        "transactioncurrencyid": lookup("transactioncurrencies", create=False, update=False, on_delete="restrict"),
        "productnumber": text(100, create=False, update=False),
        "amount": money(0),
        "percentage": decimal("0", "100000", 2),
        "pricingmethodcode": choice(
            "Currency Amount", "Percent of List", "Percent Markup - Current Cost", "Percent Margin - Current Cost",
            "Percent Markup - Standard Cost", "Percent Margin - Standard Cost", default=1,
        ),
        "quantitysellingcode": choice("No Control", "Whole", "Whole and Fractional", default=1),
        "roundingpolicycode": choice("None", "Up", "Down", "To Nearest", default=1),
    },
    bulk=True,
)  # fmt: skip

_ORGANIZATION = entity(
    "organization",
    "organizations",
    "name",
    {
        "name": text(160, required=True),
        "basecurrencyid": lookup("transactioncurrencies", on_delete="restrict"),
        "basecurrencyprecision": integer(0, 4),
        "basecurrencysymbol": text(10),
        "currencydecimalprecision": integer(0, 4, default=2),
        "pricingdecimalprecision": integer(0, 4, default=2),
        "createproductswithoutparentinactivestate": yes_no(),
        "languagecode": integer(1033, 1033, default=1033),
    },
    creatable=False,
    updatable=False,
)

ENTITIES: dict[str, Entity] = {
    one.set: one
    for one in (
        _TRANSACTION_CURRENCY,
        _SYSTEM_USER,
        _UNIT_GROUP,
        _UNIT,
        _ACCOUNT,
        _CONTACT,
        _PRODUCT,
        _PRICE_LIST,
        _PRICE_LINE,
        _ORGANIZATION,
    )
}
"""Every table by its set name."""

BY_LOGICAL_NAME: dict[str, Entity] = {one.logical: one for one in ENTITIES.values()}
"""Every table by its logical name."""

REFERRERS: dict[str, tuple[tuple[Entity, str], ...]] = {
    target: tuple(
        (one, name)
        for one in ENTITIES.values()
        for name, column in one.columns.items()
        if target in column.targets and name not in ("_createdby_value", "_modifiedby_value")
    )
    for target in ENTITIES
}
"""The lookups that lead to each set, by set name."""
