"""The timeline: complete, in order, and with a source for every number."""

from starlette.testclient import TestClient


def test_eleven_entries_span_68_years(client: TestClient) -> None:
    told = client.get("/v1/timeline").json()
    assert [entry["year"] for entry in told["entries"]] == [
        *(1958, 1969, 1986, 1998, 2012, 2014, 2017, 2018, 2020, 2022, 2024)
    ]
    assert told["entries"][-1]["years"] == "2024–26"
    assert (told["first_year"], told["last_year"], told["span_years"]) == (1958, 2026, 68)


def test_every_entry_names_its_sources_and_every_number_its_own(client: TestClient) -> None:
    for entry in client.get("/v1/timeline").json()["entries"]:
        assert entry["what_changed"].endswith(".")
        assert entry["why_it_mattered"].endswith(".")
        assert entry["sources"]
        assert all(str(entry["year"]) <= "2026" for _ in entry["sources"])
        for fact in entry["facts"]:
            assert fact["source"]


def test_what_can_be_run_in_place_is_a_preset(client: TestClient) -> None:
    names = {preset["name"] for preset in client.get("/v1/presets").json()["presets"]}
    entries = client.get("/v1/timeline").json()["entries"]
    runnable = {entry["id"]: entry["preset"] for entry in entries if entry["preset"]}
    assert set(runnable.values()) <= names
    assert {"perceptron", "xor", "lenet"} <= set(runnable)


def test_gpt_3_is_over_a_hundred_times_gpt_2(client: TestClient) -> None:
    (entry,) = (e for e in client.get("/v1/timeline").json()["entries"] if e["id"] == "gpt-3")
    values = {fact["text"]: fact["value"] for fact in entry["facts"]}
    assert values["parameters of GPT-2"] == 1.5e9
    assert values["parameters of GPT-3"] == 175e9
    assert values["GPT-3 over GPT-2"] == 175 / 1.5
