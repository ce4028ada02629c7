"""What the next word of a command line may be, answered without the parser where that is enough."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from perfctl.cli.candidates import arguments_of, takes_value, values_after
from perfctl.cli.entries import ENTRIES
from perfctl.cli.options import BY_FLAG, OPTIONS

if TYPE_CHECKING:
    from collections.abc import Mapping

SHELLS = ("bash", "zsh", "fish")


def complete(environ: Mapping[str, str]) -> str:
    """The candidates, one a line (with a tab and what it means for zsh and fish); empty: the shell's own files.

    The shell's script hands over the line's words in COMP_WORDS, one a line, and the position in COMP_CWORD.
    """
    words = environ.get("COMP_WORDS", "").split("\n")
    position = environ.get("COMP_CWORD", "")
    index = int(position) if position.isascii() and position.isdigit() and len(position) < 6 else len(words) - 1
    before, incomplete = _rejoined(words[1:index], words[index] if index < len(words) else "")
    found = [(word, meaning) for word, meaning in candidates(before, incomplete) if word.startswith(incomplete)]
    if environ.get("_PERFCTL_COMPLETE") == "bash":
        return "".join(f"{word}\n" for word, _ in found)
    return "".join(f"{word}\t{meaning}\n" for word, meaning in found)


def candidates(before: list[str], incomplete: str) -> list[tuple[str, str]]:
    """Every word that may stand after `before`, with what it means."""
    if "--" in before:
        return []
    name = BY_FLAG.get(before[-1]) if before else None
    if name is not None and OPTIONS[name].metavar:
        return _values(name)
    words = _words(before)
    values = values_after(words, before, incomplete)
    if values is not None:
        return [(value, "") for value in values]
    if incomplete.startswith("-"):
        return _options(words)
    return _below(words, incomplete) or [(value, "") for value in arguments_of(words, before)]


def _rejoined(before: list[str], incomplete: str) -> tuple[list[str], str]:
    """The words as the parser would see them: bash takes `--output=js` apart at the equals sign."""
    if incomplete == "=" and before:
        return before, ""
    if before[-1:] == ["="]:
        return before[:-1], incomplete
    return before, incomplete


def _values(name: str) -> list[tuple[str, str]]:
    if name == "context":
        return [(context, "context") for context in _contexts()]
    return [(value, "") for value in OPTIONS[name].accepts]


def _contexts() -> list[str]:
    """The contexts of the files that are found; none where they cannot be read: a TAB is no place for errors."""
    import os

    from perfctl.config.load import gather
    from perfctl.config.merge import context_names
    from perfctl.errors import PerfctlError

    try:
        return context_names(gather(config_file=None, environ=os.environ).documents)
    except PerfctlError:
        return []


def _words(before: list[str]) -> list[str]:
    """The command's words: without options, and without the values that belong to them."""
    words, skips = [], False
    for word in before:
        if skips:
            skips = False
        elif not word.startswith("-"):
            words.append(word)
        else:
            name = BY_FLAG.get(word)
            skips = takes_value(words, word) if name is None else OPTIONS[name].metavar is not None
    return words


def _commands(words: list[str]) -> list[tuple[str, str]]:
    if words[:1] == ["schema"]:
        return _commands(words[1:])
    if words == ["completion"]:
        return [(shell, "") for shell in SHELLS]
    if not words:
        return [(name, entry.help) for name, entry in ENTRIES.items()]
    entry = ENTRIES.get(words[0])
    return [(word, "") for word in _next_words(entry.commands, words[1:])] if entry else []


def _below(words: list[str], incomplete: str) -> list[tuple[str, str]]:
    """The words that may follow; of a command that takes files and has words below it, once one of those is begun."""
    is_command = len(words) > 1 and words[0] in ENTRIES and " ".join(words[1:]) in ENTRIES[words[0]].commands
    return [] if is_command and not incomplete else _commands(words)


def _next_words(commands: tuple[str, ...], said: list[str]) -> list[str]:
    """What may follow of the commands that begin with what was said.

    >>> _next_words(("get", "dict train", "dict list"), ["dict"])
    ['train', 'list']
    """
    split = [command.split() for command in commands]
    return list(
        dict.fromkeys(words[len(said)] for words in split if len(words) > len(said) and words[: len(said)] == said)
    )


def _options(words: list[str]) -> list[tuple[str, str]]:
    everywhere = [(flag, option.help) for option in OPTIONS.values() for flag in option.flags if flag.startswith("--")]
    return [*_own_options(words), *everywhere, ("--help", "Show this page.")]


def _own_options(words: list[str]) -> list[tuple[str, str]]:
    """The options of the command that the words name; only these need the parser."""
    entry = ENTRIES.get(words[0]) if words else None
    if entry is None:
        return [("--version", "Print the version.")] if not words else []
    name = words[0] if entry.is_command else _command(entry.commands, words[1:])
    if name is None:
        return []
    from perfctl.cli.command import load

    group = load(words[0])
    command: Any = group.click_command(name)
    own = [param for param in command.params if param.param_type_name == "option" and not param.hidden]
    return [(flag, param.help or "") for param in own for flag in param.opts if flag not in ("-h", "--help")]


def _command(commands: tuple[str, ...], said: list[str]) -> str | None:
    """The command whose words were said, and perhaps arguments after them; of `plan` and `plan diff` the longer.

    >>> _command(("plan", "plan diff"), ["plan", "diff", "a.json"])
    'plan diff'
    """
    begun = [command for command in commands if command.split() == said[: len(command.split())]]
    return max(begun, key=len, default=None)
