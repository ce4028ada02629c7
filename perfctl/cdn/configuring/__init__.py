"""A distribution's configuration from YAML: read, merged item by item, compared, applied, and a way back."""
