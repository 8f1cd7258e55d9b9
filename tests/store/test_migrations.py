from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect
from sqlmodel import SQLModel

from app.core.errors import InvalidRequest
from app.settings import Settings
from app.store.database import MIGRATIONS, newest_revision, open_database
from app.store.store import Store
from tests.conftest import ROOT
from tests.values import a_round


def differences(engine: Engine) -> list[object]:
    with engine.connect() as connection:
        return list(compare_metadata(MigrationContext.configure(connection), SQLModel.metadata))


def migrate(engine: Engine, to: str) -> None:
    """By Alembic's own commands, as a developer would."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.execution_options(writes=True).begin() as connection:
        config.attributes["connection"] = connection
        (command.downgrade if to == "base" else command.upgrade)(config, to)


def schema(settings: Settings) -> list[tuple[str, str]]:
    with closing(sqlite3.connect(settings.database_path)) as connection:
        return connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name").fetchall()


def test_a_fresh_database_has_exactly_the_tables_of_the_models(store: Store) -> None:
    assert differences(store.engine) == []
    assert {*inspect(store.engine).get_table_names()} == {*SQLModel.metadata.tables, "alembic_version"}


def test_a_difference_from_the_models_would_be_seen(store: Store) -> None:
    with store.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE replies ADD COLUMN mood VARCHAR")
        connection.exec_driver_sql("DROP INDEX ix_failures_reply")
    assert len(differences(store.engine)) == 2


def test_a_file_that_is_no_database_is_refused_with_what_to_do(tmp_path: Path) -> None:
    file = tmp_path / "greenroom.db"
    file.write_text("a shopping list, " * 100, "utf-8")
    with pytest.raises(InvalidRequest, match="not a database") as raised:
        open_database(file)
    assert "GREENROOM_DATA_DIR" in str(raised.value)
    assert file.read_text("utf-8") == "a shopping list, " * 100


def test_a_database_of_a_newer_greenroom_is_left_alone(store: Store, settings: Settings) -> None:
    store.add_round(a_round())
    with store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    before = schema(settings)
    store.close()
    with pytest.raises(InvalidRequest, match="newer Greenroom"):
        open_database(settings.database_path)
    assert schema(settings) == before


def test_opening_a_database_again_changes_nothing_and_keeps_its_rounds(store: Store, settings: Settings) -> None:
    store.add_round(a_round())
    before = schema(settings)
    store.close()
    with closing(Store(settings.database_path)) as reopened:
        assert reopened.load("r1").round == a_round()
    assert schema(settings) == before


def test_down_to_nothing_and_up_again_gives_the_same_tables(store: Store, settings: Settings) -> None:
    before = schema(settings)
    migrate(store.engine, "base")
    assert inspect(store.engine).get_table_names() == ["alembic_version"]
    migrate(store.engine, "head")
    assert schema(settings) == before
    assert differences(store.engine) == []


def test_an_emptied_database_is_brought_up_at_the_next_start(store: Store, settings: Settings) -> None:
    migrate(store.engine, "base")
    store.close()
    engine = open_database(settings.database_path)
    assert differences(engine) == []
    engine.dispose()


def test_migrations_are_one_line_from_nothing_to_the_newest() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    scripts = ScriptDirectory.from_config(config)
    assert len(scripts.get_heads()) == 1
    assert len(scripts.get_bases()) == 1


def test_the_newest_revision_is_the_head_that_alembic_knows() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    assert newest_revision() == ScriptDirectory.from_config(config).get_current_head()


def test_a_database_that_is_up_to_date_opens_without_alembic(store: Store, settings: Settings) -> None:
    code = (
        "import sys; from pathlib import Path; from app.store.store import Store;"
        f"Store(Path({str(settings.database_path)!r})); print('alembic' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert ran.stdout.strip() == "False"
