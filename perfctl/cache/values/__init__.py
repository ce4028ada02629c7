"""A value as bytes: serialised, compressed, sealed; and what its header says of it."""
