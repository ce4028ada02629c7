"""Site maps of a shop with languages, products, a blog and documentation, and what a release of it changes."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass

Change = list[str]


@dataclass(frozen=True)
class Site:
    """Every URL with its weight: how many requests the origin would get if it were purged, at most 13."""

    weights: Mapping[str, int]
    tags: Mapping[str, list[str]]
    """The keys of each product."""


def site(urls: int, *, seed: int = 1) -> Site:
    """So many URLs: two thirds a product's (a page in five languages, pictures in three widths, an answer of the API),
    a tenth the blog's, the rest documentation of 20 versions; weights by Zipf's law."""
    dice = random.Random(seed)
    tags: dict[str, list[str]] = {}
    keys: list[str] = ["/", "/index.html", "/sitemap.xml", "/blog/", "/api/products"]
    for number in range(urls * 2 // 27):
        tags[f"product-{number}"] = _product(number)
        keys += tags[f"product-{number}"]
    keys += [f"/blog/{2015 + place % 10}/{place // 10 % 12 + 1:02}/post-{place}.html" for place in range(urls // 10)]
    keys += [f"/docs/v{place % 20}/page-{place // 20}.html" for place in range(max(0, urls - len(keys)))]
    order = list(range(len(keys)))
    dice.shuffle(order)
    weights = {key: min(13, 1 + len(keys) // (10 * (rank + 1))) for key, rank in zip(keys, order, strict=True)}
    return Site(weights, tags)


def _product(number: int) -> list[str]:
    pages = [f"/{language}/products/{number}.html" for language in ("de", "en", "fr", "it", "es")]
    pictures = [f"/img/products/{number}.jpg?w={width}" for width in (200, 400, 800)]
    return [*pages, *pictures, f"/api/products/{number}"]


def changes(made: Site, *, seed: int = 2) -> dict[str, Change]:
    """What six kinds of release change."""
    dice = random.Random(seed)
    keys = list(made.weights)
    german = [key for key in keys if key.startswith("/de/")]
    answers = [key for key in keys if key.startswith("/api/products/")]
    updated = dice.sample(sorted(made.tags), max(1, len(made.tags) // 100))
    return {
        "60 % of a language": [*dice.sample(german, len(german) * 6 // 10), *dice.sample(answers, 5)],
        "a month of the blog": ["/", "/blog/", *(key for key in keys if key.startswith("/blog/2020/05/"))],
        "a version of the docs": [key for key in keys if key.startswith("/docs/v7/")],
        "1 % of the products": [key for tag in updated for key in made.tags[tag]],
        "0.2 % anywhere": dice.sample(keys, max(1, len(keys) // 500)),
        "one page": ["/index.html"],
    }
