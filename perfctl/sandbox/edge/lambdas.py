"""Lambda functions as their control plane keeps them: code as a folder, numbered versions, what Lambda@Edge refuses."""

from __future__ import annotations

import base64
import binascii
import hashlib
import io
import re
import shutil
import uuid
import zipfile
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from perfctl.sandbox.edge.clock import Clock
from perfctl.sandbox.edge.identity import ACCOUNT
from perfctl.sandbox.edge.problems import ServiceProblem
from perfctl.sandbox.edge.store import Store

LATEST = "$LATEST"
MAX_ZIP_BYTES = 50 * 1024 * 1024
MAX_UNZIPPED_BYTES = 250 * 1024 * 1024
SETTINGS = (
    *("Runtime", "Role", "Handler", "Description", "Timeout", "MemorySize", "Environment", "Layers", "VpcConfig"),
    *("DeadLetterConfig", "TracingConfig", "Architectures", "EphemeralStorage", "PackageType"),
)
_DEFAULTS: dict[str, Any] = {"Description": "", "Timeout": 3, "MemorySize": 128, "PackageType": "Zip"}
_LISTS = ("Layers", "Architectures")
_KINDS: dict[str, type] = {
    **dict.fromkeys(("Timeout", "MemorySize"), int),
    **dict.fromkeys(_LISTS, list),
    **dict.fromkeys(("Environment", "VpcConfig", "DeadLetterConfig", "TracingConfig", "EphemeralStorage"), dict),
}
_NAME = re.compile(r"(?:arn:aws:lambda:[a-z0-9-]+:[0-9]{12}:function:|[0-9]{12}:function:)?([A-Za-z0-9_-]{1,64})")


@dataclass(frozen=True, slots=True)
class LambdaVersion:
    """One version of a function: `$LATEST`, or a number that never changes again."""

    region: str
    name: str
    version: str
    settings: dict[str, Any]
    """As they were sent, with the service's defaults."""
    code_sha256: str
    code_bytes: int
    modified_at: float
    revision: str = field(default_factory=lambda: str(uuid.uuid4()))

    @property
    def arn(self) -> str:
        return f"{self.unqualified_arn}:{self.version}"

    @property
    def unqualified_arn(self) -> str:
        return f"arn:aws:lambda:{self.region}:{ACCOUNT}:function:{self.name}"


class Lambdas:
    """Every function of every region, kept over a restart; the code lies unpacked in `folder`."""

    def __init__(self, store: Store, clock: Clock, folder: Path) -> None:
        self._store = store
        self._clock = clock
        self._folder = folder
        self._versions: dict[str, LambdaVersion] = {
            identity: LambdaVersion(**body) for identity, body in store.all("lambda").items()
        }

    def create(self, region: str, name: str, settings: dict[str, Any], code: str) -> LambdaVersion:
        """A new function's `$LATEST`; `code` is a zip file in base64."""
        if not _NAME.fullmatch(name) or ":" in name:
            raise ServiceProblem("InvalidParameterValueException", f"{name[:80]!r} is not a function name.")
        if self._find(region, name, LATEST) is not None:
            raise ServiceProblem("ResourceConflictException", f"Function already exist: {name}")
        for needed in ("Runtime", "Handler", "Role"):
            if not settings.get(needed):
                raise ServiceProblem("InvalidParameterValueException", f"{needed} is required for a Zip package.")
        kept = _checked(_DEFAULTS | {key: settings[key] for key in SETTINGS if key in settings})
        return self._put_code(LambdaVersion(region, name, LATEST, kept, "", 0, 0.0), code)

    def get(self, region: str, name: str, qualifier: str | None = None) -> LambdaVersion:
        """A version by the function's name or ARN; ResourceNotFoundException where there is none."""
        plain = plain_name(name)
        found = self._find(region, plain, qualifier or LATEST)
        if found is None:
            arn = f"arn:aws:lambda:{region}:{ACCOUNT}:function:{plain}" + (f":{qualifier}" if qualifier else "")
            raise ServiceProblem("ResourceNotFoundException", f"Function not found: {arn}")
        return found

    def by_arn(self, arn: str) -> LambdaVersion | None:
        return self._versions.get(arn)

    def all(self, region: str, *, version: str = LATEST) -> list[LambdaVersion]:
        return [item for item in self._versions.values() if (item.region, item.version) == (region, version)]

    def versions(self, region: str, name: str) -> list[LambdaVersion]:
        """`$LATEST` first, then the numbers in their order."""
        self.get(region, name)
        plain = plain_name(name)
        found = [item for item in self._versions.values() if (item.region, item.name) == (region, plain)]
        return sorted(found, key=lambda item: 0 if item.version == LATEST else int(item.version))

    def update_code(self, region: str, name: str, code: str) -> LambdaVersion:
        return self._put_code(self.get(region, name), code)

    def update_settings(self, region: str, name: str, settings: dict[str, Any]) -> LambdaVersion:
        current = self.get(region, name)
        changed = _checked(current.settings | {key: settings[key] for key in SETTINGS if key in settings})
        return self._keep(self._touched(current, settings=changed))

    def publish(self, region: str, name: str, *, description: str | None = None) -> LambdaVersion:
        """The next number for `$LATEST`; the last one again while nothing changed since."""
        current = self.get(region, name)
        numbered = self.versions(region, name)[1:]
        if numbered and _same(numbered[-1], current):
            return numbered[-1]
        number = self._next_number(current)
        settings = current.settings | ({} if description is None else {"Description": description})
        made = self._touched(current, version=str(number), settings=settings)
        shutil.copytree(self.folder_of(current), self.folder_of(made), dirs_exist_ok=True)
        return self._keep(made)

    def delete(self, region: str, name: str, qualifier: str | None) -> None:
        """One version, or without a qualifier the whole function."""
        if qualifier == LATEST:
            raise ServiceProblem("InvalidParameterValueException", "$LATEST version cannot be deleted.")
        gone = self.versions(region, name) if qualifier is None else [self.get(region, name, qualifier)]
        for version in gone:
            del self._versions[version.arn]
            self._store.delete("lambda", version.arn)
            shutil.rmtree(self.folder_of(version), ignore_errors=True)

    def folder_of(self, version: LambdaVersion) -> Path:
        """Where a version's files are."""
        return self._folder / version.region / version.name / version.version.removeprefix("$")

    def _find(self, region: str, name: str, version: str) -> LambdaVersion | None:
        return self._versions.get(f"arn:aws:lambda:{region}:{ACCOUNT}:function:{name}:{version}")

    def _next_number(self, current: LambdaVersion) -> int:
        """One more than was ever given: a deleted version's number is not given again."""
        key = current.unqualified_arn
        number: int = self._store.all("lambda-number").get(key, {"number": 0})["number"] + 1
        self._store.put("lambda-number", key, {"number": number})
        return number

    def _put_code(self, version: LambdaVersion, code: str) -> LambdaVersion:
        packed = _decoded(code)
        folder = self.folder_of(version)
        shutil.rmtree(folder, ignore_errors=True)
        _unpack(packed, folder)
        digest = base64.b64encode(hashlib.sha256(packed).digest()).decode()
        return self._keep(self._touched(version, code_sha256=digest, code_bytes=len(packed)))

    def _touched(self, current: LambdaVersion, /, **changes: Any) -> LambdaVersion:
        return replace(current, **changes, modified_at=self._clock.now(), revision=str(uuid.uuid4()))

    def _keep(self, version: LambdaVersion) -> LambdaVersion:
        self._versions[version.arn] = version
        self._store.put("lambda", version.arn, asdict(version))
        return version


def plain_name(name: str) -> str:
    """The function's name in a name, a partial or a whole ARN."""
    match = _NAME.fullmatch(name)
    if match is None:
        raise ServiceProblem("InvalidParameterValueException", f"{name[:140]!r} is not a function name or ARN.")
    return match[1]


def _checked(settings: dict[str, Any]) -> dict[str, Any]:
    """The settings, where each is of its kind and within Lambda's own bounds."""
    for name, least, most in (("Timeout", 1, 900), ("MemorySize", 128, 10_240)):
        value = settings[name]
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            message = f"Value '{value!r:.40}' at '{name}' failed to satisfy constraint: {least} to {most}"
            raise ServiceProblem("InvalidParameterValueException", message)
    for name, value in settings.items():
        if not isinstance(value, _KINDS.get(name, str)):
            raise ServiceProblem("InvalidParameterValueException", f"{name} has another type in the service's model.")
    if not all(isinstance(part, str) for name in _LISTS for part in settings.get(name, [])):
        raise ServiceProblem("InvalidParameterValueException", f"{' and '.join(_LISTS)} are lists of texts.")
    variables = settings.get("Environment", {}).get("Variables", {})
    if not isinstance(variables, dict) or not all(isinstance(value, str) for value in variables.values()):
        raise ServiceProblem("InvalidParameterValueException", "Environment.Variables has texts by name.")
    return settings


def _same(published: LambdaVersion, current: LambdaVersion) -> bool:
    ours, theirs = (dict(one.settings, Description="") for one in (published, current))
    return published.code_sha256 == current.code_sha256 and ours == theirs


def _decoded(code: str) -> bytes:
    try:
        packed = base64.b64decode(code, validate=True)
    except (binascii.Error, ValueError):
        raise ServiceProblem("InvalidParameterValueException", "ZipFile is not base64.") from None
    if len(packed) > MAX_ZIP_BYTES:
        raise ServiceProblem("RequestEntityTooLargeException", f"The zip file is larger than {MAX_ZIP_BYTES} bytes.")
    return packed


def _unpack(packed: bytes, folder: Path) -> None:
    """Write a zip file's members below `folder`: names that lead out of it are refused, links become files."""
    try:
        with zipfile.ZipFile(io.BytesIO(packed)) as archive:
            if sum(item.file_size for item in archive.infolist()) > MAX_UNZIPPED_BYTES:
                message = f"Unzipped size must be smaller than {MAX_UNZIPPED_BYTES} bytes"
                raise ServiceProblem("InvalidParameterValueException", message)
            folder.mkdir(parents=True)
            archive.extractall(folder)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, EOFError):
        message = "Could not unzip uploaded file. Please check your file, then try to upload again."
        raise ServiceProblem("InvalidParameterValueException", message) from None
