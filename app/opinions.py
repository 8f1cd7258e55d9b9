"""What a language model adds to a round, where one is switched on: second opinions, and follow-ups in its own words.

Nothing depends on it: the offline feedback stands already when a second opinion is asked for, and where a follow-up
fails the authored probe is put.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from app.core.errors import GreenroomError
from app.core.feedback import marks
from app.core.llm import Desk, Interviewer, Judge, Said
from app.core.round import Ask, Round
from app.live import Key, Live, Text, Work
from app.store.store import Record, Store

_log = logging.getLogger(__name__)


class Opinions:
    """Asks in the background, and keeps what came of it."""

    def __init__(self, store: Store, desk: Desk | None, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._desk = desk
        self._clock = clock
        self._live = Live()

    def ask(self, record: Record, index: int, *, again: bool = False) -> None:
        """Have a second opinion on a question given, unless there is one; one that failed is asked for `again` only.

        Without a language model, without an offline feedback or without a word to judge, nothing happens.
        """
        position, judge = record.last_position(index), self._judge(record.round)
        if judge is None or position is None or record.feedback_on(index) is None or record.opinion_on(index):
            return
        if not any(answer.text.strip() for answer in record.round.answers_of(index)):
            return
        key = _opinion_key(record, index)
        if again:
            self._live.forget(key)
        elif record.opinion_failure_on(index):
            return
        self._live.start(key, self._opinion(judge, record.round, index, position))

    def opinion(self, record: Record, index: int) -> Text | None:
        """How a second opinion under way is doing; None where none is."""
        text = self._live.look(_opinion_key(record, index))
        return text if text and not text.done else None

    def follow_up(self, round_: Round, probe: Ask) -> Ask | None:
        """The probe to put: in the interviewer's own words where they have come, None while they are being written."""
        key = _follow_up_key(round_)
        text = self._live.look(key)
        if text is None:
            interviewer = self._interviewer()
            if interviewer is None or probe.point_id is None:
                return probe
            planned = round_.plan[probe.question_index]
            point = planned.rubric.point(probe.point_id)
            said = [Said(turn.prompt, turn.reply.text) for turn in round_.turns_of(probe.question_index) if turn.reply]
            self._live.start(key, lambda show: interviewer.follow_up(planned.question.prompt, point, said, show))
            return None
        if not text.done:
            return None
        if text.failure:
            _log.warning("round %s: the authored follow-up is put: %s", round_.id, text.failure)
            return probe
        return probe.model_copy(update={"prompt": text.so_far})

    def writing(self, round_: Round) -> Text | None:
        """The follow-up that is being written; None where none is."""
        text = self._live.look(_follow_up_key(round_))
        return text if text and not text.done else None

    def wait_follow_up(self, round_: Round, seen: Text | None, timeout: float) -> Text | None:
        """The follow-up once it is another than `seen`, or after `timeout` seconds."""
        return self._live.wait(_follow_up_key(round_), seen, timeout)

    def wait_opinion(self, record: Record, index: int, seen: Text | None, timeout: float) -> Text | None:
        """The second opinion once it is another than `seen`, or after `timeout` seconds."""
        return self._live.wait(_opinion_key(record, index), seen, timeout)

    def _opinion(self, judge: Judge, round_: Round, index: int, position: int) -> Work:
        planned, said = round_.plan[index], round_.answers_of(index)

        def work(show: Callable[[str], None]) -> str:
            try:
                found = judge.grade(planned.question.prompt, planned.rubric, said, show)
            except Exception as error:
                reason = str(error) if isinstance(error, GreenroomError) else f"It broke off ({type(error).__name__})."
                self._store.add_failure(round_.id, position, reason, self._clock(), second=True)
                _log.warning("round %s, question %d got no second opinion: %s", round_.id, index, reason)
                raise
            self._store.add_feedback(round_.id, position, found, self._clock(), second=True)
            if not self._store.has_round(round_.id):  # deleted meanwhile: nothing of it may stay
                self._store.book.delete_llm_replies(marks(said))
            return found.advice or ""

        return work

    def _judge(self, round_: Round) -> Judge | None:
        try:
            return self._desk.judge(round_.options.level) if self._desk else None
        except GreenroomError as error:  # the settings page says it too
            _log.warning("no second opinion: %s", error)
            return None

    def _interviewer(self) -> Interviewer | None:
        try:
            return self._desk.interviewer() if self._desk else None
        except GreenroomError as error:
            _log.warning("no follow-up in its own words: %s", error)
            return None


def _opinion_key(record: Record, index: int) -> Key:
    return ("opinion", record.round.id, index, record.last_position(index) or 0)


def _follow_up_key(round_: Round) -> Key:
    return ("follow-up", round_.id, len(round_.turns))
