"""A whole page to a 12-lead record; no torch."""
