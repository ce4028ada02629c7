"""Measuring: the ten figures of the stack, each from a named source, or with the reason why it is not known."""
