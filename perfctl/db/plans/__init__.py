"""Plans that EXPLAIN printed, of PostgreSQL 12 to 18, read without a server."""

from perfctl.db.plans.json_form import MAX_DEPTH, every_node, read_plan

__all__ = ["MAX_DEPTH", "every_node", "read_plan"]
