"""The operator's side: strict, and on the server; what the commands of `perfctl cache` ask."""
