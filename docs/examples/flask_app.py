"""Flask: the same decorator on plain functions; the cache may be made before the workers fork.

gunicorn --preload --workers 4 flask_app:app
"""

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from flask import Flask, abort, request

from perfctl import PerformanceOptimizer

optimizer = PerformanceOptimizer.from_file(Path(__file__).with_name("perfctl.yaml"))
app = Flask(__name__)


def connected() -> closing[sqlite3.Connection]:
    """A connection that is closed at the end of a `with`."""
    return closing(sqlite3.connect(os.environ["SHOP"]))


@optimizer.cache_decorator(namespace="products", tags=("product:{product_id}",), negative_ttl=5)
def product_of(product_id: int) -> dict[str, Any] | None:
    """What is not there is not asked for again within five seconds."""
    with connected() as database:
        row = database.execute("SELECT price FROM products WHERE id = ?", (product_id,)).fetchone()
    return None if row is None else {"id": product_id, "price": row[0], "read_by": os.getpid()}


@app.get("/products/<int:product_id>")
def show(product_id: int) -> dict[str, Any]:
    """The product, and which worker answers."""
    product = product_of(product_id)
    if product is None:
        abort(404)
    return {**product, "worker": os.getpid()}


@app.put("/products/<int:product_id>")
def change(product_id: int) -> dict[str, bool]:
    """Write, then clear what has the product's tag: every worker asks again."""
    with connected() as database, database:
        database.execute("UPDATE products SET price = ? WHERE id = ?", (request.args["price"], product_id))
    optimizer.sync.cache.clear("products", tag=f"product:{product_id}")
    return {"invalidated": True}
