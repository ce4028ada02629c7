"""The database: a pool, slow queries, plans; one engine for every face."""
