"""Warming the edge ahead of the visitors: what to fetch, and fetching it."""
