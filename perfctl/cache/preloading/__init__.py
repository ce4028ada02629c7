"""Writing very many keys ahead of their reads."""
