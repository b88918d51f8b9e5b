"""Texts that do something to a terminal, to Rich and Textual, to a spreadsheet or to a reader, where they are not made harmless."""

import unicodedata
from dataclasses import dataclass, field

_CSI = (
    "2J", "3J", "H", "6n", "5n", "c", ">c", "?1049h", "?1049l", "?1000h", "?1003h", "?25l", "31m", "0m", "38;5;1m", "1;1r", "21t", "20t", "18t",
    "8;1;1t", "9;1t", "5S", "5T", "?2004l", "?7l", "4h", "!p", "100A", "100D", "1000C", "K", "1M", "1L", "5i", "?6n", "?15n", "s", "u", ">4;1m", ">1u", "=1u",
)  # fmt: skip
_OSC = (
    "0;title", "1;icon", "2;title", "4;1;rgb:ff/ff/ff", "4;1;?", "7;file://evil/x", "8;;http://evil.example", "9;notify", "10;?", "11;#000000",
    "12;?", "50;font", "52;c;cHduZWQ=", "52;c;?", "104", "133;A", "777;notify;a;b", "1337;File=inline=1:AAAA", "1337;SetMark", "L", "l",
)  # fmt: skip
_STRINGS = ("P+q544e", "P$qm", "P1;1|17/ab", "_Ga=T;AAAA", "^pm", "Xsos", "Ptmux;\x1b]0;x\x07", "k title")
_SINGLE = ("\x1bc", "\x1b7\x1b8", "\x1b#8", "\x1b(0", "\x1b=", "\x1b>", "\x1bD", "\x1bM", "\x1bE", "\x1bZ", "\x1bN", "\x1bl", "\x1b|", "\x1b", "\x1b\x1b", "\x1b[", "\x1b]", "\x1b[31")  # fmt: skip
_CONTROLS = (
    *(chr(code) for code in (*range(0x20), *range(0x7F, 0xA0))),
    "\r\n",
    "a\rb",
    "a\b\b\b\bxxxx",
    "\t" * 40,
    "\n" * 40,
    "\x0e\x0f",
    "\x05",
)
_DIRECTIONS = tuple(
    f"abc{one}def" for one in "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
)
_HIDDEN = tuple(
    f"a{one}b" for one in "\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180e\u200b\u200c\u200d\u2028\u2029\u2060\u2061\u2064\u206a\u206f\u2800\u3164\ufeff\ufff9\ufffb\ufffe\uffff\uffa0\U000e0001\U000e0041\U000e007f\ufe0f\U000e0100"
)  # fmt: skip
_SURROGATES = ("\ud800", "\udfff", "\udfff\ud800", "a\ud83db", "\udc80", "\udc1b[2J")
_MARKUP = (
    "[@click=app.pwned]x[/]", "[@click=app.pwned]x", "[@click=app.pwned()]x[/]", "[@click='app.pwned']x[/]", "[@click=screen.pwned]x[/]", "[@click=app.quit]x[/]",
    "[@click=app.pwned][b]x[/b][/]", "a[@click=app.pwned]", "[@mouse.down=app.pwned]x[/]", "[@enter=app.pwned]x[/]", "[link=http://evil.example]x[/link]",
    "[link='http://evil.example']x[/]", "[/red]", "[/", "[/]", "[/b]", "[a=1 b$]", "[", "]", "[[", "[]", "[b", "[b]", "[bold red]x", "[red on blue]x[/]", "[#ff0000]x[/]",
    "[$primary]x[/]", "[$nothing]x[/]", "[not a style]x[/]", "[b]x[/i]", "\\[b]x", "\\\\[b]x", "\\", "[reverse]x[/reverse]", "[blink]x[/]", "[conceal]x[/]", "[on red]",
    "[a='", '[a="', "[a=(", "[a=[", "[@", "[@click", "[@click=", "[@click=app.pwned", "[=1]x", "[ /]", "[\\/]", "[/@click]", "[b][/b][/b]", "[1]", "[x][y][z]",
    "$text", "{name}", "{0.__class__}", "%s%n", "%(x)s", ":boom:", "[:boom:]", "`x`", "**x**", "# x", "<b>x</b>", "<script>alert(1)</script>", "&lt;", "&#27;[2J",
)  # fmt: skip
_CELLS = ("=1+1", "+1", "-1", "@SUM(A1)", "=cmd|' /C calc'!A0", "\t=1", "\r=1", "\n=1", '"=1', "'=1", " =1", "＝1", "a,b", 'a"b', "a;b", "a\nb", '=HYPERLINK("http://evil.example")')  # fmt: skip
_SHAPES = (
    "z" + "\u0301" * 500,
    "w" * 5_000,
    "株" * 500,
    "😀" * 300,
    "👩\u200d👩\u200d👧",
    "🇩🇪",
    "\u1100" * 100,
    "ﷺ" * 50,
    " " * 300,
    "",
    "a" + "\u20dd" * 9,
    "1" * 400,
)
PAYLOADS: tuple[str, ...] = tuple(
    dict.fromkeys(
        (
            *(f"Acme \x1b[{one}x" for one in _CSI),
            *(f"Acme \x9b{one}x" for one in _CSI[::4]),
            *(f"\x1b]{one}\x07x" for one in _OSC),
            *(f"\x1b]{one}\x1b\\x" for one in _OSC[::3]),
            *(f"\x9d{one}\x9cx" for one in _OSC[::3]),
            *(f"\x1b{one}\x1b\\x" for one in _STRINGS),
            *(f"\x90{one[1:]}\x9cx" for one in _STRINGS[:3]),
            *_SINGLE, *(f"a{one}b" for one in _CONTROLS), *_DIRECTIONS, *_HIDDEN, *_SURROGATES, *_MARKUP, *_CELLS, *_SHAPES,
        )
    )
)  # fmt: skip
"""Each once."""

SAMPLE = (
    "1" * 400,
    "Acme \x1b[6nx",
    "\x1b]52;c;cHduZWQ=\x07x",
    "\x9d0;title\x9cx",
    "[@click=app.pwned]x[/]",
    "[/red]",
    "[a=1 b$]",
    "abc\u202edef",
    "\udc1b[2J",
    "a\rb",
    "=1+1",
    "w" * 5_000,
    "a\x9bb",
    "Acme \x1b[2Jx",
    "Acme \x1b[31mx",
    "\x1b]0;title\x1b\\x",
    "<script>alert(1)</script>",
)
"""One of each kind."""

TARGET = 200
MARK = "Zaunkoenig"
"""A text that does nothing, to see where texts are shown."""
_ALLOWED = frozenset("\n")


@dataclass
class Shown:
    """`places` are screens, dialogs and outputs; `shows` how often one of them showed a hostile text.

    `screens` and `reads` are what of the program was gone through; `silent` are places where a mere word is not to be seen,
    `telling` those where a hostile text is, made harmless.
    """

    places: set[str] = field(default_factory=set)
    screens: set[type] = field(default_factory=set)
    reads: set[str] = field(default_factory=set)
    silent: set[str] = field(default_factory=set)
    telling: set[str] = field(default_factory=set)
    shows: int = 0
    foreign: list[str] = field(default_factory=list)
    actions: list[str] = field(default_factory=list)
    crashes: list[str] = field(default_factory=list)

    @property
    def faults(self) -> list[str]:
        """All of them."""
        return [*self.foreign, *self.actions, *self.crashes]


def foreign(text: str, allowed: frozenset[str] = _ALLOWED) -> set[str]:
    """The characters of a text that a terminal obeys or nobody sees."""
    if text.isascii() and text.isprintable():
        return set()
    return {one for one in set(text) - allowed if unicodedata.category(one) in ("Cc", "Cf", "Cs", "Zl", "Zp")}
