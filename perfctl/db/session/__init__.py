"""What a session of PostgreSQL is: how it is let in, what it keeps prepared, what a statement leaves behind in it."""
