"""CONTACTS: a person belongs to a company, in NAV through its company contact, in CRM through its account.

Reference/domain.md section 1.5.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from engine.connectors.protocol import Row
from engine.mapping.transfer import FROM, TO
from engine.mapping.values import Value
from engine.model.mapping import Condition
from engine.model.outcome import Problem
from engine.store.runs import job_rows
from engine.sync.handling.base import Handling, Prepared

_CUSTOMER = "CUSTOMER"
_ACCOUNTS = "accounts"
COMPANIES = (Condition("Type", "eq", "Company"),)
"""Which contacts in NAV are companies."""


class ContactHandling(Handling):
    """Contacts whose company is no customer, or whose parent in CRM is no account, do not take part.

    A contact from CRM whose account is not coupled waits until that account is synchronized on the spot.
    """

    async def prepare(self, rows: Mapping[str, Row]) -> Prepared:
        """To CRM: who takes part. From CRM: the company contact of the account's customer."""
        if self.scope.direction is TO:
            return Prepared(left_out=frozenset(id for id, row in rows.items() if not row.get("Customer_No")))
        parents = {id: str(row.get("_parentcustomerid_value") or "").lower() for id, row in rows.items()}
        accounts = sorted(set(parents.values()) - {""})
        customers = await self.context.store.read(
            lambda connection: self.context.couplings.partners(connection, _CUSTOMER, FROM, accounts)
        )
        unknown = [account for account in accounts if account not in customers]
        exist = await self.context.crm.fetch(_ACCOUNTS, "accountid", unknown, ("accountid",)) if unknown else {}
        companies = {
            str(row["Customer_No"]): str(row["No"])
            for row in await self.context.nav.find(
                "Contact", "Customer_No", sorted(set(customers.values())), ("No", "Customer_No"), COMPANIES
            )
        }
        derived: dict[str, dict[str, Value]] = {}
        problems: dict[str, Problem] = {}
        no_customer = _NO_CUSTOMER if not exist or await self._synchronizes_accounts() else _CUSTOMER_NOT_RUN
        alone = frozenset(id for id, parent in parents.items() if parent not in customers and parent not in exist)
        for id in rows.keys() - alone:
            customer = customers.get(parents[id])
            if customer is None:
                problems[id] = no_customer
            elif customer in companies:
                derived[id] = {"Company_No": companies[customer]}
            elif customer:  # a customer that a plan would make has no number yet, and its company contact comes with it
                problems[id] = _NO_COMPANY
        needs = {_CUSTOMER: frozenset(exist)} if exist else {}
        return Prepared(derived, problems, left_out=alone, needs=needs)

    async def _synchronizes_accounts(self) -> bool:
        """Whether CUSTOMER is a job of the same run, which the account of a contact can be synchronized in."""
        rows = await self.context.store.read(partial(job_rows, run_id=self.scope.run))
        return any((row.mapping, row.direction) == (_CUSTOMER, FROM.value) for row in rows)


_NO_CUSTOMER = Problem(
    "company_not_coupled",
    "the contact's account is not coupled",
    "The contact cannot be synchronized because the company does not exist: its account is not coupled to a customer.",
    "See why CUSTOMER leaves the account out or fails: it must be active and of relationship type Customer. Then run "
    "again.",
)
_CUSTOMER_NOT_RUN = replace(
    _NO_CUSTOMER,
    hint="CUSTOMER has no job in this run, so that the account was left alone. Run both jobs: `--only CUSTOMER --only "
    "CONTACTS`.",
)
_NO_COMPANY = Problem(
    "no_company",
    "the contact's company does not exist",
    "The contact cannot be synchronized because the customer of its account has no company contact in NAV.",
    "Give the customer a company contact in NAV and run again.",
)
