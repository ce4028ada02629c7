"""Which items have the edge forget what changed for the least money, and what else they purge (pure).

`plan_least_cost` decides; `inventory` knows the URLs that there are, `changes` says which of them changed.
"""

from perfctl.cdn.planning.inventory import Inventory
from perfctl.cdn.planning.least_cost import plan_least_cost
from perfctl.cdn.planning.prices import Prices

__all__ = ["Inventory", "Prices", "plan_least_cost"]
