"""Statements that the indexes serve well: most of what an application sends."""

from __future__ import annotations

from collections.abc import Iterator

TURNS = 100

_SYMBOLS = ("AAPL", "MSFT", "NVDA", "AMZN", "GOOGL", "META", "TSLA", "JPM", "XOM", "COST")
_SECTORS = ("technology", "healthcare", "energy", "utilities")
_STATEMENTS = (
    (1, "SELECT * FROM stocks WHERE symbol = '{symbol}'"),
    (1, "SELECT id, name, sector FROM stocks WHERE id = {stock}"),
    (1, "SELECT close FROM prices WHERE stock_id = {stock} ORDER BY day DESC LIMIT 1"),
    (1, "SELECT id, email, last_login_at FROM users WHERE id = {user}"),
    (1, "SELECT status, executed_at FROM orders WHERE id = {order}"),
    (
        1,
        "SELECT s.symbol, h.quantity, h.average_price FROM holdings AS h JOIN stocks AS s ON s.id = h.stock_id "
        "WHERE h.portfolio_id = {portfolio}",
    ),
    (
        1,
        "SELECT s.symbol, w.added_at FROM watchlists AS w JOIN stocks AS s ON s.id = w.stock_id "
        "WHERE w.user_id = {user}",
    ),
    (2, "SELECT avg(close) FROM prices WHERE stock_id = {stock} AND day >= '2025-12-01'"),
    (5, "UPDATE users SET last_login_at = '2026-01-01 08:{minute:02}Z' WHERE id = {user}"),
    (10, "SELECT * FROM stocks WHERE sector = '{sector}' ORDER BY market_cap DESC LIMIT 50"),
)
"""In every how many turns it is sent, and its text."""


def quick_statements() -> Iterator[str]:
    """Some 800 statements of ten shapes, always the same."""
    for turn in range(TURNS):
        values = {
            "symbol": _SYMBOLS[turn % len(_SYMBOLS)],
            "sector": _SECTORS[turn // 10 % len(_SECTORS)],
            "stock": 1 + turn * 7 % 400,
            "user": 1 + turn * 211 % 60_000,
            "portfolio": 1 + turn * 397 % 80_000,
            "order": 1 + turn * 3331,
            "minute": turn // 5,
        }
        yield from (text.format(**values) for every, text in _STATEMENTS if turn % every == 0)
