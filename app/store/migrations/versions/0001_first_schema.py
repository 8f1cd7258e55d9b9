"""First schema"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "rounds",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("started_at", sa.String(), nullable=False),
        sa.Column("options", sa.String(), nullable=False),
        sa.Column("plan", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("rounds", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_rounds_started_at"), ["started_at"], unique=False)

    op.create_table(
        "endings",
        sa.Column("round_id", sa.String(), nullable=False),
        sa.Column("ending", sa.String(), nullable=False),
        sa.Column("at", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["round_id"], ["rounds.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("round_id"),
    )
    op.create_table(
        "prompts",
        sa.Column("round_id", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("question_index", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("point_id", sa.String(), nullable=True),
        sa.Column("prompt", sa.String(), nullable=False),
        sa.Column("asked_at", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["round_id"], ["rounds.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("round_id", "position"),
    )
    op.create_table(
        "round_questions",
        sa.Column("round_id", sa.String(), nullable=False),
        sa.Column("question_index", sa.Integer(), nullable=False),
        sa.Column("question_id", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["round_id"], ["rounds.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("round_id", "question_index"),
    )
    with op.batch_alter_table("round_questions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_round_questions_question_id"), ["question_id"], unique=False)

    op.create_table(
        "drafts",
        sa.Column("round_id", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("saved_at", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["round_id", "position"],
            ["prompts.round_id", "prompts.position"],
            name="fk_drafts_prompt",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("round_id", "position"),
    )
    op.create_table(
        "replies",
        sa.Column("round_id", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("how", sa.String(), nullable=False),
        sa.Column("at", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["round_id", "position"],
            ["prompts.round_id", "prompts.position"],
            name="fk_replies_prompt",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("round_id", "position"),
    )
    op.create_table(
        "failures",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("round_id", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("at", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["round_id", "position"],
            ["replies.round_id", "replies.position"],
            name="fk_failures_reply",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("failures", schema=None) as batch_op:
        batch_op.create_index("ix_failures_reply", ["round_id", "position"], unique=False)

    op.create_table(
        "feedbacks",
        sa.Column("round_id", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("grader", sa.String(), nullable=False),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("at", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["round_id", "position"],
            ["replies.round_id", "replies.position"],
            name="fk_feedbacks_reply",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("round_id", "position", "grader"),
    )


def downgrade() -> None:
    op.drop_table("feedbacks")
    with op.batch_alter_table("failures", schema=None) as batch_op:
        batch_op.drop_index("ix_failures_reply")

    op.drop_table("failures")
    op.drop_table("replies")
    op.drop_table("drafts")
    with op.batch_alter_table("round_questions", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_round_questions_question_id"))

    op.drop_table("round_questions")
    op.drop_table("prompts")
    op.drop_table("endings")
    with op.batch_alter_table("rounds", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_rounds_started_at"))

    op.drop_table("rounds")
