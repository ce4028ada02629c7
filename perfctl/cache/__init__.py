"""The cache: an in-process tier, Redis behind it, and what an operator asks of both."""
