"""Alembic's entry point; the connection comes from `app.store.database`, inside one transaction."""

from __future__ import annotations

from alembic import context
from sqlmodel import SQLModel

import app.store.rows  # noqa: F401  (registers the tables)

context.configure(
    connection=context.config.attributes["connection"], target_metadata=SQLModel.metadata, render_as_batch=True
)
context.run_migrations()
