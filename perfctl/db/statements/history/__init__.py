"""The history of pg_stat_statements: what was done between one recording and the next, kept in a file a context."""
