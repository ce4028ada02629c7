"""FastAPI: cached reads, invalidated by writes, in any number of workers.

uvicorn fastapi_app:app --workers 4
"""

import os
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException
from pydantic import BaseModel

from perfctl import PerformanceOptimizer

optimizer = PerformanceOptimizer.from_file(Path(__file__).with_name("perfctl.yaml"))


class Product(BaseModel):
    """Comes back from Redis as a Product: the return annotation says so."""

    id: int
    price: float
    read_by: int


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Connect on first use, disconnect at the end."""
    async with optimizer:
        yield


def connection() -> Iterator[sqlite3.Connection]:
    """One for each request."""
    with closing(sqlite3.connect(os.environ["SHOP"], check_same_thread=False)) as database:
        yield database


app = FastAPI(lifespan=lifespan)
Database = Annotated[sqlite3.Connection, Depends(connection)]


@optimizer.cache_decorator(namespace="products", key="product:{product_id}", condition=lambda found: found is not None)
async def product_of(database: sqlite3.Connection, product_id: int) -> Product | None:
    """The connection stays out of the key; what is not there is asked for again."""
    row = database.execute("SELECT price FROM products WHERE id = ?", (product_id,)).fetchone()
    return None if row is None else Product(id=product_id, price=row[0], read_by=os.getpid())


@app.get("/products/{product_id}")
async def show(product_id: int, database: Database) -> dict[str, object]:
    """The product, and which worker answers."""
    product = await product_of(database, product_id)
    if product is None:
        raise HTTPException(404)
    return {**product.model_dump(), "worker": os.getpid()}


@app.put("/products/{product_id}")
async def change(product_id: int, price: float, database: Database) -> dict[str, bool]:
    """Write, then invalidate: every worker asks again."""
    with database:
        database.execute("UPDATE products SET price = ? WHERE id = ?", (price, product_id))
    return {"invalidated": await product_of.invalidate(product_id=product_id)}
