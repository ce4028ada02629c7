"""How much of a table or index is air: from the planner's statistics, without reading it."""
