"""Readers of data sources; one kind of source per file."""
