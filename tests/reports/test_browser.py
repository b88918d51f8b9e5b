"""Headless Chromium opens a page: nothing in it runs, nothing is asked for, and hostile texts are texts."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from engine.model.snapshot import RunState
from tests.reliability.hostile import filled
from tests.reports.conftest import Chromium
from tests.reports.made import made_report, whole
from tests.reports.test_page import read
from tui.reports.page import page
from tui.text import safe

RUNS = "<script>document.title='ran'</script>"
HOSTILE = (
    "</title></style><script>document.title='ran'</script>",
    "\"><img src=/loaded onerror=document.title='ran'>",
    "<svg/onload=document.title='ran'><iframe src=/loaded></iframe><link rel=stylesheet href=/loaded>",
    "<!-- </p> <base href=/loaded> &lt; &#x3c; ${x} {{x}} \x1b[2J \u202eabc ￾",
)


@dataclass
class Served:
    """A page behind an address of its own, and what was asked of that."""

    content: bytes
    asked: list[str] = field(default_factory=list)
    address: str = ""


@contextmanager
def serving(text: str) -> Iterator[Served]:
    served = Served(text.encode())

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.asked.append(self.path)
            self.send_response(200)
            self.send_header("Content-Type", "text/html" if self.path == "/" else "text/plain")
            self.send_header("Content-Length", str(len(served.content)))
            self.end_headers()
            self.wfile.write(served.content)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    served.address = f"http://127.0.0.1:{server.server_address[1]}/"
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def loaded(served: Served) -> list[str]:
    """What was asked for besides the page; the icon is what browsers ask every server for."""
    return [one for one in served.asked if one not in ("/", "/favicon.ico")]


def test_a_page_is_shown_whole_and_asks_for_nothing(chromium: Chromium) -> None:
    text = whole(page(made_report()))
    with serving(text) as served:
        seen = read(chromium(served.address, "--dump-dom"))
    assert "/" in served.asked
    assert loaded(served) == []
    assert "".join("".join(seen.texts).split()) == "".join("".join(read(text).texts).split())


def test_hostile_texts_are_seen_as_texts_and_do_nothing(chromium: Chromium) -> None:
    for hostile in HOSTILE:
        text = whole(page(filled(made_report(), hostile)))
        with serving(text) as served:
            seen = read(chromium(served.address, "--dump-dom"))
        assert loaded(served) == []
        assert [tag for tag, _ in seen.tags].count("script") == 0
        assert safe(hostile, 2_000) in seen.texts
        assert "ran" not in seen.texts[:3]


def test_not_even_what_stands_in_the_page_would_run_or_load(chromium: Chromium) -> None:
    """The policy holds by itself, should an escape ever fail; without it the same markup does run."""
    text = whole(page(made_report()))
    planted = f"{RUNS}<img src=/loaded><style>@import '/loaded';</style><link rel=stylesheet href=/loaded><iframe src=/loaded></iframe>"
    for guarded in (True, False):
        whole_page = text if guarded else text.replace("Content-Security-Policy", "x-none")
        with serving(whole_page.replace("</body>", f"{planted}</body>")) as served:
            dumped = chromium(served.address, "--dump-dom")
        assert ("<title>ran</title>" in dumped) is not guarded
        assert (loaded(served) == []) is guarded


def test_the_style_is_applied_and_follows_light_and_dark(chromium: Chromium, tmp_path: Path) -> None:
    """The page says with its colours which style it has; the policy would keep out another one."""
    pictures = []
    path = tmp_path / "report.html"
    path.write_text(whole(page(made_report(RunState.RUNNING))), encoding="utf-8")
    for number, scheme in enumerate(("0", "1")):
        picture = tmp_path / f"{number}.ppm.png"
        chromium(
            path.as_uri(),
            f"--blink-settings=preferredColorScheme={scheme}",
            "--window-size=500,600",
            "--hide-scrollbars",
            f"--screenshot={picture}",
        )
        pictures.append(corner(picture.read_bytes()))
    assert pictures == [(0x14, 0x18, 0x1C), (0xFF, 0xFF, 0xFF)]


def corner(png: bytes) -> tuple[int, ...]:
    """The colour of the first pixel of a picture; the first line of a PNG has nothing above it to differ from."""
    import struct
    import zlib

    at, packed = 8, b""
    kind = png[25]
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        if png[at + 4 : at + 8] == b"IDAT":
            packed += png[at + 8 : at + 8 + length]
        at += 12 + length
    assert kind in (2, 6), "true colour"
    return tuple(zlib.decompress(packed)[1:4])
