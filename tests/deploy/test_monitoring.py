"""Alert rules and dashboard: each expression parses, and asks for samples that the service has."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml  # type: ignore[import-untyped]
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient
from tests.rest.conftest import XOR

from epochal_service.rest.app import create_app
from epochal_service.settings import Settings
from epochal_service.store.migrate import upgrade

DEPLOY = Path(__file__).parents[2] / "deploy"
ALERTS = yaml.safe_load((DEPLOY / "prometheus" / "epochal-alerts.yml").read_text())
RULES = [rule for group in ALERTS["groups"] for rule in group["rules"]]
DASHBOARD = json.loads((DEPLOY / "grafana" / "epochal-dashboard.json").read_text())
PANELS = DASHBOARD["panels"]
# Added by Prometheus itself.
OF_PROMETHEUS = {"up"}
TARGET_LABELS = {"job", "instance"}

Samples = dict[str, list[dict[str, str]]]


def expressions() -> Iterator[Any]:
    for rule in RULES:
        yield pytest.param(rule["expr"], id=rule["alert"])
    for panel in PANELS:
        for target in panel["targets"]:
            expression = target["expr"].replace("$__rate_interval", "1m").replace("$job", "epochal")
            yield pytest.param(expression, id=f"{panel['title']} {target['refId']}")


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Samples:
    """The labels of all samples of a service, by their name."""
    folder = tmp_path_factory.mktemp("service")
    settings = Settings(_env_file=None, data_dir=folder)
    upgrade(settings.database_url)
    with TestClient(create_app(settings)) as client:
        client.post("/v1/jobs", json=XOR)
        client.get("/v1/jobs/unknown")
        text = client.get("/metrics").text
    result: Samples = {}
    for family in text_string_to_metric_families(text):
        # A metric with labels has no sample before its first use.
        suffixes = {"counter": ["_total"], "histogram": ["_bucket", "_sum", "_count"]}
        for suffix in suffixes.get(family.type, [""]):
            result.setdefault(family.name + suffix, [])
        for sample in family.samples:
            result.setdefault(sample.name, []).append(dict(sample.labels))
    return result


def selectors(expression: str) -> list[promql_parser.VectorSelector]:
    result = []

    def visit(node: promql_parser.Expr) -> bool:
        if isinstance(node, promql_parser.VectorSelector):
            result.append(node)
        return True

    promql_parser.walk(promql_parser.parse(expression), visit)
    return result


@pytest.mark.parametrize("expression", [*expressions()])
def test_an_expression_asks_for_samples_that_exist(samples: Samples, expression: str) -> None:
    chosen = selectors(expression)
    assert chosen
    for selector in chosen:
        if selector.name in OF_PROMETHEUS:
            continue
        assert selector.name in samples
        for matcher in selector.matchers.matchers:
            if matcher.name in TARGET_LABELS:
                continue
            values = {labels.get(matcher.name) for labels in samples[selector.name]}
            assert None not in values, (selector.name, matcher.name)
            if matcher.op == promql_parser.MatchOp.Equal:
                assert matcher.value in values, (selector.name, matcher.name, values)


def test_an_expression_that_asks_for_something_else_is_noticed(samples: Samples) -> None:
    assert "epochal_jobs" in samples
    assert [s.name for s in selectors("rate(epochal_nothing_total[5m])")] == [
        "epochal_nothing_total"
    ]
    assert "epochal_nothing_total" not in samples
    with pytest.raises(ValueError, match="unclosed left parenthesis"):
        promql_parser.parse("rate(epochal_jobs[5m]")


def test_every_alert_says_what_happened_and_what_to_do() -> None:
    names = [rule["alert"] for rule in RULES]
    assert len(names) == len({*names}) > 10
    for rule in RULES:
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert rule["annotations"]["summary"].endswith(".")
        assert rule["annotations"]["action"].endswith(".")
    scraped = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())
    assert scraped["rule_files"] == ["epochal-alerts.yml"]
    assert scraped["scrape_configs"][0]["job_name"] == "epochal"


def test_every_panel_is_described_and_has_a_place_of_its_own() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in PANELS:
        assert panel["description"]
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert place["x"] + place["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)


def test_every_metric_of_the_service_is_on_the_dashboard_or_in_an_alert(samples: Samples) -> None:
    queried = {f"{s.name}" for param in expressions() for s in selectors(param.values[0])}
    families = {re.sub(r"_(total|bucket|sum|count|created)$", "", name) for name in samples}
    used = {re.sub(r"_(total|bucket|sum|count)$", "", name) for name in queried}
    unused = {name for name in families - used if name.startswith("epochal_")}
    assert unused == {"epochal_info"}
