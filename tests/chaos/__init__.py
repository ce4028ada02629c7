"""Faults for tests: a proxy that breaks connections, servers that freeze and die, a workload that notices."""
