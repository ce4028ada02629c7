"""Can perfctl work with a distribution: who we are, what we may do by area, where the logs go, is the edge well."""
