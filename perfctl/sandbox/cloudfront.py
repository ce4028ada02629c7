"""The local CloudFront as a server of the sandbox: where its three ports and its folders are."""

from __future__ import annotations

import base64
import hashlib
import http.client
import os
import shutil
import signal
import sys
from pathlib import Path
from typing import Any

from perfctl.sandbox.ports import HOST
from perfctl.sandbox.service import Command, NotReadyError, Service
from perfctl.sandbox.site import Site

REGION = "us-east-1"
LOGS = "s3://sandbox-logs/"
"""The bucket that the sample distribution's logging names; the control plane answers for it, too."""
_PROBE_SECONDS = 2.0


class CloudFrontPart:
    """Control plane, edge and sample origin, which are one process."""

    name = "cloudfront"

    def __init__(self, site: Site) -> None:
        self._site = site
        self.services: tuple[Service, ...] = (CloudFront(site),)

    def environment(self) -> dict[str, str]:
        """The distribution, the control plane with its test credentials, and the edge."""
        return {
            "CLOUDFRONT_DISTRIBUTION_ID": distribution_id(self._site),
            "AWS_REGION": REGION,
            "CDN_ORIGIN_DOMAIN": self._address("origin"),
            "AWS_ENDPOINT_URL_CLOUDFRONT": f"http://{self._address('cloudfront')}",
            "AWS_ENDPOINT_URL_LAMBDA": f"http://{self._address('cloudfront')}",
            "AWS_ENDPOINT_URL_LOGS": f"http://{self._address('cloudfront')}",
            "AWS_ENDPOINT_URL_S3": f"http://{self._address('cloudfront')}",
            "AWS_ENDPOINT_URL_STS": f"http://{self._address('cloudfront')}",
            "AWS_ACCESS_KEY_ID": access_key(self._site),
            "AWS_SECRET_ACCESS_KEY": self._site.secret("cloudfront"),
            "PERFCTL_EDGE_URL": f"http://{self._address('edge')}",
        }

    def contexts(self) -> dict[str, dict[str, Any]]:
        """The CDN's section."""
        section = {
            "distribution_id": distribution_id(self._site),
            "region": REGION,
            "origin_domain": self._address("origin"),
            "endpoint_url": f"http://{self._address('cloudfront')}",
            "edge_url": f"http://{self._address('edge')}",
            "logs": [LOGS],
            "access_key_id": access_key(self._site),
            "secret_access_key": {"file": str(self._site.secret_file("cloudfront"))},
        }
        return {"": {"cdn": section}}

    def _address(self, role: str) -> str:
        return f"{HOST}:{self._site.ports[role]}"


class CloudFront:
    """The process of `perfctl.sandbox.edge`."""

    name = "cloudfront"
    ports: tuple[str, ...] = ("cloudfront", "edge", "origin")
    after: tuple[str, ...] = ()
    stop_signal = signal.SIGTERM

    def __init__(self, site: Site) -> None:
        self._site = site

    def version(self) -> str:
        """It is perfctl's own."""
        return "CloudFront edge"

    def endpoint(self) -> str:
        """The control plane's address; the edge's and the origin's stand in the variables."""
        return f"{HOST}:{self._site.ports['cloudfront']}"

    def provide(self) -> None:
        """Nothing takes long here."""

    def prepare(self) -> None:
        """Make its folders."""
        for folder in (self._folder / "state", self._folder / "access-logs"):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def command(self) -> Command:
        """This Python with our own search path, and the mark as an option that Python keeps for others (`-X`)."""
        ports = [word for role, flag in self._flags() for word in (flag, str(self._site.ports[role]))]
        argv = (
            *(sys.executable, "-P", "-X", f"perfctl={self._site.mark_of(self.name)}", "-m", "perfctl.sandbox.edge"),
            *ports,
            *("--state-dir", str(self._folder / "state"), "--log-dir", str(self._folder / "access-logs")),
            *("--distribution-id", distribution_id(self._site), "--access-key", access_key(self._site)),
            *("--region", REGION),
        )
        path = os.pathsep.join(folder for folder in sys.path if folder)
        environ = {"PATH": os.defpath, "PYTHONPATH": path, "PYTHONWARNINGS": "ignore", "PYTHONUTF8": "1"}
        return Command(argv, cwd=self._folder, environ=environ)

    def probe(self) -> None:
        """The control plane says ready, and the edge answers HTTP."""
        if get(self._site.ports["cloudfront"], "/_perfctl/ready") != 200:
            raise NotReadyError("the control plane is not ready")
        if get(self._site.ports["edge"], "/") >= 500:
            raise NotReadyError("the edge cannot serve the sample origin's page")

    def discard(self) -> None:
        """Remove distributions, invalidations and logs."""
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def _folder(self) -> Path:
        return self._site.data(self.name)

    @staticmethod
    def _flags() -> tuple[tuple[str, str], ...]:
        return (("cloudfront", "--control-port"), ("edge", "--edge-port"), ("origin", "--origin-port"))


def get(port: int, path: str) -> int:
    """The status of one GET. NotReadyError where nobody answers."""
    connection = http.client.HTTPConnection(HOST, port, timeout=_PROBE_SECONDS)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        raise NotReadyError(str(error) or type(error).__name__) from error
    finally:
        connection.close()


def distribution_id(site: Site) -> str:
    """An identifier in CloudFront's form, the same as long as the sandbox stands in the same folder."""
    return f"E{_letters(site, 'distribution')[:13]}"


def access_key(site: Site) -> str:
    """A key in AWS's form, which opens nothing but this sandbox."""
    return f"AKIA{_letters(site, 'access key')[:16]}"


def _letters(site: Site, what: str) -> str:
    return base64.b32encode(hashlib.sha256(f"{site.token}:{what}".encode()).digest()).decode()
