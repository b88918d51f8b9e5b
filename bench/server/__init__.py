"""Both services, canned: answers that cost next to nothing, and writes that are kept and counted.

A process of its own (`python -m bench.server`), so that its work is no part of what is measured.
"""
