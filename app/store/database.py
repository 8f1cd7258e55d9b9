"""The SQLite file: how it is opened, and how it is brought to the newest schema."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, event, inspect
from sqlalchemy.exc import DatabaseError
from sqlmodel import create_engine

from app.core.errors import InvalidRequest

MIGRATIONS = Path(__file__).parent / "migrations"


def open_database(path: Path) -> Engine:
    """An engine on the file at `path`, made with its folder where missing and migrated to the newest schema.

    Write-ahead log, foreign keys on, deleted text overwritten with zeros. A new file is readable by its user only,
    whatever the folder is; an error of the engine quotes no answer. Raises InvalidRequest, with what to do, when the
    file can't be used.
    """
    try:
        return _opened(path)
    except (OSError, DatabaseError) as error:
        reason = error.orig if isinstance(error, DatabaseError) else error
        raise InvalidRequest(
            f"The data folder {path.parent} can't be used: {reason}\nGREENROOM_DATA_DIR names another one."
        ) from None


def _opened(path: Path) -> Engine:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.touch(mode=0o600)  # SQLite gives its log the mode of the file
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        connect_args={"timeout": 15, "check_same_thread": False},
        hide_parameters=True,
    )

    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # transactions are begun below, not by the driver's guess
        for pragma in ("journal_mode=WAL", "foreign_keys=ON", "synchronous=FULL", "secure_delete=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A transaction that reads first and writes later must hold the write lock from its start, or SQLite refuses it.
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    _migrate(engine)
    return engine


def newest_revision() -> str:
    """The revision of the last migration: the number that its file name begins with."""
    return max(path.name.partition("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))


def _migrate(engine: Engine) -> None:
    """Run the migrations that a database lacks. Alembic is slow to import, so it is only where there are any."""
    with engine.execution_options(writes=True).begin() as connection:
        revision, newest = _revision(connection), newest_revision()
        if revision == newest:
            return
        if revision is not None and revision > newest:
            raise InvalidRequest(
                "The rounds on this computer were last opened by a newer Greenroom. Update this one, or name another "
                "data folder with GREENROOM_DATA_DIR."
            )
        from alembic import command
        from alembic.config import Config

        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _revision(connection: Connection) -> str | None:
    """Where the database stands, as Alembic keeps it; None for a new one."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
