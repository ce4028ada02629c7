"""Asking: each command is arguments, one call to an engine, and an exit code."""
