"""CONTACTS: a person belongs to a company, in NAV through its company contact, in CRM through its account.

Reference/domain.md section 1.5.
"""

from collections.abc import Mapping

from engine.connectors.protocol import Row
from engine.mapping.transfer import FROM, TO
from engine.mapping.values import Value
from engine.model.mapping import Condition
from engine.model.outcome import Problem
from engine.sync.handling.base import Handling, Prepared

_CUSTOMER = "CUSTOMER"
_COMPANY = (Condition("Type", "eq", "Company"),)


class ContactHandling(Handling):
    """Contacts whose company is no customer do not take part."""

    async def prepare(self, rows: Mapping[str, Row]) -> Prepared:
        """To CRM: who takes part. From CRM: the company contact of the account's customer."""
        if self.scope.direction is TO:
            return Prepared(left_out=frozenset(id for id, row in rows.items() if not row.get("Customer_No")))
        accounts = sorted({str(row["_parentcustomerid_value"]) for row in rows.values()})
        customers = await self.context.store.read(
            lambda connection: self.context.couplings.partners(connection, _CUSTOMER, FROM, accounts)
        )
        companies = {
            str(row["Customer_No"]): str(row["No"])
            for row in await self.context.nav.find(
                "Contact", "Customer_No", sorted(set(customers.values())), ("No", "Customer_No"), _COMPANY
            )
        }
        derived: dict[str, dict[str, Value]] = {}
        problems: dict[str, Problem] = {}
        for id, row in rows.items():
            customer = customers.get(str(row["_parentcustomerid_value"]))
            if customer is None:
                problems[id] = _NO_CUSTOMER
            elif customer in companies:
                derived[id] = {"Company_No": companies[customer]}
            elif customer:  # a customer that a plan would make has no number yet, and its company contact comes with it
                problems[id] = _NO_COMPANY
        return Prepared(derived, problems)


_NO_CUSTOMER = Problem(
    "company_not_coupled",
    "the contact's account is not coupled",
    "The contact cannot be synchronized because its account is not coupled to a customer.",
    "Synchronize CUSTOMER first, or give the account the relationship type Customer.",
)
_NO_COMPANY = Problem(
    "no_company",
    "the contact's company does not exist",
    "The contact cannot be synchronized because the customer of its account has no company contact in NAV.",
    "Give the customer a company contact in NAV and run again.",
)
