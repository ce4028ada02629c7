"""The HTTP API: the engines under `/performance/...`, each reply the document of the command that asks the same."""
