"""What each text of a result is: a name, SQL, a sentence ...; whatever is not told here is withheld from a redacted
result, and a test fails until somebody tells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

Kind = Literal["name", "place", "sql", "label", "prose", "setting", "withheld", "safe"]
"""`name`: of one thing, perhaps with dots. `place`: an address or a file. `sql`: a statement or pieces of one.
`label`: of a node of a plan, with EXPLAIN's own words. `prose`: a sentence or a title with names in it. `setting`: the
value of a server's setting. `withheld`: never shown. `safe`: PostgreSQL's words, or ours, or figures."""

_FIELDS: Mapping[Kind, str] = {
    "name": "relation alias index indexes schema username database application function "
    "conflict_arbiter_indexes TableSize.name PlanTrigger.name RowColumn.name",
    "place": "server client host file files path",
    "sql": "query sql filter condition index_condition recheck_condition hash_condition merge_condition tid_condition "
    "join_filter one_time_filter output sort_key presorted_key group_key cache_key run_condition order_by "
    "target_tables conflict_filter remote_sql samples function_call sampling window params_evaluated query_parameters "
    "rewritten PlanDetail.value NodeChange.before NodeChange.after",
    "label": "shape subplan_name grouping_sets NodeDifference.before NodeDifference.after",
    "prose": "node evidence cause next_step observed fix objects notes object reason hint error method events "
    "ServerSetting.name",
    "setting": "settings setting ServerSetting.default",
    "withheld": "parameters plan rows",
    "safe": "server_version version states check status component unit fingerprint code severity held_mode lock_type "
    "mode queryid query_id session section sections options cache_mode command conflict_resolution join_type node_type "
    "operation parent_relationship partial_mode scan_direction sort_method sort_space_type storage strategy format "
    "type backend_type state wait source methods by kind outcome action NodeChange.name PlanDetail.name",
}
_KINDS: Mapping[str, Kind] = {field: kind for kind, fields in _FIELDS.items() for field in fields.split()}

_NODES = (
    "aggregate anti append async bitmap cte custom cycle foreign full gather groupaggregate hash hashaggregate hashed "
    "heap incremental initplan inner insert join left limit lockrows materialize memoize merge mixed mixedaggregate "
    "modifytable nested loop never nothing only outer parallel partial finalize projectset recursive result right "
    "scan semi seq setop sort subplan subquery sample tid unique using windowagg worktable exists"
)
EXPLAIN = frozenset(_NODES.split())
"""EXPLAIN's own words, beside those of SQL."""

_VALUES = (
    "on off true false yes no auto try none all full fast default local remote_write remote_apply replica logical "
    "minimal always pg_stat_statements auto_explain worker sync io_uring top ddl mod error warning notice info log "
    "debug1 debug2 debug3 debug4 debug5 fatal panic terse verbose csvlog jsonlog stderr syslog lz4 zstd pglz md5 "
    "scram-sha-256 utf8 utf-8 utc gmt etc/utc c posix iso mdy dmy ymd postgres fdatasync fsync open_sync "
    "open_datasync partition force_custom_plan force_generic_plan regress json text xml yaml"
)
SAFE_VALUES = frozenset(_VALUES.split())
"""Words that settings have for values; any other text may name something."""


def kind_of(owner: type, field: str) -> Kind | None:
    """What the texts of a result's field are; None where nobody told.

    >>> from perfctl.diagnosis import Check
    >>> kind_of(Check, "observed")
    'prose'
    """
    return _KINDS.get(f"{owner.__name__}.{field}") or _KINDS.get(field)


def told() -> frozenset[str]:
    """Every field that stands here, as `field` or `Class.field`."""
    return frozenset(_KINDS)
