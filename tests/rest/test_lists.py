"""Lists stay within bounds, and stored objects stay visible."""

from contextlib import ExitStack
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient
from tests.rest.conftest import XOR

from epochal_service.methods import pages
from epochal_service.rest.app import create_app
from epochal_service.settings import Limits, Settings

SWEEP = {"job": XOR, "variants": [{"seed": 1}, {"seed": 2}]}


def all_pages(client: TestClient, noun: str) -> list[list[str]]:
    """The ids of each page, from the first to the last."""
    pages: list[list[str]] = []
    query: dict[str, str] = {}
    while True:
        page: dict[str, Any] = client.get(f"/v1/{noun}", params=query).json()
        pages.append([item["id"] for item in page[noun]])
        if page["next_page_token"] is None:
            return pages
        query = {"page_token": page["next_page_token"]}


@pytest.mark.parametrize(("noun", "body"), [("jobs", XOR), ("sweeps", SWEEP)])
def test_a_page_ends_early_where_its_specs_are_large(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, noun: str, body: dict[str, Any]
) -> None:
    made = [client.post(f"/v1/{noun}", json=body).json()["id"] for _ in range(5)]
    newest_first = made[::-1]
    assert all_pages(client, noun) == [newest_first]
    monkeypatch.setattr(pages, "MAX_BYTES", 1)
    assert all_pages(client, noun) == [[item_id] for item_id in newest_first]


def test_a_network_beyond_limits_that_were_lowered_since_is_still_listed(
    app: FastAPI, settings: Settings
) -> None:
    lowered = settings.model_copy(update={"limits": Limits(max_units=2)})
    with ExitStack() as clients:
        before = clients.enter_context(TestClient(app))
        made = before.post("/v1/networks", json={"network": XOR["network"]}).json()
        after = clients.enter_context(TestClient(create_app(lowered)))
        assert after.get("/v1/networks").json()["networks"] == [made]
        assert after.get(f"/v1/networks/{made['id']}").json() == made
        refused = after.post("/v1/networks", json={"network": XOR["network"]})
        assert refused.json()["reason"] == "limit_exceeded"
