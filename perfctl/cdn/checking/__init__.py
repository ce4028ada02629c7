"""Is a distribution, or one answer of it, in good shape: what is cached, why not, and what mends it."""
