"""A durable queue of invalidations: what is asked for is sent once, and never trips a limit."""
