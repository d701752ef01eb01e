"""Runs of ink, and which of them are one trace."""
