"""One full synchronization: start, watch, pause, stop, resume, answer. The only door of `tui` into the engine."""
