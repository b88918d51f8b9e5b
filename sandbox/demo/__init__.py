"""A made-up NAV company and the CRM organization beside it: the same for the same size and seed."""

from random import Random

from sandbox.demo.company import company_rows
from sandbox.demo.organization import organization_rows
from sandbox.load import Seeds

LCY = "EUR"
DEFAULT_SIZE = 5000
DEFAULT_SEED = 1


def demo_seeds(size: int = DEFAULT_SIZE, seed: int = DEFAULT_SEED) -> Seeds:
    """The rows of a demo with `size` customers."""
    nav = company_rows(size, LCY, Random(f"company {seed}"))
    crm = organization_rows(nav, LCY, Random(f"organization {seed}"))
    return Seeds(nav, crm)
