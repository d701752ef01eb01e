"""Published methods as described, for comparison: their ink, grid and path together."""
