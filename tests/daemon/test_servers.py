"""The fixtures start real servers, empty and separate for each test."""

import psycopg
import pytest
import redis
import sqlalchemy
from tests.servers.postgres import PostgresServer
from tests.servers.valkey import listening_on_tcp

from epochal_service.store import migrate
from epochal_service.store.tables import job_labels, jobs, metadata


@pytest.mark.parametrize("turn", [1, 2])
def test_a_fresh_database_holds_no_tables(empty_database_url: str, turn: int) -> None:
    engine = sqlalchemy.create_engine(empty_database_url)
    with engine.begin() as connection:
        assert sqlalchemy.inspect(connection).get_table_names() == []
        connection.execute(sqlalchemy.text("CREATE TABLE leftover (turn INTEGER)"))
    engine.dispose()


@pytest.mark.every_variant
@pytest.mark.parametrize("turn", [1, 2])
def test_a_database_with_tables_holds_no_rows(database_url: str, turn: int) -> None:
    assert migrate.differences(database_url) == []
    counts = (
        "parameters",
        "samples",
        "epoch",
        "attempt",
        "fruitless_attempts",
        "fence",
        "last_seq",
    )
    row = {"id": f"job_{turn}", "owner": "me", "state": "queued", "created_at": 1.0, "flops": 1.0}
    engine = sqlalchemy.create_engine(database_url)
    with engine.begin() as connection:
        for table in metadata.sorted_tables:
            assert connection.execute(sqlalchemy.select(table)).all() == [], table.name
        connection.execute(jobs.insert(), {**row, **dict.fromkeys(counts, 0)})
        label = {"job_id": row["id"], "key": "course", "value": "1"}
        connection.execute(job_labels.insert(), label)
    engine.dispose()


def test_two_databases_of_one_server_are_separate(postgres_server: PostgresServer) -> None:
    with postgres_server.database() as first, postgres_server.database() as second:
        assert first != second


def test_a_restarted_server_still_has_what_was_committed(postgres_server: PostgresServer) -> None:
    with postgres_server.database() as url:
        url = url.replace("+psycopg", "")
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE numbers AS SELECT 7 AS value")
        postgres_server.stop()
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(url)
        postgres_server.start()
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT value FROM numbers").fetchone() == (7,)


@pytest.mark.parametrize("turn", [1, 2])
def test_a_broker_holds_nothing_when_a_test_begins(broker_url: str, turn: int) -> None:
    with redis.Redis.from_url(broker_url) as client:
        assert client.dbsize() == 0
        client.set("leftover", turn)


def test_a_broker_on_tcp_answers_at_its_url() -> None:
    with listening_on_tcp() as url, redis.Redis.from_url(url) as client:
        assert client.ping() is True
