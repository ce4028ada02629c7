"""Having the edge forget: sending, waiting, proving, telling."""
