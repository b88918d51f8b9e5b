"""How a run ends, seen from outside: what both sides and the state store have, whatever happened on the way."""

from tests.runs.company import Company, counted


class Whole:
    """How a run of a demo ended, seen from outside."""

    def __init__(self, company: Company) -> None:
        audit = company.audit()
        created = [line for line in audit if line["op"] == "create"]
        assert len(created) == sum(counted(audit, "create").values()), "no id is given twice"
        self.created = counted(audit, "create")
        pairs = company.lines("couplings")
        assert len({(one["mapping"], one["crm_id"]) for one in pairs}) == len(pairs)
        self.coupled = sorted(
            (one["mapping"], one["crm_id"]) for one in pairs if not one["nav_no"].startswith(("C0", "CT0"))
        )
        self.couplings = len(pairs)
        self.accounts = sorted(
            (
                one["name"] or "",
                one["emailaddress1"] or "",
                one["address1_city"] or "",
                bool(one["_primarycontactid_value"]),
            )
            for one in company.crm("accounts", "name", "emailaddress1", "address1_city", "_primarycontactid_value")
        )
        self.customers = sorted(
            (one["Name"], one["E_Mail"], bool(one["Primary_Contact_No"]))
            for one in company.nav("Customer", "Name", "E_Mail", "Primary_Contact_No")
        )
        found = company.status()
        self.state = (found["state"], found["answer"])
        self.read = found["counters"]["read"]
        self.counters = {one["job"]: (one["inserted"], one["failed"], one["coupled"]) for one in found["jobs"]}

    def differences(self, other: "Whole") -> str:
        """What is not the same, in short; blank when all is."""
        mine, theirs = vars(self), vars(other)
        return "; ".join(f"{name}: {mine[name]} != {theirs[name]}"[:400] for name in mine if mine[name] != theirs[name])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Whole) and vars(self) == vars(other)

    __hash__ = None  # type: ignore[assignment]  # it is only compared
