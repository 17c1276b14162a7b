"""The page as files: what is sent for which path, how, and that the API keeps its own paths."""

import os
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from epochal_service.rest import page, problems

INDEX = "<!doctype html><title>Epochal</title>"
SCRIPT = "console.log(1)"


def serve(folder: Path) -> TestClient:
    app = FastAPI(docs_url=None)
    problems.install(app)
    page.install(app, folder)
    return TestClient(app)


@pytest.fixture
def built(tmp_path: Path) -> TestClient:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text(INDEX)
    (tmp_path / "index.html.br").write_bytes(b"brotli of index")
    (tmp_path / "index.html.gz").write_bytes(b"gzip of index")
    (tmp_path / "embed.html").write_text("<title>A run</title>")
    (tmp_path / "theme.js").write_text("1")
    (tmp_path / "elements.js").write_text("import './assets/index-1a2b.js'")
    (tmp_path / "assets/index-1a2b.js").write_text(SCRIPT)
    (tmp_path / "assets/serif-1a2b.woff2").write_bytes(b"font")
    return serve(tmp_path)


@pytest.mark.parametrize(
    "path", ["/", "/lab", "/jobs", "/jobs/job_1", "/jobs?state=running", "/docs"]
)
def test_each_path_of_the_page_is_answered_with_it(built: TestClient, path: str) -> None:
    answer = built.get(path, headers={"accept-encoding": "identity"})
    assert (answer.status_code, answer.text) == (200, INDEX)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("path", ["/nowhere", "/jobs/a/b", "/assets/other-1.js", "/v1/nowhere"])
def test_what_nobody_has_is_a_problem(built: TestClient, path: str) -> None:
    answer = built.get(path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["reason"] == "not_found"


@pytest.mark.parametrize("path", ["/assets/..%2findex.html", "/assets/%2e%2e%2f%2e%2e%2fapp.py"])
def test_no_path_leads_out_of_the_folder(built: TestClient, path: str) -> None:
    assert built.get(path).status_code == 404


def test_only_reading_is_possible(built: TestClient) -> None:
    assert built.head("/").status_code == 200
    assert built.post("/").status_code == 405
    assert built.post("/").headers["allow"] == "GET, HEAD"


def test_what_has_its_content_in_its_name_is_kept(built: TestClient) -> None:
    answer = built.get("/assets/index-1a2b.js")
    assert answer.text == SCRIPT
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert built.get("/assets/serif-1a2b.woff2").headers["content-type"] == "font/woff2"
    assert built.get("/theme.js").headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    ("accepted", "sent", "content"),
    [
        ("gzip, deflate, br", "br", b"brotli of index"),
        ("gzip", "gzip", b"gzip of index"),
        ("br;q=0, gzip;q=0.5", "gzip", b"gzip of index"),
        ("identity", None, INDEX.encode()),
    ],
)
def test_the_smallest_form_that_is_taken_is_sent(
    built: TestClient, accepted: str, sent: str | None, content: bytes
) -> None:
    with built.stream("GET", "/", headers={"accept-encoding": accepted}) as answer:
        assert b"".join(answer.iter_raw()) == content
    assert answer.headers.get("content-encoding") == sent
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["vary"] == "accept-encoding"


def test_what_has_not_changed_is_not_sent_again(built: TestClient) -> None:
    tag = built.get("/theme.js").headers["etag"]
    again = built.get("/theme.js", headers={"if-none-match": tag})
    assert (again.status_code, again.content) == (304, b"")


def test_another_build_is_seen_even_where_its_files_are_as_old_and_as_long(
    built: TestClient, tmp_path: Path
) -> None:
    index = tmp_path / "theme.js"
    os.utime(index, (0, 0))
    tag = built.get("/theme.js").headers["etag"]
    index.write_text("2")
    os.utime(index, (0, 0))
    again = built.get("/theme.js", headers={"if-none-match": tag})
    assert (again.status_code, again.text) == (200, "2")
    assert "last-modified" not in again.headers


def test_the_page_may_speak_to_its_own_host_alone(built: TestClient) -> None:
    policy = built.get("/theme.js").headers["content-security-policy"]
    assert policy.startswith("default-src 'self';")
    assert "http" not in policy
    assert "unsafe-eval" not in policy


@pytest.mark.parametrize(
    ("setting", "allowed"),
    [
        ("none", "'none'"),
        ("https://a.example", "'self' https://a.example"),
        ("https://*.a.example, http://b:8080", "'self' https://*.a.example http://b:8080"),
    ],
)
def test_the_operator_names_the_pages_that_may_frame_an_embed(
    tmp_path: Path, setting: str, allowed: str
) -> None:
    for name in ("embed.html", "index.html"):
        (tmp_path / name).write_text("<title>A run</title>")
    app = FastAPI()
    page.install(app, tmp_path, frame_ancestors=setting)
    client = TestClient(app)
    policies = [
        client.get(path).headers["content-security-policy"]
        for path in ("/embed/jobs/job_1", "/lab")
    ]
    assert policies[0].startswith("default-src 'self';")
    assert [policy.partition("frame-ancestors ")[2] for policy in policies] == [allowed, "'self'"]


def test_other_pages_may_frame_an_embed_alone(built: TestClient) -> None:
    embed, job = (
        built.get(path, headers={"accept-encoding": "identity"})
        for path in ("/embed/jobs/job_1", "/jobs/job_1")
    )
    assert embed.text == "<title>A run</title>"
    assert embed.headers["content-security-policy"].startswith("default-src 'self';")
    assert "frame-ancestors" not in embed.headers["content-security-policy"]
    assert "frame-ancestors 'self'" in job.headers["content-security-policy"]


def test_a_page_without_the_course_is_marked(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text('<!doctype html><html lang="en"><title>Epochal</title>')
    app = FastAPI(docs_url=None)
    page.install(app, tmp_path, course=False)
    answer = TestClient(app).get("/lab")
    assert answer.text.startswith('<!doctype html><html data-course="off" lang="en">')
    assert answer.headers["content-security-policy"].startswith("default-src 'self';")
    assert "data-course" not in serve(tmp_path).get("/lab").text


def test_where_none_was_built_the_root_says_how_to_get_one(tmp_path: Path) -> None:
    answer = serve(tmp_path / "absent").get("/")
    assert answer.status_code == 503
    assert "make page" in answer.text
    assert 'href="/openapi.json"' in answer.text


def test_the_whole_app_serves_it_at_its_root(client: TestClient) -> None:
    assert client.get("/").headers["content-type"] == "text/html; charset=utf-8"
    assert "/lab" not in client.get("/openapi.json").json()["paths"]


def test_pages_of_all_origins_may_import_the_modules(built: TestClient) -> None:
    for path in ("/elements.js", "/assets/index-1a2b.js"):
        answer = built.get(path)
        assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, "*")
    assert "access-control-allow-origin" not in built.head("/").headers
