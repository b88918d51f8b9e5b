"""`[ No ]  Yes`: a choice that starts on No and is seen without colours."""

from typing import ClassVar

from textual.app import RenderResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widget import Widget


class Choice(Widget, can_focus=True):
    """No and Yes on one line. `tab` and the arrows switch, `enter` takes the one in brackets."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab,shift+tab,left,right", "switch", "Switch between No and Yes", show=False),
        Binding("enter", "take", "Take the one in brackets", show=False),
    ]
    DEFAULT_CSS = "Choice { height: 1; width: auto; }"

    class Taken(Message):
        """The operator took one of the two."""

        def __init__(self, *, yes: bool) -> None:
            super().__init__()
            self.yes = yes

    def __init__(self, question: str, *, disabled: bool = False) -> None:
        super().__init__(id="choice", disabled=disabled)
        self.question = question
        self.yes = False

    def action_switch(self) -> None:
        """Goes to the other one."""
        self.yes = not self.yes
        self.refresh()

    def action_take(self) -> None:
        """Says which one it is."""
        self.post_message(self.Taken(yes=self.yes))

    def render(self) -> RenderResult:
        """The two words, the current one in brackets."""
        no, yes = ("  No  ", "[ Yes ]") if self.yes else ("[ No ]", "  Yes  ")
        chosen = "bold reverse"
        return Content.assemble(
            f"{self.question}   ", (no, "" if self.yes else chosen), "   ", (yes, chosen if self.yes else "")
        )

    def get_content_width(self, container: object, viewport: object) -> int:  # noqa: ARG002 - Textual's interface
        """The question, both words and the gaps."""
        return len(self.question) + 19
