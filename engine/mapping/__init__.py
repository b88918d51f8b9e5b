"""The mappings and the rules for one record; pure functions and data."""
