"""Made-up JSON as applications cache it: stock quotes, shop orders, user profiles, of about any size, by a seed."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any
from uuid import UUID

KINDS = ("quotes", "orders", "profiles")
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_GIVEN = ("Ada", "Ben", "Chloe", "Dmitri", "Elena", "Farid", "Grace", "Hiro", "Ines", "Jonas", "Kira", "Liam", "Mei")
_FAMILY = ("Abel", "Brandt", "Costa", "Dubois", "Eriksen", "Fischer", "Garcia", "Haddad", "Ito", "Jensen", "Novak")
_CITIES = (
    "Berlin",
    "Lyon",
    "Madrid",
    "Oslo",
    "Porto",
    "Prague",
    "Riga",
    "Sofia",
    "Turin",
    "Vienna",
    "Warsaw",
    "Austin",
)
_THINGS = ("lamp", "desk", "chair", "kettle", "router", "monitor", "keyboard", "mouse", "cable", "bottle", "backpack")
_WORDS = ("likes", "travel", "music", "chess", "running", "coffee", "old", "maps", "rust", "gardens", "trains", "books")
_WORDS += ("film", "sea", "wine", "bread", "clocks", "birds", "snow", "rivers", "poetry", "jazz", "cycling", "climbing")
_WORDS += ("tea", "photos", "stars", "code", "cheese", "theatre", "boats", "letters", "puzzles", "and", "the", "of")


def document(kind: str, size_bytes: int, dice: random.Random) -> Any:
    """One value of a kind: a record where `size_bytes` of JSON hold one, else a page of records."""
    record = _RECORDS[kind]
    first = record(dice)
    if len(compact(first)) > size_bytes * 0.6:
        return first
    records = [first]
    length = len(compact(first)) + 60
    while length < size_bytes:
        records.append(record(dice))
        length += len(compact(records[-1])) + 1
    return {"page": dice.randint(1, 40), "total": dice.randint(40, 9000), "next": _hex(dice, 12), "items": records}


def compact(value: Any) -> bytes:
    """The JSON that everything is compared with."""
    return json.dumps(value, separators=(",", ":")).encode()


def _quote(dice: random.Random) -> dict[str, Any]:
    price = round(dice.lognormvariate(4, 1), 2)
    change = round(dice.gauss(0, price / 60), 2)
    return {
        "symbol": "".join(dice.choices(_LETTERS, k=dice.randint(2, 4))),
        "isin": f"{dice.choice(('US', 'DE', 'GB', 'FR'))}{dice.randrange(10**10):010d}",
        "exchange": dice.choice(("NASDAQ", "NYSE", "XETRA", "LSE")),
        "currency": dice.choice(("USD", "USD", "EUR", "GBP")),
        "price": price,
        "change": change,
        "change_percent": round(change / price * 100, 2),
        "bid": round(price - 0.01 * dice.randint(1, 5), 2),
        "ask": round(price + 0.01 * dice.randint(1, 5), 2),
        "volume": dice.randint(1_000, 9_000_000),
        "market_cap": dice.randint(50, 900_000) * 1_000_000,
        "pe_ratio": round(dice.uniform(5, 60), 1) if dice.random() < 0.8 else None,
        "day_high": round(price * dice.uniform(1, 1.04), 2),
        "day_low": round(price * dice.uniform(0.96, 1), 2),
        "is_tradable": dice.random() < 0.95,
        "updated_at": _moment(dice),
    }


def _order(dice: random.Random) -> dict[str, Any]:
    lines = [
        {
            "sku": f"SKU-{dice.randint(0, 99_999):05d}",
            "name": f"{dice.choice(('small', 'large', 'blue', 'black', 'green'))} {dice.choice(_THINGS)}",
            "quantity": dice.randint(1, 4),
            "unit_price": dice.randint(199, 29_999) / 100,
        }
        for _ in range(dice.choice((1, 1, 2)))
    ]
    return {
        "id": str(UUID(int=dice.getrandbits(128), version=4)),
        "customer_id": dice.randint(1, 400_000),
        "status": dice.choice(("pending", "paid", "shipped", "delivered", "returned")),
        "created_at": _moment(dice),
        "currency": dice.choice(("EUR", "USD")),
        "total": round(sum(line["quantity"] * line["unit_price"] for line in lines), 2),
        "lines": lines,
        "shipping": {"method": dice.choice(("standard", "express")), "city": dice.choice(_CITIES)},
    }


def _profile(dice: random.Random) -> dict[str, Any]:
    given, family = dice.choice(_GIVEN), dice.choice(_FAMILY)
    return {
        "id": dice.randint(1, 9_000_000),
        "username": f"{given.lower()}{dice.randint(1, 999)}",
        "name": f"{given} {family}",
        "email": f"{given}.{family}{dice.randint(1, 99)}@example.com".lower(),
        "avatar": f"https://cdn.example.com/a/{_hex(dice, 16)}.jpg",
        "city": dice.choice(_CITIES),
        "is_verified": dice.random() < 0.6,
        "created_at": _moment(dice),
        "followers": int(dice.lognormvariate(5, 2)),
        "preferences": {
            "theme": dice.choice(("light", "dark", "system")),
            "language": dice.choice(("en", "de", "fr", "es")),
            "newsletter": dice.random() < 0.3,
        },
        "bio": " ".join(dice.choices(_WORDS, k=dice.randint(2, 7))),
    }


def _moment(dice: random.Random) -> str:
    return (
        f"2026-{dice.randint(1, 12):02d}-{dice.randint(1, 28):02d}"
        f"T{dice.randint(0, 23):02d}:{dice.randint(0, 59):02d}:{dice.randint(0, 59):02d}Z"
    )


def _hex(dice: random.Random, length: int) -> str:
    return "".join(dice.choices("0123456789abcdef", k=length))


_RECORDS: dict[str, Callable[[random.Random], dict[str, Any]]] = {
    "quotes": _quote,
    "orders": _order,
    "profiles": _profile,
}
