"""Where findings come from: one file each, one row each."""
