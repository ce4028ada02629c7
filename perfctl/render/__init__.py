"""Showing: a result dataclass becomes a table, plain columns, JSON, NDJSON or CSV."""
