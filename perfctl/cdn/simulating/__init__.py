"""What another configuration would have hit: access logs replayed through caches that forget by other rules."""
