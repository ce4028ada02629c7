"""What a deployment changed: between two commits, and between two manifests as tools write them."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from perfctl.cdn.paths import Asked
from perfctl.cdn.planning.changes import Mapped, empty_folders, of_git, urls_of, with_index
from perfctl.cdn.planning.manifests import of_manifests
from perfctl.errors import UsageError


def _git(folder: Path, *words: str) -> None:
    line = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false", *words]
    subprocess.run(line, cwd=folder, check=True, capture_output=True)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two commits: one file changed, one removed, one added with an odd name, one outside of `dist/`."""
    folder = tmp_path_factory.mktemp("site")
    _git(folder, "init", "-q", "-b", "main")
    for name in ("dist/index.html", "dist/old.css", "dist/same.css", "src/a.ts"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("1")
    _git(folder, "add", ".")
    _git(folder, "commit", "-q", "-m", "one")
    (folder / "dist/index.html").write_text("2")
    (folder / "src/a.ts").write_text("2")
    (folder / "dist/old.css").unlink()
    (folder / "dist/é 100%?.css").write_text("1")
    _git(folder, "add", "-A", ".")
    _git(folder, "commit", "-q", "-m", "two")
    return folder


def test_changed_added_and_removed_files_of_commits_are_urls(repository: Path) -> None:
    found = of_git("HEAD~1..HEAD", [Mapped.of("dist/:/")], folder=repository)
    assert sorted(one.text for one in found) == ["/index.html", "/old.css", "/é 100%25%3F.css"]
    assert found[0].where == "git HEAD~1..HEAD: dist/index.html"


def test_without_a_map_the_repositorys_top_is_the_sites(repository: Path) -> None:
    assert "/src/a.ts" in [one.text for one in of_git("HEAD~1..HEAD", [], folder=repository)]


def test_all_changes_count_whatever_folder_is_the_current_one(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("COUNT", "1"), ("KEY_0", "diff.relative"), ("VALUE_0", "true")):
        monkeypatch.setenv(f"GIT_CONFIG_{name}", value)
    found = of_git("HEAD~1..HEAD", [Mapped.of("dist/:/")], folder=repository / "src")
    assert sorted(one.text for one in found) == ["/index.html", "/old.css", "/é 100%25%3F.css"]


def test_a_mapped_folder_without_a_file_in_either_commit_is_named(repository: Path) -> None:
    maps = [Mapped.of("dist/:/"), Mapped.of("nix/:/n"), Mapped()]
    assert empty_folders("HEAD~1..HEAD", maps, folder=repository / "src") == ["nix/"]
    assert empty_folders("HEAD~1...", maps[:1], folder=repository) == []


@pytest.mark.parametrize("commits", ["HEAD", "--output=x..y", "nope..HEAD", ""])
def test_what_git_does_not_know_is_refused(repository: Path, commits: str) -> None:
    with pytest.raises(UsageError):
        of_git(commits, [], folder=repository)


def test_the_longest_map_counts_and_what_lies_elsewhere_is_left_out() -> None:
    maps = [Mapped.of("dist/:/"), Mapped.of("./dist/img:/static/")]
    found = urls_of(["dist/a.html", "dist/img/b.png", "src/c.ts"], maps, source="git")
    assert [one.text for one in found] == ["/a.html", "/static/b.png"]


@pytest.mark.parametrize("text", ["dist", "dist:", "dist:web", "/dist:/", ":"])
def test_a_map_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--map"):
        Mapped.of(text)


def test_a_file_with_a_star_in_its_name_is_refused_by_name() -> None:
    with pytest.raises(UsageError, match=r"git: a\*b"):
        urls_of(["a*b"], [Mapped()], source="git")


def test_an_index_file_goes_with_its_folder_and_the_other_way_round() -> None:
    asked = [Asked(text) for text in ("/x/", "/y/index.html", "/z.html", "/w/*", "/index.html")]
    found = [one.text for one in with_index(asked, "index.html")]
    assert found == ["/x/", "/x/index.html", "/y/index.html", "/y/", "/z.html", "/w/*", "/index.html", "/"]
    assert with_index(asked, None) == asked


@pytest.mark.parametrize("index", ["*", "x*", "a/index.html", "/", ""])
def test_an_index_that_is_no_files_name_purges_nothing(index: str) -> None:
    with pytest.raises(UsageError, match="--index"):
        with_index([Asked("/x/")], index)


MANIFESTS = {
    "webpack": (
        {"main.js": "/js/main.1a2b.js", "a.css": "/a.0.css"},
        {"main.js": "/js/main.9f9f.js", "a.css": "/a.0.css"},
        ["/js/main.1a2b.js", "/js/main.9f9f.js"],
    ),
    "create-react-app": (
        {"files": {"main.js": "/static/js/main.1.js"}, "entrypoints": ["static/js/main.1.js"]},
        {"files": {"main.js": "/static/js/main.2.js"}, "entrypoints": ["static/js/main.2.js"]},
        ["/static/js/main.1.js", "/static/js/main.2.js"],
    ),
    "vite": (
        {"src/m.ts": {"file": "assets/m-1.js", "css": ["assets/m-1.css"], "imports": ["_x.js"]}},
        {"src/m.ts": {"file": "assets/m-2.js", "css": ["assets/m-1.css"], "assets": ["assets/p.png"]}},
        ["/assets/m-1.js", "/assets/m-2.js", "/assets/p.png"],
    ),
    "fingerprints": (
        {"index.html": "d41d8cd98f00b204e9800998ecf8427e", "a b.css": "aaaaaa"},
        {"index.html": "0cc175b9c0f1b6a831c399e269772661", "a b.css": "aaaaaa", "n%.js": "bbbbbb"},
        ["/index.html", "/n%25.js"],
    ),
    "a CDN's own URLs": (
        {"main.js": "https://cdn.example.com/js/main.1.js"},
        {"main.js": "https://cdn.example.com/js/main.2.js"},
        ["/js/main.1.js", "/js/main.2.js"],
    ),
    "next": (
        {"devFiles": [], "pages": {"/": ["static/a-1.js"], "/b": ["static/b.js"]}, "rootMainFiles": ["static/m-1.js"]},
        {"devFiles": [], "pages": {"/": ["static/a-2.js"], "/b": ["static/b.js"]}, "rootMainFiles": ["static/m-1.js"]},
        ["/static/a-1.js", "/static/a-2.js"],
    ),
    "sprockets": (
        {"files": {"a-1.js": {"logical_path": "a.js", "mtime": "2026-01-01", "digest": "1", "integrity": "sha256-x"}}},
        {"files": {"a-2.js": {"logical_path": "a.js", "mtime": "2026-02-01", "digest": "2", "integrity": "sha256-y"}}},
        ["/a-1.js", "/a-2.js"],
    ),
    "django": (
        {"paths": {"a.css": "a.1.css"}, "version": "1.1", "hash": "aaaaaaaaaaaa"},
        {"paths": {"a.css": "a.2.css"}, "version": "1.1", "hash": "bbbbbbbbbbbb"},
        ["/a.1.css", "/a.2.css"],
    ),
    "phoenix": (
        {"version": 1, "digests": {"a-1.js": {"mtime": 5}}, "latest": {"a.js": "a-1.js"}},
        {"version": 1, "digests": {"a-2.js": {"mtime": 6}}, "latest": {"a.js": "a-2.js"}},
        ["/a-1.js", "/a-2.js"],
    ),
    "angular": (
        {"configVersion": 1, "index": "/index.html", "hashTable": {"/a.js": "a" * 40, "/b.js": "b" * 40}},
        {"configVersion": 1, "index": "/index.html", "hashTable": {"/a.js": "c" * 40, "/b.js": "b" * 40}},
        ["/a.js"],
    ),
    "webpack's statistics": (
        {"hash": "aaaaaa", "assets": [{"name": "a.1.js", "size": 5}], "errorsCount": 0},
        {"hash": "bbbbbb", "assets": [{"name": "a.2.js", "size": 5}], "errorsCount": 0},
        ["/a.1.js", "/a.2.js"],
    ),
    "hashes of a build beside lists": (
        {"hash": "aaaaaa", "main": ["/a.1.js"]},
        {"hash": "bbbbbb", "main": ["/a.2.js"]},
        ["/a.1.js", "/a.2.js"],
    ),
    "s3api": (
        {"Contents": [{"Key": "a.html", "ETag": '"1"', "Size": 1}, {"Key": "b.html", "ETag": '"1"', "Size": 1}]},
        {"Contents": [{"Key": "a.html", "ETag": '"2"', "Size": 1}]},
        ["/a.html", "/b.html"],
    ),
}


@pytest.mark.parametrize("tool", MANIFESTS)
def test_a_manifest_of_a_tool_is_read(tool: str) -> None:
    old, new, changed = MANIFESTS[tool]
    assert _differing(json.dumps(old), json.dumps(new)) == changed


def test_a_list_of_checksums_is_read() -> None:
    digest, other = "a" * 64, "b" * 64
    old = f"{digest}  ./dist/a.html\n{digest} *dist/b.bin\n\\{digest}  dist/c\\nd\n"
    new = f"{other}  ./dist/a.html\n{digest} *dist/b.bin\n{digest}  dist/é.html\n"
    assert _differing(old, new, Mapped("dist/", "/")) == ["/a.html", "/c\nd", "/é.html"]


def test_a_listing_of_s3_is_read() -> None:
    old = "2026-01-01 10:00:00       1234 a b.html\n2026-01-01 10:00:00         12 c.html\n"
    new = "2026-02-01 10:00:00       1234 a b.html\n2026-01-01 10:00:00         12 c.html\n"
    assert _differing(old, new) == ["/a b.html"]


NO_MANIFESTS = (
    *("{", "[1]", '"x"', '{"a": 1}', "nonsense\n", '{"a": null}'),
    '{"inputs": {}, "outputs": {"dist/a.js": {"bytes": 5}}}',
    '{"a": [["b.js"], {"c": "d.js"}]}',
    '{"Contents": [{"Key": 5}]}',
    '{"Contents": ["a"]}',
    '{"Contents": [{"Key": "a"}], "NextToken": "more"}',
)


@pytest.mark.parametrize("text", NO_MANIFESTS)
def test_what_is_no_manifest_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="new"):
        of_manifests(b"{}", text.encode(), [], names=("old", "new"))


def _differing(old: str, new: str, *maps: Mapped) -> list[str]:
    found = of_manifests(old.encode(), new.encode(), list(maps), names=("old", "new"))
    return [one.text for one in found]
