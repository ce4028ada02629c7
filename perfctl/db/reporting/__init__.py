"""A report of a database, gathered from its other rooms."""
