"""Plan regressions: the workload's plans against those of a stored baseline."""
