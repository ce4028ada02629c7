"""The doors to a plan: whatever form it was saved in, the same reader makes the same tree of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perfctl.db.plans.json_form import parsed, read_document
from perfctl.errors import UsageError

if TYPE_CHECKING:
    from perfctl.db.model.plans import PlanReport

_GIVE = "give what EXPLAIN (ANALYZE, BUFFERS) or EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) printed"


def read_plan(document: object, *, sql: str = "", is_generic: bool = False) -> PlanReport:
    """The plan of a JSON document, as text or parsed; of EXPLAIN, auto_explain, or psql with its border.

    UsageError says where it is not a plan: a line and column, or a path.

    >>> read_plan('[{"Plan": {"Node Type": "Result", "Plan Rows": 1}}]').plan.node_type
    'Result'
    """
    if isinstance(document, (str, bytes)):
        text = _text(document)
        if not _is_bare_json(text):
            from perfctl.db.plans.wrapping import unwrapped

            text = unwrapped(text)
        document = parsed(text)
    return read_document(document, sql=sql, is_generic=is_generic)


def read_text_plan(text: str | bytes, *, sql: str = "") -> PlanReport:
    """The plan of EXPLAIN's text form; of EXPLAIN, auto_explain, or psql with its border.

    UsageError names the line that is not one of a plan.

    >>> read_text_plan("Seq Scan on t  (cost=0.00..1.01 rows=1 width=4)").plan.relation
    't'
    """
    from perfctl.db.plans.text_form import document_of
    from perfctl.db.plans.wrapping import unwrapped

    return read_document(document_of(unwrapped(_text(text))), sql=sql)


def read_any(text: str | bytes, *, sql: str = "") -> PlanReport:
    """The plan of a text in any form that EXPLAIN prints; UsageError says where it is not one."""
    decoded = _text(text)
    if _is_bare_json(decoded):
        return read_plan(decoded, sql=sql)
    from perfctl.db.plans.wrapping import form_of, unwrapped

    content = unwrapped(decoded)
    form = form_of(content)
    if form == "json":
        return read_document(parsed(content), sql=sql)
    if form == "text":
        from perfctl.db.plans.text_form import document_of

        return read_document(document_of(content), sql=sql)
    from perfctl.db.plans.markup import from_xml, from_yaml

    return read_document(from_xml(content) if form == "xml" else from_yaml(content), sql=sql)


def _is_bare_json(text: str) -> bool:
    """Whether it begins and ends as a JSON document does: nothing has to be taken off."""
    return text.lstrip()[:1] in ("[", "{") and text.rstrip()[-1:] in ("]", "}")


def _text(document: str | bytes) -> str:
    """The characters, whatever wrote them: UTF-8, or what PowerShell's `>` makes of it."""
    if isinstance(document, str):
        return document
    coding = "UTF-16" if document[:2] in (b"\xff\xfe", b"\xfe\xff") else "UTF-8"
    try:
        return document.decode(coding)
    except UnicodeDecodeError as error:
        line = document[: error.start].count(b"\n") + 1
        raise UsageError(f"the plan's line {line} is not {coding} text: {error}", hint=_GIVE) from error
