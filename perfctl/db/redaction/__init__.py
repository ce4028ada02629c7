"""Results that may leave the house: other names, other literals, the same shape."""
