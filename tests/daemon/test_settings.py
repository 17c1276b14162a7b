"""Settings are read from the environment and `.env`; invalid ones are refused with a reason."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from epochal_service.daemon.preflight import StartupError, load_settings
from epochal_service.settings import Address, Settings, explain, masked, unknown_variables


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No `.env` and no variable of the developer's own reaches these tests."""
    import os

    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.upper().startswith("EPOCHAL_")]:
        monkeypatch.delenv(name)


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("127.0.0.1:8000", "127.0.0.1", 8000),
        ("localhost:0", "localhost", 0),
        ("[::1]:65535", "::1", 65535),
        (" 127.0.0.1:80 ", "127.0.0.1", 80),
    ],
)
def test_an_address_is_a_host_and_a_port(text: str, host: str, port: int) -> None:
    address = Address(text)
    assert (address.host, address.port) == (host, port)
    assert address == text.strip()


@pytest.mark.parametrize("text", ["", "8000", ":8000", "host:", "host:-1", "host:65536", "a:b"])
def test_what_is_not_an_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not an address; write host:port"):
        Address(text)


@pytest.mark.parametrize(
    ("text", "loopback"),
    [
        ("127.0.0.1:1", True),
        ("127.8.8.8:1", True),
        ("[::1]:1", True),
        ("localhost:1", True),
        ("0.0.0.0:1", False),
        ("[::]:1", False),
        ("192.168.1.5:1", False),
        ("localhost.example:1", False),
    ],
)
def test_only_loopback_addresses_count_as_private(text: str, loopback: bool) -> None:
    assert Address(text).loopback is loopback


@pytest.mark.parametrize("name", ["http_address", "grpc_address"])
def test_a_public_address_needs_keys_unless_a_proxy_authenticates(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not load_settings().needs_keys
    monkeypatch.setenv(f"EPOCHAL_{name.upper()}", "0.0.0.0:9000")
    assert load_settings().needs_keys
    monkeypatch.setenv("EPOCHAL_ALLOW_PUBLIC", "1")
    assert not load_settings().needs_keys
    monkeypatch.setenv("EPOCHAL_REQUIRE_KEYS", "1")
    assert load_settings().needs_keys


def test_without_any_variable_everything_is_private_and_in_the_data_folder() -> None:
    settings = Settings()
    assert settings.http_address == "127.0.0.1:8000"
    assert settings.grpc_address == "127.0.0.1:50051"
    assert settings.sqlite
    assert settings.database_path == Path("data/epochal.db")
    assert settings.broker_url is None


def test_the_database_follows_the_data_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EPOCHAL_DATA_DIR", "/srv/epochal")
    settings = Settings()
    assert settings.database_url == "sqlite:////srv/epochal/epochal.db"
    assert settings.database_path == Path("/srv/epochal/epochal.db")


def test_a_postgresql_database_has_no_path() -> None:
    settings = Settings(database_url="postgresql+psycopg://u:p@host/name")
    assert not settings.sqlite
    assert settings.database_path is None


def test_an_empty_variable_means_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EPOCHAL_BROKER_URL", "")
    monkeypatch.setenv("EPOCHAL_WORKERS", "")
    assert Settings().broker_url is None
    assert Settings().workers >= 1


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        ("EPOCHAL_DATABASE_URL", "mysql://u:secret@h/n", "'mysql://…' is not a supported database"),
        (
            "EPOCHAL_DATABASE_URL",
            "postgresql://u:secret@h/n",
            "'postgresql://…' is not a supported database",
        ),
        ("EPOCHAL_DATABASE_URL", "sqlite:///:memory:", "cannot share a SQLite database in memory"),
        ("EPOCHAL_BROKER_URL", "amqp://u:secret@h", "'amqp://…' is not a supported broker"),
        ("EPOCHAL_HTTP_ADDRESS", "8000", "'8000' is not an address"),
        ("EPOCHAL_WORKERS", "0", "greater than or equal to 1"),
        ("EPOCHAL_LOG_FORMAT", "xml", "'console' or 'json'"),
        ("EPOCHAL_LIMITS__MAX_EPOCHS", "many", "valid integer"),
        ("EPOCHAL_LIMITS__MAX_EPOCH", "5", "Extra inputs are not permitted"),
    ],
)
def test_a_wrong_value_is_one_sentence_that_names_the_variable_and_hides_secrets(
    variable: str, value: str, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(StartupError) as refused:
        load_settings()
    (line,) = str(refused.value).splitlines()
    assert line.startswith(f"{variable}: ")
    assert sentence in line
    assert "secret" not in line


def test_every_wrong_value_has_a_line_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EPOCHAL_HTTP_ADDRESS", "nowhere")
    monkeypatch.setenv("EPOCHAL_LEASE_SECONDS", "-1")
    with pytest.raises(StartupError) as refused:
        load_settings()
    assert len(str(refused.value).splitlines()) == 2


def test_settings_and_limits_cannot_be_changed_afterwards() -> None:
    settings = Settings()
    with pytest.raises(ValidationError, match="frozen"):
        settings.workers = 9  # type: ignore[misc]
    with pytest.raises(ValidationError, match="frozen"):
        settings.limits.max_epochs = 9  # type: ignore[misc]


def test_every_setting_is_explained_with_its_value_and_its_origin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("EPOCHAL_WORKERS=3\nEPOCHAL_LIMITS__MAX_LAYERS=7\nOTHER=1\n")
    monkeypatch.setenv("EPOCHAL_BROKER_URL", "redis://:secret@host/0")
    monkeypatch.setenv("EPOCHAL_LIMITS__MAX_EPOCHS", "5")
    rows = {row.variable: row for row in explain(Settings())}
    assert rows["EPOCHAL_WORKERS"][1:3] == ("3", ".env")
    assert rows["EPOCHAL_LIMITS__MAX_LAYERS"][1:3] == ("7", ".env")
    assert rows["EPOCHAL_BROKER_URL"][1:3] == ("redis://:***@host/0", "environment")
    assert rows["EPOCHAL_LIMITS__MAX_EPOCHS"][1:3] == ("5", "environment")
    assert rows["EPOCHAL_DATA_DIR"][1:3] == ("data", "default")
    assert all(row.description for row in rows.values())


def test_the_environment_comes_before_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("EPOCHAL_WORKERS=3\n")
    monkeypatch.setenv("EPOCHAL_WORKERS", "4")
    (row,) = (row for row in explain(Settings()) if row.variable == "EPOCHAL_WORKERS")
    assert row[1:3] == ("4", "environment")


def test_a_misspelled_variable_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("EPOCHAL_WORKER=3\nPOSTGRES_PASSWORD=x\n")
    monkeypatch.setenv("EPOCHAL_HTTP_ADRESS", "127.0.0.1:1")
    monkeypatch.setenv("EPOCHAL_LIMITS__MAX_EPOCHS", "5")
    monkeypatch.setenv("EPOCHAL_URL", "http://127.0.0.1:1")  # a variable of the client
    assert unknown_variables() == ["EPOCHAL_HTTP_ADRESS", "EPOCHAL_WORKER"]


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://:secret@host:6379/0", "redis://:***@host:6379/0"),
        ("postgresql+psycopg://u:se@cr:et@host/n", "postgresql+psycopg://u:***@host/n"),
        ("postgresql+psycopg://u@host/n", "postgresql+psycopg://u@host/n"),
        ("postgresql+psycopg:///n?user=u&password=s&x=1", "postgresql+psycopg:///n?user=u&password=***&x=1"),
        ("sqlite:///data/epochal.db", "sqlite:///data/epochal.db"),
        ("unix:///run/b.sock", "unix:///run/b.sock"),
    ],
)  # fmt: skip
def test_a_url_is_shown_without_its_password(url: str, shown: str) -> None:
    assert masked(url) == shown


def test_a_logged_settings_object_holds_no_url() -> None:
    settings = Settings(
        database_url="postgresql+psycopg://u:secret@h/n", broker_url="redis://:secret@h"
    )
    assert "secret" not in repr(settings)


def test_allowed_origins_are_origins_and_any_needs_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EPOCHAL_ALLOWED_ORIGINS", "https://App.example, http://127.0.0.1:5173")
    assert load_settings().origins == ["https://app.example", "http://127.0.0.1:5173"]
    for wrong in ("app.example", "https://app.example/path", "ftp://app.example", "https://"):
        monkeypatch.setenv("EPOCHAL_ALLOWED_ORIGINS", wrong)
        with pytest.raises(StartupError, match="is not an origin"):
            load_settings()
    monkeypatch.setenv("EPOCHAL_ALLOWED_ORIGINS", "*")
    with pytest.raises(StartupError, match="EPOCHAL_REQUIRE_KEYS"):
        load_settings()
    monkeypatch.setenv("EPOCHAL_REQUIRE_KEYS", "1")
    assert load_settings().origins == ["*"]


def test_frame_ancestors_are_origins_or_none(monkeypatch: pytest.MonkeyPatch) -> None:
    for right in ("none", "https://a.example", "https://*.a.example, http://B:8080"):
        monkeypatch.setenv("EPOCHAL_FRAME_ANCESTORS", right)
        assert load_settings().frame_ancestors == right
    for wrong in ("*", "a.example", "https://a.example/", "https://a;script-src *", "none,"):
        monkeypatch.setenv("EPOCHAL_FRAME_ANCESTORS", wrong)
        with pytest.raises(StartupError, match="is not an origin"):
            load_settings()
