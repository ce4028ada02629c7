"""Recording: counters, gauges and a mergeable histogram, cheap enough for a cache's hot path."""
