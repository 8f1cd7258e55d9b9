"""Second opinions, and the book of a language model"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "llm_calls",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("prompt_tokens", sa.Integer(), nullable=False),
        sa.Column("reply_tokens", sa.Integer(), nullable=False),
        sa.Column("at", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_llm_calls_at"), "llm_calls", ["at"], unique=False)
    op.create_table(
        "llm_replies",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("answers", sa.String(), nullable=False),
        sa.Column("reply", sa.String(), nullable=False),
        sa.Column("at", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_index(op.f("ix_llm_replies_answers"), "llm_replies", ["answers"], unique=False)
    for table in ("feedbacks", "failures"):
        op.add_column(table, sa.Column("second", sa.Boolean(), nullable=False, server_default="0"))


def downgrade() -> None:
    for table in ("feedbacks", "failures"):
        op.drop_column(table, "second")
    op.drop_index(op.f("ix_llm_replies_answers"), "llm_replies")
    op.drop_table("llm_replies")
    op.drop_index(op.f("ix_llm_calls_at"), "llm_calls")
    op.drop_table("llm_calls")
