"""The few questions that need several engines: is everything well, what is measured, what would make it faster."""
