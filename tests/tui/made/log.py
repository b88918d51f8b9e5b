"""The engine's log."""

from pathlib import Path

from engine.runs.logs import LogLine, LogPage


def made_log() -> LogPage:
    """What an engine writes, and what it never would."""
    texts = [
        '{"run": 15, "environment": "uat", "pid": 812, "event": "engine ended", "level": "info", "timestamp": "2026-03-11T09:12:01.5Z"}',
        '{"run": 16, "environment": "uat", "pid": 913, "event": "engine started", "level": "info", "timestamp": "2026-03-12T11:57:53.1Z"}',
        '{"run": 16, "environment": "uat", "pid": 913, "code": "connection", "message": "CRM cannot be reached.", "hint": "Resume the run.", "event": "engine failed", "level": "error", "timestamp": "2026-03-12T12:04:31.1Z"}',
        "Traceback (most recent call last):",
    ]
    lines, at = [], 0
    for one in texts:
        lines.append(LogLine(at, one))
        at += len(one) + 1
    return LogPage(Path("/home/ops/.local/state/coupler/log/engine-uat.log"), tuple(lines), 0, at, at, (1, 1))
