"""Content made ready for the wire: what it is, how it is made smaller, which headers it goes out with."""
