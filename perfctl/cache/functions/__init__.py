"""Cached functions: the decorator, its hit path, and the key of a call."""
