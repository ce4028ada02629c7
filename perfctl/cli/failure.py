"""An error becomes three lines on stderr (one with --cron, a document with -o json) and an exit code."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from perfctl.cli.options import BY_FLAG, OPTIONS, glimpse
from perfctl.cli.streams import say
from perfctl.document.failure import error_fields, without_secrets
from perfctl.errors import LockedError, PerfctlError

_CONTEXT_NOTE = "context "
_WARNING_NOTE = "warning "


def report(error: PerfctlError, argv: Sequence[str]) -> int:
    """Say what failed, where it was set and what to try, as the line's options want it; return the exit code."""
    said = glimpse(argv)
    _remember_passwords(argv)
    is_document = said.get("output") in ("json", "ndjson") or said.get("log_format") == "json"
    if "debug" in said and not is_document:
        say(_traceback(error))
    if is_document:
        say(_document(error, with_traceback="debug" in said))
    elif "cron" in said:
        if not isinstance(error, LockedError):
            say(_one_line(error, argv, said))
    else:
        say(_lines(error))
    return error.exit_code


def safe(text: str) -> str:
    """Text for a terminal: secrets left out, nothing in it that a terminal would obey."""
    from perfctl.render.inert import inert

    return inert(without_secrets(text))


def _remember_passwords(argv: Sequence[str]) -> None:
    """Blank the passwords of the line's URLs in whatever form a message quotes them."""
    from perfctl.config.secret import remember, split_password

    for word in argv:
        url = word.partition("=")[2] if word.startswith("-") else word
        if "://" in url and (password := split_password(url)[1]):
            remember(password)


def _document(error: PerfctlError, *, with_traceback: bool) -> str:
    """One document, in one line; what was warned of before stands in it, and with --debug where the error came from."""
    import json

    fields: dict[str, Any] = error_fields(error)
    if with_traceback:
        fields["traceback"] = _traceback(error)
    warnings = _notes(error, _WARNING_NOTE)
    return json.dumps({"error": fields, **({"warnings": warnings} if warnings else {})}) + "\n"


def _traceback(error: PerfctlError) -> str:
    import traceback

    return safe("".join(traceback.format_exception(error)))


def _lines(error: PerfctlError) -> str:
    fields = {name: safe(text) if text else None for name, text in _texts(error).items()}
    lines = [f"error: {fields['message']}"]
    if fields["where"]:
        lines.append(f"  set by: {fields['where']}")
    if fields["hint"]:
        lines.append(f"  try:    {fields['hint']}")
    return "\n".join(lines) + "\n"


def _one_line(error: PerfctlError, argv: Sequence[str], said: Mapping[str, str]) -> str:
    """What a mail from cron needs: which command, in which context, what kind of failure, whether a retry helps."""
    context = (
        next(iter(_notes(error, _CONTEXT_NOTE)), None)
        or said.get("context")
        or os.environ.get("PERFCTL_CONTEXT")
        or "default"
    )
    again = "a retry may help" if error.retryable else "a retry does not help"
    message = "; ".join(line.strip() for line in safe(error.message).splitlines() if line.strip())
    where = f" ({safe(error.where)})" if error.where else ""
    words = " ".join(["perfctl", *_known_words(argv)])
    return safe(f"{words}: {message}{where}: {error.kind}, exit {error.exit_code}, context {context}; {again}\n")


def note_run(error: BaseException, context: str, warnings: Sequence[str]) -> None:
    """Let an error know the context of its run, and what was not said yet."""
    for note in (f"{_CONTEXT_NOTE}{context}", *(f"{_WARNING_NOTE}{warning}" for warning in warnings)):
        error.add_note(note)


def _notes(error: BaseException, kind: str) -> list[str]:
    notes = [*getattr(error, "__notes__", ()), *getattr(error.__cause__, "__notes__", ())]
    return [note.removeprefix(kind) for note in notes if note.startswith(kind)]


def _known_words(argv: Sequence[str]) -> list[str]:
    """The command's words; what else stands on the line may be anybody's data."""
    from perfctl.cli.entries import ENTRIES

    index = next(
        (index for index, word in enumerate(argv) if word in ENTRIES and not _is_value(argv, index)), len(argv)
    )
    found = list(argv[index : index + 1])
    known = {name.partition(" ")[0] for name in ENTRIES[found[0]].commands} if found else set()
    return found + [word for word in argv[index + 1 :] if word in known][:1]


def _is_value(argv: Sequence[str], index: int) -> bool:
    """Whether a word belongs to the global option before it, as in `-c sandbox` and `-qc sandbox`."""
    before = argv[index - 1] if index else ""
    name = BY_FLAG.get(before if before.startswith("--") else f"-{before[-1:]}") if before.startswith("-") else None
    return name is not None and OPTIONS[name].metavar is not None


def _texts(error: PerfctlError) -> dict[str, str | None]:
    return {"message": error.message, "where": error.where, "hint": error.hint}
