"""Comparing both sides with what is recorded; nothing is written, neither there nor in the store."""
