"""Replies tell a browser not to guess their type, not to frame them, and to load nothing."""

import pytest
from starlette.testclient import TestClient


@pytest.mark.parametrize(
    "path", ["/v1/version", "/v1/jobs/none", "/nothing", "/healthz", "/metrics", "/openapi.json"]
)
def test_data_is_data_to_a_browser(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"


def test_the_page_keeps_its_own_policy(client: TestClient) -> None:
    headers = client.get("/theme.js").headers
    assert headers["x-content-type-options"] == "nosniff"
    assert "style-src-attr" in headers["content-security-policy"]
