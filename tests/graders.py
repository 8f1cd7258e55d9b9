"""A small real grader for tests: fast, deterministic, and steered by what the answer says."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from app.core.errors import GradingFailed
from app.core.feedback import Answer, Evidence, Feedback, Flag, MistakeFeedback, PointCredit, feedback_from
from app.core.rubric import Rubric


class WordGrader:
    """Credits a point whose id stands in the answer, sees a mistake whose id does, fails on the word "ungradable".

    "ALL" credits every point. While `hold` is cleared, grading waits: for tests of what happens meanwhile.
    """

    name = "words-1"

    def __init__(self) -> None:
        self.hold = threading.Event()
        self.hold.set()
        self.broken = False
        self.graded = 0

    def grade(self, question: str, rubric: Rubric, answers: Sequence[Answer]) -> Feedback:
        self.hold.wait(20)
        if self.broken or any("ungradable" in answer.text for answer in answers):
            raise GradingFailed("The word grader refuses this answer. Try again.")
        self.graded += 1
        found = [
            PointCredit(point_id=point.id, credit=1, evidence=_evidence(answer, word), after_probe=answer.after_probe)
            for answer in answers
            for point in rubric.points
            for word in (point.id, "ALL")
            if word in answer.text
        ]
        mistakes = [
            MistakeFeedback(mistake_id=mistake.id, made=True, evidence=_evidence(answer, mistake.id))
            for answer in answers
            for mistake in rubric.mistakes
            if mistake.id in answer.text
        ]
        flags = [Flag.no_answer] if not any(answer.text.strip() for answer in answers) else []
        return feedback_from(rubric, found, mistakes, flags, self.name)


def _evidence(answer: Answer, word: str) -> Evidence:
    start = answer.text.index(word)
    return Evidence(turn=answer.turn, start=start, end=start + len(word), text=word)
