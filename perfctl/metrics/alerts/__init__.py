"""Alerts: what the budgets promise is watched over the history, and who has to know is told, once each way."""
