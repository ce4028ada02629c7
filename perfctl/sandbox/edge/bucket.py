"""The bucket of the access logs, read-only, over S3's REST API: list, get, head.

Every bucket that a distribution's `Logging` or a log delivery names is the one log folder; a listing writes the log
first, so that what was asked a moment ago is in it.
"""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Callable, Iterable
from pathlib import Path
from urllib.parse import parse_qs, quote, unquote
from xml.etree.ElementTree import Element, tostring

from perfctl.cdn.delivery.headers import Headers
from perfctl.sandbox.edge.account import Account
from perfctl.sandbox.edge.clock import http_date, iso
from perfctl.sandbox.edge.http import Request, Response
from perfctl.sandbox.edge.problems import ServiceProblem
from perfctl.sandbox.edge.replies import check_caller
from perfctl.sandbox.edge.viewer import tailored
from perfctl.sandbox.edge.xml import element, leaves, text_of

NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
MAX_KEYS = 1_000
_SCOPE = re.compile(r"Credential=[^,\s]+/s3/aws4_request")


class Bucket:
    """Answers the reading operations.

    `flush` writes what is not yet in a file, `delivered` tells the buckets of the deliveries.
    """

    def __init__(
        self, account: Account, folder: Path, flush: Callable[[], object], delivered: Callable[[], Iterable[str]]
    ) -> None:
        self._account = account
        self._folder = folder
        self._flush = flush
        self._delivered = delivered

    def is_asked(self, request: Request) -> bool:
        """What is signed for S3."""
        return _SCOPE.search(request.headers.get("authorization") or "") is not None

    def handle(self, request: Request) -> Response:
        bucket, _, key = unquote(request.path).lstrip("/").partition("/")
        try:
            check_caller(request, self._account.access_key, unknown="InvalidAccessKeyId")
            return self._answer(request, bucket, key)
        except ServiceProblem as problem:
            facts = leaves(Code=problem.code, Message=problem.message, RequestId=uuid.uuid4())
            return _xml(problem.status, element("Error", children=facts))

    def _answer(self, request: Request, bucket: str, key: str) -> Response:
        if request.method not in ("GET", "HEAD"):
            raise ServiceProblem("MethodNotAllowed", "The bucket of the access logs is read-only.")
        action = "GetObject" if key else "ListBucket"
        self._account.dice.strike(f"s3:{action}", changes=False)
        if bucket not in self._buckets():
            raise ServiceProblem("NoSuchBucket", f"The specified bucket does not exist: {bucket[:80]}.")
        if key:
            return self._object(request, key)
        if request.method == "HEAD":
            return Response(200, Headers((("x-amz-bucket-region", "us-east-1"),)))
        parameters = {name: values[0] for name, values in parse_qs(request.query, keep_blank_values=True).items()}
        if "location" in parameters:
            return _xml(200, element("LocationConstraint"))
        return self._listing(bucket, parameters)

    def _buckets(self) -> set[str]:
        configs = (item.config_element for item in self._account.distributions.all())
        named = {text_of(config, "Logging/Bucket").partition(".s3")[0] for config in configs} - {""}
        return named | set(self._delivered())

    def _listing(self, bucket: str, parameters: dict[str, str]) -> Response:
        self._flush()
        prefix, delimiter = parameters.get("prefix", ""), parameters.get("delimiter", "")
        after = parameters.get("continuation-token") or parameters.get("start-after", "")
        most = min(int(text), MAX_KEYS) if (text := parameters.get("max-keys", "")).isdigit() else MAX_KEYS
        named = [name for name in self._keys() if name.startswith(prefix)]
        grouped = sorted({_group(name, prefix, delimiter) for name in named})
        wanted = [name for name in grouped if name > after]
        shown, truncated = wanted[:most], len(wanted) > most
        facts = leaves(Name=bucket, Prefix=prefix, KeyCount=len(shown), MaxKeys=most, IsTruncated=truncated)
        facts += leaves(NextContinuationToken=shown[-1]) if truncated and shown else []
        encoded = parameters.get("encoding-type") == "url"
        facts += leaves(EncodingType="url") if encoded else []
        spelt = (lambda name: quote(name, safe="/")) if encoded else (lambda name: name)
        for name in shown:
            if delimiter and name.endswith(delimiter):
                facts.append(element("CommonPrefixes", children=leaves(Prefix=spelt(name))))
            else:
                facts.append(element("Contents", children=self._facts(name, spelt(name))))
        return _xml(200, element("ListBucketResult", children=facts))

    def _keys(self) -> list[str]:
        return sorted(path.relative_to(self._folder).as_posix() for path in self._folder.rglob("*.gz"))

    def _facts(self, key: str, spelt: str) -> list[Element]:
        status = (self._folder / key).stat()
        etag = f'"{hashlib.md5(key.encode(), usedforsecurity=False).hexdigest()}"'
        return leaves(
            Key=spelt, LastModified=iso(status.st_mtime), ETag=etag, Size=status.st_size, StorageClass="STANDARD"
        )

    def _object(self, request: Request, key: str) -> Response:
        if key not in self._keys():
            raise ServiceProblem("NoSuchKey", f"The specified key does not exist: {key[:200]}.")
        path = self._folder / key
        fields = (
            ("Content-Type", "application/x-gzip"),
            ("Last-Modified", http_date(path.stat().st_mtime)),
            ("ETag", f'"{hashlib.md5(key.encode(), usedforsecurity=False).hexdigest()}"'),
            ("Accept-Ranges", "bytes"),
        )
        return tailored(request, 200, Headers(fields), path.read_bytes())


def _group(name: str, prefix: str, delimiter: str) -> str:
    """The key, or the folder in which it lies below the prefix."""
    head, found, _ = name[len(prefix) :].partition(delimiter) if delimiter else (name, "", "")
    return prefix + head + delimiter if found else name


def _xml(status: int, root: Element) -> Response:
    if root.tag != "Error":
        root.set("xmlns", NAMESPACE)
    body = b'<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root)
    return Response(status, Headers((("Content-Type", "application/xml"),)), body)
