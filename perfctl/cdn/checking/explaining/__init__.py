"""Why one answer of the edge is cached or not: the TTL algebra, the cache key and compression, spelt out."""
