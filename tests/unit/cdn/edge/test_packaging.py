"""Functions as they are sent: the same bytes each time, all that they require, nothing else, within the limits."""

from __future__ import annotations

import io
import json
import os
import zipfile
from pathlib import Path

import pytest

from perfctl.cdn.edge.naming import Said, find_function, shipped_names
from perfctl.cdn.edge.packaging import Packed, pack
from perfctl.errors import UsageError

HEADER = "# perfctl: runtime=python trigger=origin-response\n"
HANDLER = "def lambda_handler(event, context):\n    return event\n"


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of wheels in the place of the index."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("UV_NO_INDEX", "1")
    monkeypatch.setenv("UV_FIND_LINKS", str(folder))
    return folder


@pytest.mark.parametrize("name", shipped_names())
def test_a_shipped_function_is_packed_to_the_same_bytes_each_time(name: str) -> None:
    function = find_function(name)
    first, again = (pack(function, with_requirements=False) for _ in range(2))
    assert first == again
    assert first.told.size_bytes == len(first.content) < first.told.limit_bytes


def test_neither_times_nor_modes_nor_order_change_a_package(tmp_path: Path) -> None:
    packages = []
    for number, names in enumerate((("b.py", "a.py"), ("a.py", "b.py"))):
        folder = _function(tmp_path / str(number) / "same")
        for name in names:
            (folder / name).write_text("x = 1\n")
            (folder / name).chmod(0o600 + number * 0o111)
            os.utime(folder / name, (number, number))
        packages.append(pack(find_function(str(folder))).content)
    assert packages[0] == packages[1]


def test_what_a_function_does_not_need_stays_here(tmp_path: Path) -> None:
    folder = _function(tmp_path / "tidy")
    for name in ("tests/test_it.py", "__pycache__/a.pyc", ".git/config", "tidy.tests.yaml", ".env", "data/table.json"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("{}")
    assert pack(find_function(str(folder))).told.files == ("data/table.json", "lambda_function.py")


def test_settings_are_baked_in_and_checked() -> None:
    function = find_function("resize-image")
    packed = pack(function, settings={"origin": "https://o.example", "most_side": "200"}, with_requirements=False)
    baked = json.loads(_member(packed, "settings.json"))
    assert (baked["origin"], baked["most_side"]) == ("https://o.example", 200)
    assert packed.told.settings == baked
    for wrong, said in (
        ({"orign": "x"}, "no such setting"),
        ({"most_side": "wide"}, "not a number"),
        ({"most_side": "true"}, "not a number"),
    ):
        with pytest.raises(UsageError, match=said):
            pack(function, settings=wrong, with_requirements=False)
    with pytest.raises(UsageError, match="has no settings"):
        pack(find_function("accelerate-api"), settings={"a": "1"})
    with pytest.raises(UsageError, match="is sent as it is written"):
        pack(find_function("normalize-url"), settings={"a": "1"})


def test_what_it_requires_is_fetched_for_lambda_and_cleaned(tmp_path: Path, index: Path) -> None:
    _wheel(index, "tiny", "cp313-cp313-manylinux_2_28_x86_64")
    folder = _function(tmp_path / "needs", "import tiny\n")
    (folder / "requirements.txt").write_text("tiny\n")
    packed = pack(find_function(str(folder)))
    assert packed.told.requires == ("tiny 1.0",)
    assert packed.told.files == ("lambda_function.py", "tiny/__init__.py")
    with pytest.raises(UsageError, match="what the function requires cannot be fetched"):
        pack(find_function(str(folder)), lambda_runtime="python3.12")


def test_a_module_that_is_nowhere_is_named(tmp_path: Path) -> None:
    folder = _function(tmp_path / "lost", "import json, boto3\nimport beside\nimport numpy\n")
    (folder / "beside.py").write_text("")
    with pytest.raises(
        UsageError, match=r"lambda_function\.py imports numpy, which is neither in the package nor"
    ) as said:
        pack(find_function(str(folder)))
    assert "requirements.txt" in str(said.value.hint)


def test_a_viewer_s_package_has_a_megabyte(tmp_path: Path) -> None:
    folder = _function(tmp_path / "heavy")
    (folder / "noise.bin").write_bytes(os.urandom(1_100_000))
    assert pack(find_function(str(folder))).told.limit_bytes == 50 * 1024 * 1024
    with pytest.raises(
        UsageError, match=r"at viewer-request a package may have 1\.\d+ MB; the largest file is noise.bin"
    ):
        pack(find_function(str(folder), Said(trigger="viewer-request")))


def test_a_cloudfront_function_has_ten_kilobytes(tmp_path: Path) -> None:
    file = tmp_path / "long.js"
    file.write_text("// perfctl: trigger=viewer-request\n" + "// é\n" * 2100)
    with pytest.raises(UsageError, match=r"has 12,\d+ bytes, and a CloudFront Function may have 10,240"):
        pack(find_function(str(file)))


def test_a_runtime_of_another_language_is_refused() -> None:
    with pytest.raises(UsageError, match="is written for python"):
        pack(find_function("accelerate-api"), lambda_runtime="nodejs22.x")


@pytest.mark.parametrize(
    ("name", "text", "packed", "handler"),
    [
        ("one.js", "exports.handler = async (e) => e;\n", "index.js", "index.handler"),
        ("one.js", "export const handler = async (e) => e;\n", "index.mjs", "index.handler"),
        ("one.py", HANDLER, "lambda_function.py", "lambda_function.lambda_handler"),
    ],
)
def test_a_single_file_gets_the_name_that_lambda_looks_for(
    tmp_path: Path, name: str, text: str, packed: str, handler: str
) -> None:
    language = "python" if name.endswith(".py") else "nodejs"
    (tmp_path / name).write_text(text)
    told = pack(find_function(str(tmp_path / name), Said(runtime=language, trigger="origin-request"))).told
    assert (told.files, told.handler) == ((packed,), handler)


def _function(folder: Path, imports: str = "") -> Path:
    folder.mkdir(parents=True)
    (folder / "lambda_function.py").write_text(HEADER + imports + HANDLER)
    return folder


def _member(packed: Packed, name: str) -> bytes:
    return zipfile.ZipFile(io.BytesIO(packed.content)).read(name)


def _wheel(folder: Path, name: str, tag: str) -> None:
    files = {
        f"{name}/__init__.py": "",
        f"{name}/tests/test_it.py": "",
        f"{name}/stub.pyi": "",
        f"{name}-1.0.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{name}-1.0.dist-info/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: {tag}\n",
    }
    record = "".join(f"{path},,\n" for path in files)
    with zipfile.ZipFile(folder / f"{name}-1.0-{tag}.whl", "w") as wheel:
        for path, text in files.items():
            wheel.writestr(path, text)
        wheel.writestr(f"{name}-1.0.dist-info/RECORD", record + f"{name}-1.0.dist-info/RECORD,,\n")
