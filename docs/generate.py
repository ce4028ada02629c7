"""Write the generated texts again: help blocks of README.md and configs/perfctl.yaml; `--check` only compares.

`--picture` also draws docs/demo.svg, the README's terminal picture, from a real run of `perfctl demo`.
"""

from __future__ import annotations

import difflib
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
CONFIGURATION = ROOT / "configs" / "perfctl.yaml"
PICTURE = ROOT / "docs" / "demo.svg"

PICTURED = ("1", "3", "5", "6")
"""The steps of the demo that the picture shows."""

FONTS = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)
"""Fonts from elsewhere: the picture asks nobody for anything."""

HELP_BLOCK = re.compile(
    r"(?P<open><!-- help: (?P<words>[^>]*?) -->\n```\n).*?(?P<close>```\n<!-- /help -->)", re.DOTALL
)


def main(arguments: list[str]) -> int:
    """Write or compare; exit 1 when something is not what it would be written as."""
    generated = {README: _readme(), CONFIGURATION: _configuration()}
    if "--check" in arguments:
        return max(_compare(path, text) for path, text in generated.items())
    for path, text in generated.items():
        path.write_text(text)
    if "--picture" in arguments:
        _draw_picture()
    return 0


def _readme() -> str:
    return HELP_BLOCK.sub(lambda block: block["open"] + _help(block["words"]) + block["close"], README.read_text())


def _help(words: str) -> str:
    """What `perfctl WORDS --help` prints on a pipe of 100 columns."""
    command = [sys.executable, "-m", "perfctl", *words.split(), "--help"]
    environment = {**os.environ, "COLUMNS": "100", "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout


def _configuration() -> str:
    from perfctl.config.template import render_template

    return render_template()


def _compare(path: Path, text: str) -> int:
    if path.read_text() == text:
        return 0
    lines = difflib.unified_diff(
        path.read_text().splitlines(), text.splitlines(), "committed", "generated", lineterm=""
    )
    print(f"{path.relative_to(ROOT)} is not what `make docs` writes:", *lines, sep="\n")
    return 1


def _draw_picture() -> None:
    """Run the demo as on a terminal and export the steps that a reader should see first."""
    from rich.console import Console
    from rich.text import Text

    command = [sys.executable, "-m", "perfctl", "-o", "table", "--color", "always", "demo"]
    environment = {**os.environ, "COLUMNS": "96", "PYTHONPATH": str(ROOT)}
    shown = subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
    with Path(os.devnull).open("w") as nowhere:
        console = Console(record=True, width=98, file=nowhere, force_terminal=True)
        console.print(Text.from_ansi(_pictured(shown)))
        picture = console.export_svg(title="make demo")
    PICTURE.write_text(FONTS.sub("", picture))


def _pictured(shown: str) -> str:
    """The steps in PICTURED, and the last line."""
    *steps, last = re.split(r"\n(?=\d+\. )|\n(?=demo: )", shown)
    kept = [step.rstrip() + "\n" for step in steps if step.partition(".")[0] in PICTURED]
    return "\n".join([*kept, last.rstrip()])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
