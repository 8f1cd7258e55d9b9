"""What a look back over many rounds reads: the history, attempts at a question, what was asked lately."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import func
from sqlmodel import Session, col, select

from app.core.feedback import Feedback
from app.core.plan import Mode, Options
from app.store.codec import to_time
from app.store.rows import EndingRow, FeedbackRow, PromptRow, ReplyRow, RoundQuestionRow, RoundRow


class PastQuestion(NamedTuple):
    """One question of a past round; `score` is None where it was not answered or not graded."""

    question_id: str
    title: str
    score: float | None
    answered: bool


class PastRound(NamedTuple):
    """A line of the history."""

    id: str
    started_at: datetime
    ended_at: datetime | None
    options: Options
    questions: tuple[PastQuestion, ...]


class Attempt(NamedTuple):
    """One time that a question was answered; `feedback` is None while ungraded."""

    round_id: str
    started_at: datetime
    feedback: Feedback | None


def past_rounds(session: Session) -> list[PastRound]:
    """All rounds, latest first."""
    endings = {row.round_id: row.at for row in session.exec(select(EndingRow))}
    questions = _past_questions(session)
    # The plans are left out: they are most of the bytes, and a list needs none of them.
    rows = session.exec(
        select(RoundRow.id, RoundRow.started_at, RoundRow.options).order_by(col(RoundRow.started_at).desc())
    )
    return [
        PastRound(
            id_,
            to_time(started_at),
            to_time(endings[id_]) if id_ in endings else None,
            Options.model_validate_json(options),
            tuple(questions.get(id_, ())),
        )
        for id_, started_at, options in rows
    ]


def unsettled_rounds(session: Session) -> list[str]:
    """Rounds whose strict clock runs, or that have an answer not graded; for start-up and the sweep."""
    ended = select(EndingRow.round_id)
    same_prompt = (col(ReplyRow.round_id) == col(PromptRow.round_id)) & (
        col(ReplyRow.position) == col(PromptRow.position)
    )
    on_the_clock = session.exec(
        select(RoundRow.id)
        .join(PromptRow, col(PromptRow.round_id) == col(RoundRow.id))
        .join(ReplyRow, same_prompt, isouter=True)
        .where(
            col(ReplyRow.round_id).is_(None),
            col(RoundRow.id).not_in(ended),
            func.json_extract(RoundRow.options, "$.mode") == Mode.pressure.value,
            func.json_extract(RoundRow.options, "$.minutes").is_not(None),
        )
    ).all()
    last = (
        select(
            col(PromptRow.round_id).label("round_id"),
            func.max(PromptRow.position).label("position"),
        )
        .join(ReplyRow, same_prompt)
        .group_by(col(PromptRow.round_id), col(PromptRow.question_index))
        .subquery()
    )
    ungraded = session.exec(
        select(last.c.round_id)
        .join(
            FeedbackRow,
            (col(FeedbackRow.round_id) == last.c.round_id)
            & (col(FeedbackRow.position) == last.c.position)
            & ~col(FeedbackRow.second),
            isouter=True,
        )
        .where(col(FeedbackRow.round_id).is_(None))
    ).all()
    return sorted({*on_the_clock, *ungraded})


def recent_questions(session: Session, most: int = 200) -> list[str]:
    """Ids of the questions asked, latest first, each once."""
    rows = session.exec(
        select(RoundQuestionRow.question_id)
        .join(RoundRow, col(RoundRow.id) == col(RoundQuestionRow.round_id))
        .join(
            PromptRow,
            (col(PromptRow.round_id) == col(RoundQuestionRow.round_id))
            & (col(PromptRow.question_index) == col(RoundQuestionRow.question_index)),
        )
        .order_by(col(PromptRow.asked_at).desc())
        .limit(most)
    )
    return list(dict.fromkeys(rows))


def attempts_at(session: Session, question_id: str) -> list[Attempt]:
    """Each time a question was answered, earliest first."""
    rows = session.exec(
        select(RoundRow.id, RoundRow.started_at, func.max(PromptRow.position))
        .join(RoundQuestionRow, col(RoundQuestionRow.round_id) == col(RoundRow.id))
        .join(
            PromptRow,
            (col(PromptRow.round_id) == col(RoundRow.id))
            & (col(PromptRow.question_index) == col(RoundQuestionRow.question_index)),
        )
        .join(
            ReplyRow,
            (col(ReplyRow.round_id) == col(PromptRow.round_id)) & (col(ReplyRow.position) == col(PromptRow.position)),
        )
        .where(RoundQuestionRow.question_id == question_id)
        .group_by(col(RoundRow.id), col(RoundRow.started_at))
        .order_by(col(RoundRow.started_at))
    ).all()
    return [
        Attempt(round_id, to_time(started_at), _feedback_at(session, round_id, position))
        for round_id, started_at, position in rows
    ]


def _feedback_at(session: Session, round_id: str, position: int) -> Feedback | None:
    latest = session.exec(
        select(FeedbackRow.body)
        .where(FeedbackRow.round_id == round_id, FeedbackRow.position == position, ~col(FeedbackRow.second))
        .order_by(col(FeedbackRow.at).desc())
    ).first()
    return None if latest is None else Feedback.model_validate_json(latest)


def _past_questions(session: Session) -> dict[str, list[PastQuestion]]:
    """For each round its questions, with the score of the feedback on the last answer."""
    answered: dict[tuple[str, int], int] = {}
    joined = select(PromptRow.round_id, PromptRow.question_index, PromptRow.position).join(
        ReplyRow,
        (col(ReplyRow.round_id) == col(PromptRow.round_id)) & (col(ReplyRow.position) == col(PromptRow.position)),
    )
    for round_id, index, position in session.exec(joined):
        answered[round_id, index] = max(position, answered.get((round_id, index), 0))
    scores = {
        (round_id, position): score
        for round_id, position, score in session.exec(
            select(FeedbackRow.round_id, FeedbackRow.position, FeedbackRow.score)
            .where(~col(FeedbackRow.second))
            .order_by(col(FeedbackRow.at))
        )
    }
    found: dict[str, list[PastQuestion]] = {}
    ordered = select(RoundQuestionRow).order_by(col(RoundQuestionRow.round_id), col(RoundQuestionRow.question_index))
    for row in session.exec(ordered):
        last = answered.get((row.round_id, row.question_index))
        score = None if last is None else scores.get((row.round_id, last))
        found.setdefault(row.round_id, []).append(PastQuestion(row.question_id, row.title, score, last is not None))
    return found
