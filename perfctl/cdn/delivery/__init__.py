"""CloudFront's rules as pure functions: cache keys, times to live, behaviours, policies, compression."""
