"""The Store: rounds in and out of the database. Every method is one transaction; web code only reads."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import NamedTuple, TypeVar

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from app.core.errors import NotFound
from app.core.feedback import Feedback
from app.core.round import AlreadyAnswered, Round
from app.store import book, history
from app.store.codec import to_prompt_row, to_reply_row, to_round, to_round_rows, to_text, to_time
from app.store.database import open_database
from app.store.history import Attempt, PastRound
from app.store.rows import (
    DraftRow,
    EndingRow,
    FailureRow,
    FeedbackRow,
    PromptRow,
    ReplyRow,
    RoundRow,
)

T = TypeVar("T")


class Draft(NamedTuple):
    """What stands in the answer box of a prompt. `revision` counts the saves; 0 means never saved."""

    text: str
    revision: int
    saved_at: datetime | None


class Record(NamedTuple):
    """A round with what graders made of it, by the position of the answer that completed what they read.

    `second` holds second opinions: they stand beside the feedback and never in its place.
    """

    round: Round
    feedbacks: dict[int, Feedback]
    failures: dict[int, str]
    second: dict[int, Feedback]
    second_failures: dict[int, str]

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

    def opinion_on(self, question_index: int) -> Feedback | None:
        """The second opinion on all that was said to a question, if there is one."""
        position = self.last_position(question_index)
        return None if position is None else self.second.get(position)

    def opinion_failure_on(self, question_index: int) -> str | None:
        """Why there is no second opinion on a question, if one failed and no later one succeeded."""
        position = self.last_position(question_index)
        return None if position is None or position in self.second else self.second_failures.get(position)

    def by_question(self, look: Callable[[int], T | None]) -> dict[int, T]:
        """What `look` finds on each question, without those on which it finds nothing."""
        return {index: found for index in range(len(self.round.plan)) if (found := look(index)) is not None}

    def ungraded(self) -> list[int]:
        """The questions whose answers wait for a grader, failed ones included."""
        return [
            index
            for index in range(len(self.round.plan))
            if self.last_position(index) is not None and self.feedback_on(index) is None
        ]


class Store:
    """All rounds of one database file."""

    def __init__(self, path: Path) -> None:
        self.engine = open_database(path)
        self._writer = self.engine.execution_options(writes=True)
        self.book = book.LLMBook(self.engine)

    def close(self) -> None:
        """Let go of the file."""
        self.engine.dispose()

    # Writes: only app.practice calls these.

    def add_round(self, round_: Round) -> None:
        """A new round with the prompts it has so far."""
        with Session(self._writer) as session, session.begin():
            row, questions = to_round_rows(round_)
            session.add(row)
            session.flush()
            session.add_all(questions)
            session.add_all(to_prompt_row(round_.id, turn) for turn in round_.turns)

    def add_moves(self, before: Round, after: Round) -> None:
        """What `after` has and `before` had not: prompts, replies and the ending, in one transaction.

        Raises AlreadyAnswered where somebody else was faster; nothing of this call is written then.
        """
        known = {turn.position: turn for turn in before.turns}
        try:
            with Session(self._writer) as session, session.begin():
                for turn in after.turns:
                    if turn.position not in known:
                        session.add(to_prompt_row(after.id, turn))
                        session.flush()
                    if turn.reply is not None and (turn.position not in known or known[turn.position].reply is None):
                        session.add(to_reply_row(after.id, turn.position, turn.reply))
                if after.ended_at is not None and after.ending is not None and before.ended_at is None:
                    session.add(EndingRow(round_id=after.id, ending=after.ending, at=to_text(after.ended_at)))
        except IntegrityError:
            raise AlreadyAnswered("This prompt has been answered already; the first answer stands.") from None

    def add_feedback(
        self, round_id: str, position: int, feedback: Feedback, at: datetime, *, second: bool = False
    ) -> None:
        """What a grader said; the same grader's feedback on the same answer again changes nothing.

        `second` makes it a second opinion.
        """
        row = FeedbackRow(
            round_id=round_id,
            position=position,
            grader=feedback.grader,
            score=feedback.score,
            body=feedback.model_dump_json(),
            at=to_text(at),
            second=second,
        )
        self._add_if_there(row)

    def add_failure(self, round_id: str, position: int, reason: str, at: datetime, *, second: bool = False) -> None:
        """That a grading failed, and why."""
        row = FailureRow(round_id=round_id, position=position, reason=reason, at=to_text(at), second=second)
        self._add_if_there(row)

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
            row.text, row.revision, row.saved_at = draft, row.revision + 1, to_text(at)
            session.add(row)
            return Draft(draft, row.revision, at)

    def delete_round(self, round_id: str) -> None:
        """Delete a round and all that belongs to it, for good. Raises NotFound when there is none."""
        with Session(self._writer) as session, session.begin():
            row = session.get(RoundRow, round_id)
            if row is None:
                raise NotFound("This round does not exist, or was deleted already.")
            said = self.load(round_id).round  # another connection, which sees what stood before
            session.delete(row)  # the database deletes what hangs on it
            book.forget(session, [said])
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
            ).all()
            failures = session.exec(
                select(FailureRow).where(FailureRow.round_id == round_id).order_by(col(FailureRow.id))
            ).all()
            return Record(
                to_round(row, prompts, replies, ending),
                {one.position: Feedback.model_validate_json(one.body) for one in feedbacks if not one.second},
                {one.position: one.reason for one in failures if not one.second},
                {one.position: Feedback.model_validate_json(one.body) for one in feedbacks if one.second},
                {one.position: one.reason for one in failures if one.second},
            )

    def has_round(self, round_id: str) -> bool:
        """Whether there is such a round, and it was not deleted."""
        with Session(self.engine) as session:
            return session.get(RoundRow, round_id) is not None

    def draft(self, round_id: str, position: int) -> Draft:
        """What stands in the answer box of a prompt; empty when never saved."""
        with Session(self.engine) as session:
            row = session.get(DraftRow, (round_id, position))
            return Draft(row.text, row.revision, to_time(row.saved_at)) if row else Draft("", 0, None)

    def rounds(self) -> list[PastRound]:
        """All rounds, latest first."""
        with Session(self.engine) as session:
            return history.past_rounds(session)

    def unsettled_rounds(self) -> list[str]:
        """Rounds whose strict clock runs, or that have an answer not graded; for start-up and the sweep."""
        with Session(self.engine) as session:
            return history.unsettled_rounds(session)

    def recent_questions(self, most: int = 200) -> list[str]:
        """Ids of the questions asked, latest first, each once."""
        with Session(self.engine) as session:
            return history.recent_questions(session, most)

    def attempted(self) -> set[str]:
        """Ids of the questions that got an answer at least once."""
        return {question.question_id for past in self.rounds() for question in past.questions if question.answered}

    def attempts(self, question_id: str) -> list[Attempt]:
        """Each time a question was answered, earliest first."""
        with Session(self.engine) as session:
            return history.attempts_at(session, question_id)

    def _add_if_there(self, row: FeedbackRow | FailureRow) -> None:
        """Add a row that hangs on a reply; a round deleted meanwhile, or the same row again, changes nothing."""
        try:
            with Session(self._writer) as session, session.begin():
                session.add(row)
        except IntegrityError:
            return
