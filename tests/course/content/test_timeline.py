"""The timeline is complete, in order, and has a source for every number."""

from starlette.testclient import TestClient


def test_eleven_entries_span_68_years(client: TestClient) -> None:
    timeline = client.get("/course/v1/timeline").json()
    assert [entry["year"] for entry in timeline["entries"]] == [
        *(1958, 1969, 1986, 1998, 2012, 2014, 2017, 2018, 2020, 2022, 2024)
    ]
    assert timeline["entries"][-1]["years"] == "2024–26"
    years = (timeline["first_year"], timeline["last_year"], timeline["span_years"])
    assert years == (1958, 2026, 68)


def test_every_entry_and_every_number_has_a_source(client: TestClient) -> None:
    for entry in client.get("/course/v1/timeline").json()["entries"]:
        assert entry["what_changed"].endswith(".")
        assert entry["why_it_mattered"].endswith(".")
        assert entry["sources"]
        for fact in entry["facts"]:
            assert fact["source"]


def test_the_last_entry_has_sources_up_to_2025(client: TestClient) -> None:
    *_, last = client.get("/course/v1/timeline").json()["entries"]
    assert any("(2025)" in source for source in last["sources"])


def test_every_preset_of_an_entry_exists(client: TestClient) -> None:
    names = {preset["name"] for preset in client.get("/course/v1/presets").json()["presets"]}
    entries = client.get("/course/v1/timeline").json()["entries"]
    runnable = {entry["id"]: entry["preset"] for entry in entries if entry["preset"]}
    assert set(runnable.values()) <= names
    assert {"perceptron", "xor", "lenet"} <= set(runnable)


def test_gpt_3_has_over_a_hundred_times_the_parameters_of_gpt_2(client: TestClient) -> None:
    (entry,) = (
        e for e in client.get("/course/v1/timeline").json()["entries"] if e["id"] == "gpt-3"
    )
    values = {fact["text"]: fact["value"] for fact in entry["facts"]}
    assert values["parameters of GPT-2"] == 1.5e9
    assert values["parameters of GPT-3"] == 175e9
    assert values["the parameters of GPT-2"] == 175 / 1.5


def test_the_largest_network_never_shrinks_from_1998_on(client: TestClient) -> None:
    """The page draws the largest parameter count of each entry; none suggests a smaller ChatGPT."""
    entries = client.get("/course/v1/timeline").json()["entries"]
    largest = [
        max(fact["value"] for fact in entry["facts"] if fact["unit"] == "parameters")
        for entry in entries
        if any(fact["unit"] == "parameters" for fact in entry["facts"])
    ]
    assert largest == sorted(largest)
