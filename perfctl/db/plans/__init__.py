"""Plans that EXPLAIN printed, of PostgreSQL 12 to 18, read without a server."""

from perfctl.db.plans.naming import called
from perfctl.db.plans.nodes import MAX_DEPTH
from perfctl.db.plans.reading import read_any, read_plan, read_text_plan
from perfctl.db.plans.timing import every_node

__all__ = ["MAX_DEPTH", "called", "every_node", "read_any", "read_plan", "read_text_plan"]
