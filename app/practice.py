"""Use cases: start a round, save a draft, answer, grade what is pending, go on, end, retry, delete.

All writes pass here. The order of an answer is fixed: its text is committed, then graded with no transaction open,
then the feedback is committed; so a crash at any point loses nothing, and start-up grades what was left.
"""

from __future__ import annotations

import contextlib
import logging
import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from app.core import round as rounds
from app.core.errors import GradingFailed, GreenroomError, NotFound, Refused, TooLong
from app.core.feedback import Feedback
from app.core.grader import Grader
from app.core.llm import Desk
from app.core.plan import Options, plan
from app.core.question import Question
from app.core.round import AlreadyAnswered, How, Planned, PromptKind, Round
from app.core.rubric import Rubric
from app.grading_queue import GraderState, GradingQueue
from app.logs import frames
from app.opinions import Opinions
from app.store.store import Draft, Record, Store

_log = logging.getLogger(__name__)


def now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


class Practice:
    """What a candidate can do. Times are arguments wherever the moment of a request matters."""

    def __init__(
        self,
        store: Store,
        questions: Mapping[str, Question],
        rubrics: Mapping[str, Rubric],
        queue: GradingQueue,
        *,
        desk: Desk | None = None,
        answer_max_chars: int = 30_000,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self.questions = questions
        self.rubrics = rubrics
        self.answer_max_chars = answer_max_chars
        self._store = store
        self._queue = queue
        self._clock = clock
        self.opinions = Opinions(store, desk, clock)

    # Life of the program.

    def open(self) -> None:
        """Start the grader and take up what an earlier run of the program left ungraded."""
        self._queue.start(self.grade_pending)
        self.sweep(failed=True)

    def close(self) -> None:
        """Stop the grader; what is queued is taken up at the next start."""
        self._queue.close()

    def sweep(self, *, failed: bool = False) -> None:
        """Close rounds whose strict clock ran out with nobody there, and queue what is ungraded.

        What a grader failed on waits for Retry and is queued only with `failed`: else it would fail at every sweep.
        """
        for round_id in self._store.unsettled_rounds():
            try:
                record = self._settle_clock(self._store.load(round_id), self._clock())
            except NotFound:  # deleted a moment ago
                continue
            waiting = [index for index in record.ungraded() if failed or record.failure_on(index) is None]
            if waiting and not self._queue.busy_with(round_id):
                self._queue.put(round_id)

    def grader_state(self) -> GraderState:
        """Whether answers can be graded now."""
        return self._queue.state

    # A round.

    def start_round(self, options: Options, at: datetime) -> str:
        """Plan a round, ask its first question; returns its id. Raises InvalidRequest when nothing fits."""
        chosen = plan(options, self.questions, self._store.recent_questions())
        planned = [Planned(question=question, rubric=self.rubrics[question.id]) for question in chosen]
        round_ = rounds.start(secrets.token_urlsafe(12), options, planned, at)
        self._store.add_round(round_)
        return round_.id

    def save_draft(self, round_id: str, position: int, text: str, base: int | None, at: datetime) -> Draft | None:
        """Keep what is being typed; None when a newer draft from another tab stands and `base` is older.

        Raises TooLong, NotFound, AlreadyAnswered, and Refused when a strict clock has run out.
        """
        self._refuse_long(text)
        round_ = self._settle_clock(self._store.load(round_id), at).round
        if round_.ended_at is not None:
            raise Refused("This round is over. Its report shows all that was said.")
        return self._store.save_draft(round_id, position, text, base, at)

    def answer(self, round_id: str, position: int, text: str, how: How, at: datetime) -> None:
        """Commit an answer and have it graded. `at` is when the request arrived.

        The same answer sent again changes nothing. Raises TooLong, NotFound, AlreadyAnswered (another text was faster)
        and Refused.
        """
        self._refuse_long(text)
        record = self._settle_clock(self._store.load(round_id), at)
        try:
            after = rounds.submit(record.round, position, text, how, at)
            self._store.add_moves(record.round, after)
        except AlreadyAnswered:
            if _said(self._store.load(round_id).round, position) != text:
                raise
            return
        self._queue.put(round_id)

    def current(self, round_id: str, at: datetime, *, reviewed: bool = False) -> Record:
        """The round as it stands at `at`: a clock that ran out is settled, and what comes next is asked.

        The next prompt is asked here, when the candidate looks, so that its clock starts only then. `reviewed` goes on
        from the feedback on a question (coach mode).
        """
        record = self._settle_clock(self._store.load(round_id), at)
        round_ = record.round
        if round_.ended_at is not None or round_.open_turn is not None:
            return record
        if self.is_grading(record):
            if not self._queue.busy_with(round_id):
                self._queue.put(round_id)
            return record
        last = round_.turns[-1].question_index
        move: rounds.Move | None = rounds.next_move(round_, record.feedback_on(last), at, reviewed=reviewed)
        if isinstance(move, rounds.Ask) and move.kind is PromptKind.probe:
            move = self.opinions.follow_up(round_, move)
        else:  # nothing more will be said on this question
            self.opinions.ask(record, last)
        if move is None or isinstance(move, rounds.AwaitReview):
            return record
        after = rounds.ask(round_, move, at) if isinstance(move, rounds.Ask) else rounds.finish(round_, move.ending, at)
        return self._moved(record, after)

    def is_grading(self, record: Record) -> bool:
        """Whether the next move must wait: the last answer is not graded, and its grading has not failed."""
        index = record.round.turns[-1].question_index
        if record.feedback_on(index) is not None or record.round.open_turn is not None:
            return False
        return record.failure_on(index) is None or self._queue.busy_with(record.round.id)

    def is_writing(self, record: Record) -> bool:
        """Whether the next move must wait for a follow-up that is being written."""
        return record.round.open_turn is None and self.opinions.writing(record.round) is not None

    def ask_opinion(self, round_id: str, index: int) -> None:
        """Ask for a second opinion on a question, also where one failed. Raises NotFound."""
        record = self._store.load(round_id)
        if not 0 <= index < len(record.round.plan):
            raise NotFound("This round has no such question.")
        self.opinions.ask(record, index, again=True)

    def end(self, round_id: str, at: datetime, text: str | None = None) -> None:
        """End a round early, keeping what stands in the answer box. Ending an ended round changes nothing."""
        self._refuse_long(text or "")
        record = self._settle_clock(self._store.load(round_id), at)
        if record.round.ended_at is None:
            draft = self._draft(record.round) if text is None else text
            self._moved(record, rounds.end(record.round, draft, at))
        self._queue.put(round_id)

    def retry(self, round_id: str) -> None:
        """Grade again what could not be graded."""
        self._store.load(round_id)
        self._queue.put(round_id)

    def wait_graded(self, round_id: str, timeout: float) -> bool:
        """Wait at most `timeout` seconds for the gradings of a round; whether they are done."""
        return self._queue.wait(round_id, timeout)

    def delete_round(self, round_id: str) -> None:
        """Delete a round for good. Raises NotFound when there is none."""
        self._store.delete_round(round_id)

    # Grading.

    def grade_pending(self, round_id: str, grader: Grader | None, reason: str = "") -> None:
        """Grade each question that has answers and no feedback; note failures. Runs on the queue's thread."""
        try:
            record = self._store.load(round_id)
        except NotFound:
            return
        waiting = record.ungraded()
        for index in waiting:
            position = record.last_position(index)
            assert position is not None  # ungraded() lists answered questions only
            try:
                feedback = self._grade(record.round, index, grader, reason)
            except GreenroomError as error:
                self._store.add_failure(round_id, position, str(error), self._clock())
                _log.warning("round %s, question %d could not be graded: %s", round_id, index, type(error).__name__)
            else:
                self._store.add_feedback(round_id, position, feedback, self._clock())
        with contextlib.suppress(NotFound):  # deleted meanwhile
            self._finish_if_done(self._store.load(round_id))
            settled = self._store.load(round_id)
            if settled.round.ended_at is not None:
                for index in waiting:
                    self.opinions.ask(settled, index)

    def _finish_if_done(self, record: Record) -> None:
        """End a round that has nothing left to ask, so that its report doesn't wait for the candidate to look."""
        round_, at = record.round, self._clock()
        if round_.ended_at is None and round_.open_turn is None:
            move = rounds.next_move(round_, record.feedback_on(round_.turns[-1].question_index), at)
            if isinstance(move, rounds.Finish):
                self._moved(record, rounds.finish(round_, move.ending, at))

    def _grade(self, round_: Round, index: int, grader: Grader | None, reason: str) -> Feedback:
        if grader is None:
            raise GradingFailed(reason or "No grader could be loaded.")
        planned = round_.plan[index]
        try:
            return grader.grade(planned.question.prompt, planned.rubric, round_.answers_of(index))
        except GreenroomError:
            raise
        except Exception as error:  # whatever a model library raises is a grading that failed, not a lost answer
            _log.error("the grader broke on round %s, question %d: %s", round_.id, index, frames(error))
            raise GradingFailed(f"The grader broke off ({type(error).__name__}). Retry, or report it.") from error

    # Shared steps.

    def _settle_clock(self, record: Record, at: datetime) -> Record:
        """The record after its strict clock, if that has run out: the draft becomes the answer."""
        round_ = record.round
        if round_.open_turn is None or rounds.strict_deadline(round_) is None:
            return record
        after = rounds.time_out(round_, self._draft(round_), at)
        if after is round_:
            return record
        record = self._moved(record, after)
        self._queue.put(round_.id)
        return record

    def _moved(self, record: Record, after: Round) -> Record:
        """The record with `after` committed; where another request moved first, what that one made of it."""
        try:
            self._store.add_moves(record.round, after)
        except AlreadyAnswered:
            return self._store.load(after.id)
        return record._replace(round=after)

    def _draft(self, round_: Round) -> str:
        turn = round_.open_turn
        return self._store.draft(round_.id, turn.position).text if turn is not None else ""

    def _refuse_long(self, text: str) -> None:
        if len(text) > self.answer_max_chars:
            raise TooLong(
                f"This answer has {len(text):,} characters; the limit is {self.answer_max_chars:,}. Shorten it and send"
                " it again. Nothing was lost: your text is still in the answer box."
            )


def _said(round_: Round, position: int) -> str | None:
    reply = round_.turns[position].reply if position < len(round_.turns) else None
    return reply.text if reply is not None else None
