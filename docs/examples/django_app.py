"""Django in one file: a cached method of a repository.

gunicorn --workers 4 django_app:application
"""

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, JsonResponse
from django.urls import path

from perfctl import PerformanceOptimizer

settings.configure(
    SECRET_KEY=os.environ.get("DJANGO_SECRET_KEY", "for this example alone"),
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
)
optimizer = PerformanceOptimizer.from_file(Path(__file__).with_name("perfctl.yaml"))


class Products:
    """`self` stays out of the keys: all instances share what they read."""

    def __init__(self, file: str) -> None:
        self.file = file

    @optimizer.cache_decorator(namespace="products", soft_timeout=0.5, eager=0.8)
    def find(self, product_id: int) -> dict[str, Any] | None:
        """Renewed in the background when it gets old; a slow database is not waited for while there is a value."""
        with closing(sqlite3.connect(self.file)) as database:
            row = database.execute("SELECT price FROM products WHERE id = ?", (product_id,)).fetchone()
        return None if row is None else {"id": product_id, "price": row[0], "read_by": os.getpid()}

    def change(self, product_id: int, price: float) -> bool:
        """Write, then invalidate: every worker asks again."""
        with closing(sqlite3.connect(self.file)) as database, database:
            database.execute("UPDATE products SET price = ? WHERE id = ?", (price, product_id))
        return Products.find.invalidate(product_id)


products = Products(os.environ["SHOP"])


def product(request: HttpRequest, product_id: int) -> JsonResponse:
    """The product, and which worker answers; PUT changes its price."""
    if request.method == "PUT":
        return JsonResponse({"invalidated": products.change(product_id, float(request.GET["price"]))})
    found = products.find(product_id)
    if found is None:
        return JsonResponse({}, status=404)
    return JsonResponse({**found, "worker": os.getpid()})


urlpatterns = [path("products/<int:product_id>", product)]
application = get_wsgi_application()
