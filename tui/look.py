"""How an operator wants things shown; one object that all screens share."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Look:
    """Glyphs, time zone, polling rate, theme and keys. `t` on any screen changes `utc` for all of them."""

    ascii: bool = True
    utc: bool = True
    hz: float = 4.0
    """How often a second a run is read; `tui.poll` says which part of it other screens take."""
    theme: str = "ansi-dark"
    tour: bool = False
    """Whether each screen says what there is to be seen and done (`tui.tour`)."""
    keys: dict[str, str] = field(default_factory=dict)
    """Keys by action id, for actions whose key is not the one of `tui.actions`."""
