"""The operations of the control plane: one function each, from call to answer."""
