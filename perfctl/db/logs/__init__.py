"""Log files of PostgreSQL: csvlog, jsonlog and plain logs with any log_line_prefix, one statement after the other."""

from perfctl.db.logs.statements import read
from perfctl.db.logs.summary import summary

__all__ = ["read", "summary"]
