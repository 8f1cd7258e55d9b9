"""The tables. Times are ISO 8601 text in UTC, values of core are JSON text."""

from __future__ import annotations

from sqlalchemy import ForeignKeyConstraint, Index
from sqlmodel import Field, SQLModel


class RoundRow(SQLModel, table=True):
    """A round: its options, and a copy of all that it will ask."""

    __tablename__ = "rounds"

    id: str = Field(primary_key=True)
    started_at: str = Field(index=True)
    options: str
    plan: str


class RoundQuestionRow(SQLModel, table=True):
    """Which questions a round planned, for look-ups that need no plan."""

    __tablename__ = "round_questions"

    round_id: str = Field(primary_key=True, foreign_key="rounds.id", ondelete="CASCADE")
    question_index: int = Field(primary_key=True)
    question_id: str = Field(index=True)
    title: str


class PromptRow(SQLModel, table=True):
    """A prompt that was put to the candidate."""

    __tablename__ = "prompts"

    round_id: str = Field(primary_key=True, foreign_key="rounds.id", ondelete="CASCADE")
    position: int = Field(primary_key=True)
    question_index: int
    kind: str
    point_id: str | None = None
    prompt: str
    asked_at: str


class ReplyRow(SQLModel, table=True):
    """The one answer to a prompt: the key makes the database itself refuse a second."""

    __tablename__ = "replies"
    __table_args__ = (
        ForeignKeyConstraint(
            ["round_id", "position"],
            ["prompts.round_id", "prompts.position"],
            ondelete="CASCADE",
            name="fk_replies_prompt",
        ),
    )

    round_id: str = Field(primary_key=True)
    position: int = Field(primary_key=True)
    text: str
    how: str
    at: str


class FeedbackRow(SQLModel, table=True):
    """What one grader made of a question once the answer at `position` was given; `second` is a second opinion."""

    __tablename__ = "feedbacks"
    __table_args__ = (
        ForeignKeyConstraint(
            ["round_id", "position"],
            ["replies.round_id", "replies.position"],
            ondelete="CASCADE",
            name="fk_feedbacks_reply",
        ),
    )

    round_id: str = Field(primary_key=True)
    position: int = Field(primary_key=True)
    grader: str = Field(primary_key=True)
    score: float
    body: str
    at: str
    second: bool = Field(default=False, sa_column_kwargs={"server_default": "0"})


class FailureRow(SQLModel, table=True):
    """A grading that failed, and why; `second` where it was to be a second opinion."""

    __tablename__ = "failures"
    __table_args__ = (
        ForeignKeyConstraint(
            ["round_id", "position"],
            ["replies.round_id", "replies.position"],
            ondelete="CASCADE",
            name="fk_failures_reply",
        ),
        Index("ix_failures_reply", "round_id", "position"),
    )

    id: int | None = Field(default=None, primary_key=True)
    round_id: str
    position: int
    reason: str
    at: str
    second: bool = Field(default=False, sa_column_kwargs={"server_default": "0"})


class LLMReplyRow(SQLModel, table=True):
    """What a language model replied; `answers` marks the texts it is about, and goes with them."""

    __tablename__ = "llm_replies"

    key: str = Field(primary_key=True)
    answers: str = Field(index=True)
    reply: str
    at: str


class LLMCallRow(SQLModel, table=True):
    """What one call of a language model used. No word of what was said."""

    __tablename__ = "llm_calls"

    id: int | None = Field(default=None, primary_key=True)
    model: str
    prompt_tokens: int
    reply_tokens: int
    at: str = Field(index=True)


class EndingRow(SQLModel, table=True):
    """That a round is over, and how."""

    __tablename__ = "endings"

    round_id: str = Field(primary_key=True, foreign_key="rounds.id", ondelete="CASCADE")
    ending: str
    at: str


class DraftRow(SQLModel, table=True):
    """What stands in the answer box of an open prompt. The only row that changes; `revision` counts the changes."""

    __tablename__ = "drafts"
    __table_args__ = (
        ForeignKeyConstraint(
            ["round_id", "position"],
            ["prompts.round_id", "prompts.position"],
            ondelete="CASCADE",
            name="fk_drafts_prompt",
        ),
    )

    round_id: str = Field(primary_key=True)
    position: int = Field(primary_key=True)
    text: str
    revision: int
    saved_at: str
