"""The Store: rounds in and out of the database. Every method is one transaction; web code only reads."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import func
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from app.core.errors import NotFound
from app.core.feedback import Feedback
from app.core.plan import Options
from app.core.round import AlreadyAnswered, Ending, How, Planned, PromptKind, Reply, Round, Turn
from app.store.database import open_database
from app.store.rows import (
    DraftRow,
    EndingRow,
    FailureRow,
    FeedbackRow,
    PromptRow,
    ReplyRow,
    RoundQuestionRow,
    RoundRow,
)


class Draft(NamedTuple):
    """What stands in the answer box of a prompt. `revision` counts the saves; 0 means never saved."""

    text: str
    revision: int
    saved_at: datetime | None


class Record(NamedTuple):
    """A round with what graders made of it, by the position of the answer that completed what they read."""

    round: Round
    feedbacks: dict[int, Feedback]
    failures: dict[int, str]

    def last_position(self, question_index: int) -> int | None:
        """The position of the last answer to a question, if it has one."""
        answered = [turn.position for turn in self.round.turns_of(question_index) if turn.reply is not None]
        return answered[-1] if answered else None

    def feedback_on(self, question_index: int) -> Feedback | None:
        """The feedback on all that was said to a question; None while it is ungraded."""
        position = self.last_position(question_index)
        return None if position is None else self.feedbacks.get(position)

    def failure_on(self, question_index: int) -> str | None:
        """Why the last grading of a question failed, if it did and no later one succeeded."""
        position = self.last_position(question_index)
        return None if position is None or position in self.feedbacks else self.failures.get(position)

    def ungraded(self) -> list[int]:
        """The questions whose answers wait for a grader, failed ones included."""
        return [
            index
            for index in range(len(self.round.plan))
            if self.last_position(index) is not None and self.feedback_on(index) is None
        ]


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


class Store:
    """All rounds of one database file."""

    def __init__(self, path: Path) -> None:
        self.engine = open_database(path)
        self._writer = self.engine.execution_options(writes=True)

    def close(self) -> None:
        """Let go of the file."""
        self.engine.dispose()

    # Writes: only app.practice calls these.

    def add_round(self, round_: Round) -> None:
        """A new round with the prompts it has so far."""
        with Session(self._writer) as session, session.begin():
            plan = json.dumps([planned.model_dump(mode="json") for planned in round_.plan], ensure_ascii=False)
            session.add(
                RoundRow(
                    id=round_.id,
                    started_at=_text(round_.started_at),
                    options=round_.options.model_dump_json(),
                    plan=plan,
                )
            )
            session.flush()
            for index, planned in enumerate(round_.plan):
                question = planned.question
                session.add(
                    RoundQuestionRow(
                        round_id=round_.id, question_index=index, question_id=question.id, title=question.title
                    )
                )
            session.add_all(_prompt_row(round_.id, turn) for turn in round_.turns)

    def add_moves(self, before: Round, after: Round) -> None:
        """What `after` has and `before` had not: prompts, replies and the ending, in one transaction.

        Raises AlreadyAnswered where somebody else was faster; nothing of this call is written then.
        """
        known = {turn.position: turn for turn in before.turns}
        try:
            with Session(self._writer) as session, session.begin():
                for turn in after.turns:
                    if turn.position not in known:
                        session.add(_prompt_row(after.id, turn))
                        session.flush()
                    if turn.reply is not None and (turn.position not in known or known[turn.position].reply is None):
                        session.add(_reply_row(after.id, turn.position, turn.reply))
                if after.ended_at is not None and after.ending is not None and before.ended_at is None:
                    session.add(EndingRow(round_id=after.id, ending=after.ending, at=_text(after.ended_at)))
        except IntegrityError:
            raise AlreadyAnswered("This prompt has been answered already; the first answer stands.") from None

    def add_feedback(self, round_id: str, position: int, feedback: Feedback, at: datetime) -> None:
        """What a grader said; a second feedback by the same grader on the same answer changes nothing."""
        row = FeedbackRow(
            round_id=round_id,
            position=position,
            grader=feedback.grader,
            score=feedback.score,
            body=feedback.model_dump_json(),
            at=_text(at),
        )
        self._add_if_there(row)

    def add_failure(self, round_id: str, position: int, reason: str, at: datetime) -> None:
        """That a grading failed, and why."""
        self._add_if_there(FailureRow(round_id=round_id, position=position, reason=reason, at=_text(at)))

    def save_draft(self, round_id: str, position: int, draft: str, base: int | None, at: datetime) -> Draft | None:
        """Keep what stands in the answer box of an open prompt.

        `base` is the revision that the writer last saw; where a newer one stands, nothing is written and None returned
        (None as `base` writes regardless). Raises NotFound without the prompt, AlreadyAnswered when it has its reply.
        """
        with Session(self._writer) as session, session.begin():
            if session.get(PromptRow, (round_id, position)) is None:
                raise NotFound("This prompt does not exist, or its round was deleted.")
            if session.get(ReplyRow, (round_id, position)) is not None:
                raise AlreadyAnswered("This prompt has been answered already; the first answer stands.")
            row = session.get(DraftRow, (round_id, position))
            if row is None:
                row = DraftRow(round_id=round_id, position=position, text="", revision=0, saved_at="")
            if base is not None and base < row.revision and draft != row.text:
                return None
            row.text, row.revision, row.saved_at = draft, row.revision + 1, _text(at)
            session.add(row)
            return Draft(draft, row.revision, at)

    def delete_round(self, round_id: str) -> None:
        """Delete a round and all that belongs to it, for good. Raises NotFound when there is none."""
        with Session(self._writer) as session, session.begin():
            row = session.get(RoundRow, round_id)
            if row is None:
                raise NotFound("This round does not exist, or was deleted already.")
            session.delete(row)  # the database deletes what hangs on it
        connection = self.engine.raw_connection()  # outside a transaction: a checkpoint can't run in one
        try:
            connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")  # else the text stays in the log
        finally:
            connection.close()

    # Reads.

    def load(self, round_id: str) -> Record:
        """A round with its feedback. Raises NotFound when there is none."""
        with Session(self.engine) as session:
            row = session.get(RoundRow, round_id)
            if row is None:
                raise NotFound("This round does not exist, or was deleted.")
            prompts = session.exec(
                select(PromptRow).where(PromptRow.round_id == round_id).order_by(col(PromptRow.position))
            ).all()
            replies = {
                reply.position: reply for reply in session.exec(select(ReplyRow).where(ReplyRow.round_id == round_id))
            }
            ending = session.get(EndingRow, round_id)
            feedbacks = session.exec(
                select(FeedbackRow).where(FeedbackRow.round_id == round_id).order_by(col(FeedbackRow.at))
            )
            failures = session.exec(
                select(FailureRow).where(FailureRow.round_id == round_id).order_by(col(FailureRow.id))
            )
            return Record(
                _round(row, prompts, replies, ending),
                {one.position: Feedback.model_validate_json(one.body) for one in feedbacks},
                {one.position: one.reason for one in failures},
            )

    def draft(self, round_id: str, position: int) -> Draft:
        """What stands in the answer box of a prompt; empty when never saved."""
        with Session(self.engine) as session:
            row = session.get(DraftRow, (round_id, position))
            return Draft(row.text, row.revision, _time(row.saved_at)) if row else Draft("", 0, None)

    def rounds(self) -> list[PastRound]:
        """All rounds, latest first."""
        with Session(self.engine) as session:
            endings = {row.round_id: row.at for row in session.exec(select(EndingRow))}
            questions = _past_questions(session)
            # The plans are left out: they are most of the bytes, and a list needs none of them.
            rows = session.exec(
                select(RoundRow.id, RoundRow.started_at, RoundRow.options).order_by(col(RoundRow.started_at).desc())
            )
            return [
                PastRound(
                    id_,
                    _time(started_at),
                    _time(endings[id_]) if id_ in endings else None,
                    Options.model_validate_json(options),
                    tuple(questions.get(id_, ())),
                )
                for id_, started_at, options in rows
            ]

    def unsettled_rounds(self) -> list[str]:
        """Rounds that have no ending, or an answer whose question is not graded; for start-up and the sweep."""
        with Session(self.engine) as session:
            ended = select(EndingRow.round_id)
            unfinished = session.exec(select(RoundRow.id).where(col(RoundRow.id).not_in(ended))).all()
            last = (
                select(
                    col(PromptRow.round_id).label("round_id"),
                    func.max(PromptRow.position).label("position"),
                )
                .join(
                    ReplyRow,
                    (col(ReplyRow.round_id) == col(PromptRow.round_id))
                    & (col(ReplyRow.position) == col(PromptRow.position)),
                )
                .group_by(col(PromptRow.round_id), col(PromptRow.question_index))
                .subquery()
            )
            ungraded = session.exec(
                select(last.c.round_id)
                .join(
                    FeedbackRow,
                    (col(FeedbackRow.round_id) == last.c.round_id) & (col(FeedbackRow.position) == last.c.position),
                    isouter=True,
                )
                .where(col(FeedbackRow.round_id).is_(None))
            ).all()
            return sorted({*unfinished, *ungraded})

    def recent_questions(self, most: int = 200) -> list[str]:
        """Ids of the questions asked, latest first, each once."""
        with Session(self.engine) as session:
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

    def attempted(self) -> set[str]:
        """Ids of the questions that got an answer at least once."""
        return {question.question_id for past in self.rounds() for question in past.questions if question.answered}

    def attempts(self, question_id: str) -> list[Attempt]:
        """Each time a question was answered, earliest first."""
        with Session(self.engine) as session:
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
                    (col(ReplyRow.round_id) == col(PromptRow.round_id))
                    & (col(ReplyRow.position) == col(PromptRow.position)),
                )
                .where(RoundQuestionRow.question_id == question_id)
                .group_by(col(RoundRow.id), col(RoundRow.started_at))
                .order_by(col(RoundRow.started_at))
            ).all()
            return [
                Attempt(round_id, _time(started_at), _feedback_at(session, round_id, position))
                for round_id, started_at, position in rows
            ]

    def _add_if_there(self, row: FeedbackRow | FailureRow) -> None:
        """Add a row that hangs on a reply; a round deleted meanwhile, or the same row again, changes nothing."""
        try:
            with Session(self._writer) as session, session.begin():
                session.add(row)
        except IntegrityError:
            return


def _feedback_at(session: Session, round_id: str, position: int) -> Feedback | None:
    latest = session.exec(
        select(FeedbackRow.body)
        .where(FeedbackRow.round_id == round_id, FeedbackRow.position == position)
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
            select(FeedbackRow.round_id, FeedbackRow.position, FeedbackRow.score).order_by(col(FeedbackRow.at))
        )
    }
    found: dict[str, list[PastQuestion]] = {}
    ordered = select(RoundQuestionRow).order_by(col(RoundQuestionRow.round_id), col(RoundQuestionRow.question_index))
    for row in session.exec(ordered):
        last = answered.get((row.round_id, row.question_index))
        score = None if last is None else scores.get((row.round_id, last))
        found.setdefault(row.round_id, []).append(PastQuestion(row.question_id, row.title, score, last is not None))
    return found


def _round(
    row: RoundRow, prompts: Sequence[PromptRow], replies: dict[int, ReplyRow], ending: EndingRow | None
) -> Round:
    return Round(
        id=row.id,
        options=Options.model_validate_json(row.options),
        plan=tuple(Planned.model_validate(one) for one in json.loads(row.plan)),
        started_at=_time(row.started_at),
        turns=tuple(_turn(prompt, replies.get(prompt.position)) for prompt in prompts),
        ended_at=_time(ending.at) if ending else None,
        ending=Ending(ending.ending) if ending else None,
    )


def _turn(prompt: PromptRow, reply: ReplyRow | None) -> Turn:
    return Turn(
        position=prompt.position,
        question_index=prompt.question_index,
        kind=PromptKind(prompt.kind),
        point_id=prompt.point_id,
        prompt=prompt.prompt,
        asked_at=_time(prompt.asked_at),
        reply=Reply(text=reply.text, how=How(reply.how), at=_time(reply.at)) if reply else None,
    )


def _prompt_row(round_id: str, turn: Turn) -> PromptRow:
    return PromptRow(
        round_id=round_id,
        position=turn.position,
        question_index=turn.question_index,
        kind=turn.kind,
        point_id=turn.point_id,
        prompt=turn.prompt,
        asked_at=_text(turn.asked_at),
    )


def _reply_row(round_id: str, position: int, reply: Reply) -> ReplyRow:
    return ReplyRow(round_id=round_id, position=position, text=reply.text, how=reply.how, at=_text(reply.at))


def _text(at: datetime) -> str:
    return at.isoformat()


def _time(value: str) -> datetime:
    return datetime.fromisoformat(value)
