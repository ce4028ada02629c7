"""An application that is not ours, by what it shows to Prometheus: fetched, read, recognised, told apart over time."""
