"""What people see: the full-screen program, and the commands that do without it."""

__version__ = "0.1.0"
"""The version of all that is installed; builds read it here."""
