"""Lines of a file of couplings, and what is wrong with them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CouplingLine:
    """A coupling as a file has it: the mappings that it may belong to, a NAV record by id or number, a CRM row."""

    number: int
    mappings: tuple[str, ...]
    nav_id: str
    nav_no: str
    crm_id: str

    @property
    def nav(self) -> str:
        """What messages call the NAV record."""
        return self.nav_no or self.nav_id


@dataclass(frozen=True, slots=True)
class LineFault:
    """What is wrong with a line; the text may hold text from the file."""

    number: int
    message: str

    def __str__(self) -> str:
        return f"line {self.number}: {self.message}"
