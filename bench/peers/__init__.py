"""Others that do the same work: each reads the same pages, maps them alike, and notes its couplings in a table."""
