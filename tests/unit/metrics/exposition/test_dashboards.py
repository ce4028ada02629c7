"""Every metric and label that the dashboard and the rules name is one that the exposition writes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from perfctl.metrics.exposition import prometheus
from tests.unit.metrics.exposition.test_text import frame_of_everything

FOLDER = Path(__file__).parents[4] / "configs" / "dashboards"
DASHBOARD = json.loads((FOLDER / "grafana.json").read_text(encoding="utf-8"))
GROUPS = yaml.safe_load((FOLDER / "prometheus-rules.yml").read_text(encoding="utf-8"))["groups"]
RULES = [rule for group in GROUPS for rule in group["rules"]]
RECORDED = {rule["record"] for rule in RULES if "record" in rule}

WORDS = {"sum", "max", "by", "rate", "increase", "histogram_quantile", "topk", "absent", "and", "label_values"}
"""What is not a metric in these expressions."""
GIVEN = {"job", "le", "instance"}
"""Labels that Prometheus or the buckets bring."""


def exposed() -> tuple[set[str], set[str]]:
    families = text_string_to_metric_families(prometheus(frame_of_everything()))
    samples = [sample for family in families for sample in family.samples]
    return {sample.name for sample in samples}, {label for sample in samples for label in sample.labels}


NAMES, LABELS = exposed()


def expressions() -> Iterator[str]:
    for panel in DASHBOARD["panels"]:
        yield from (target["expr"] for target in panel.get("targets", ()))
    yield from (rule["expr"] for rule in RULES)
    yield from (variable["definition"] for variable in DASHBOARD["templating"]["list"] if "definition" in variable)


def labels_in(expression: str) -> set[str]:
    grouped = {label.strip() for listed in re.findall(r"\bby \(([^)]*)\)", expression) for label in listed.split(",")}
    matched = {name for braces in re.findall(r"\{([^}]*)\}", expression) for name in re.findall(r"(\w+)\s*=", braces)}
    return grouped | matched


def names_in(expression: str) -> set[str]:
    bare = re.sub(r"\{[^}]*\}|\[[^\]]*\]|\bby \([^)]*\)|\"[^\"]*\"", " ", expression)
    return set(re.findall(r"[a-zA-Z_:][\w:]*", bare)) - WORDS - GIVEN


@pytest.mark.parametrize("expression", sorted(set(expressions())))
def test_an_expression_names_what_is_exposed(expression: str) -> None:
    names = names_in(expression)
    assert names
    assert names - NAMES - RECORDED == set()
    assert labels_in(expression) <= LABELS | GIVEN
    assert expression.count("(") == expression.count(")")


def test_legends_name_labels_that_the_expression_keeps() -> None:
    for panel in DASHBOARD["panels"]:
        for target in panel.get("targets", ()):
            assert set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])) <= labels_in(target["expr"])


def test_panels_stand_side_by_side_and_each_has_an_id_and_a_description() -> None:
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    cells = [
        (x, y)
        for place in (panel["gridPos"] for panel in panels)
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24
    assert all(panel["description"] for panel in panels if panel["type"] != "row")


def test_every_recording_is_used_and_every_alert_says_what_to_do() -> None:
    alerts = [rule for rule in RULES if "alert" in rule]
    used = {name for rule in alerts for name in names_in(rule["expr"])}
    assert used >= RECORDED
    assert all(rule["labels"]["severity"] in ("page", "ticket") for rule in alerts)
    assert all(rule["annotations"]["summary"] and rule["annotations"]["description"] for rule in alerts)


def test_the_scrape_configuration_loads_the_rules_beside_it() -> None:
    config = yaml.safe_load((FOLDER / "prometheus.yml").read_text(encoding="utf-8"))
    assert [(FOLDER / name).is_file() for name in config["rule_files"]] == [True]
