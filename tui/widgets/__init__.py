"""What screens are made of: lines, tables with a marked row, footers, a choice."""
