"""The servers of the tests: what a test may do to them."""

from servers import PostgresServer, RedisServer, state_of


def test_redis_keeps_what_it_confirmed_over_a_kill_until_it_is_emptied(
    redis_server: RedisServer,
) -> None:
    """And it comes back at the same URL."""
    redis_server.command("SET", "key", "value")
    redis_server.kill()
    redis_server.start()
    assert redis_server.command("GET", "key") == ["value"]

    redis_server.stop()
    redis_server.empty()
    redis_server.start()
    assert redis_server.command("GET", "key") == [""]


def test_postgres_keeps_what_it_confirmed_over_a_kill(
    postgres_server: PostgresServer, postgres_url: str
) -> None:
    """Each test has a database of its own."""
    name = postgres_url.rpartition("/")[2]
    postgres_server.execute("CREATE TABLE kept (value int)", name)
    postgres_server.execute("INSERT INTO kept VALUES (1)", name)
    postgres_server.kill()
    assert postgres_server.pids == []
    postgres_server.start()

    assert postgres_server.execute("SELECT value FROM kept", name) == "1"


def test_a_frozen_server_is_stopped_with_all_its_processes(
    postgres_server: PostgresServer,
) -> None:
    """Each is stopped, and goes on afterwards."""
    postgres_server.freeze()
    states = {state_of(pid) for pid in postgres_server.pids}
    postgres_server.thaw()

    assert states == {"T"}
    assert postgres_server.execute("SELECT 1") == "1"
