"""What `evaluate --exams` does: marked exam answers, with the marking scheme of their question for a rubric.

This is how a rubric of one's own is judged, by its statements alone. The grader is the one that ships: nothing is
fitted to these answers or trained on them, and their subjects are kept out of the claims that layers are trained on.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import NamedTuple

from app.batch import LineMistake, LinePoint, own_rubric
from app.cli.evaluate import (
    Progress,
    Result,
    as_they_come,
    encoder_for,
    labelled_score,
    regraded,
    with_fitted_statuses,
    without_points,
)
from app.content.schemas import Exam, MarkedAnswer
from app.core.feedback import Answer, status_of
from app.core.grader import Grader
from app.core.rubric import Rubric
from app.evaluation import Judged, agreement, by, fitted_grades
from app.grading.baselines import BestSentenceCosine, KeywordOverlap, ModelAnswerCosine
from app.grading.calibration import shipped
from app.grading.context import FEWEST
from app.grading.embedding import EmbeddingGrader
from app.settings import Settings

MARKS_A_GRADE = 25
"""Marks of 100 that make a grade of 0 to 4."""

Mend = Callable[[list[Judged]], list[Judged]]


class _Task(NamedTuple):
    exam: Exam
    rubric: Rubric
    answer: MarkedAnswer


def evaluate_exams(exams: Sequence[Exam], settings: Settings, progress: Progress, *, trained: bool) -> list[Result]:
    """The figures on `exams` of our grader, by the number of points as well, and of the baselines.

    `trained` says whether ours has the trained layers. Raises GradingFailed.
    """
    encoder, plain = encoder_for(settings, trained=trained), encoder_for(settings, trained=False)
    rubrics = {exam.id: _rubric(exam) for exam in exams}
    schemes = {exam.id: " ".join(point.says for point in exam.points) for exam in exams}
    tasks = [_Task(exam, rubrics[exam.id], answer) for exam in exams for answer in exam.answers]
    graders: list[tuple[Grader, Mend | None]] = [
        (EmbeddingGrader(encoder, shipped(encoder.trained)), None),
        (KeywordOverlap(), None),
        (ModelAnswerCosine(plain, schemes.__getitem__), without_points),
        (BestSentenceCosine(plain), with_fitted_statuses),
    ]
    return [_result(grader, tasks, mend, progress) for grader, mend in graders]


def _rubric(exam: Exam) -> Rubric:
    """The marking scheme as a line of a file for `grade` has it."""
    points = [LinePoint(id=one.id, says=one.says, weight=one.weight) for one in exam.points]
    mistakes = [LineMistake(id=one.id, says=one.says, correction=one.correction) for one in exam.mistakes]
    return own_rubric(points, mistakes).model_copy(update={"question_id": exam.id})


def _result(grader: Grader, tasks: Sequence[_Task], mend: Mend | None, progress: Progress) -> Result:
    judge = partial(_judge, grader)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        first = list(as_they_come(pool.map(judge, tasks), tasks, "Grading", progress))
    judged = mend(first) if mend else first
    grades = fitted_grades(judged)
    alike, ms = regraded(judge, tasks, first)
    overall = agreement(judged, grades)._replace(regraded=alike, ms=ms)
    count = {task.exam.id: len(task.rubric.points) for task in tasks}
    few, more = f"fewer than {FEWEST} points", f"{FEWEST} points and more"
    points = by(judged, grades, lambda one: few if count[one.question] < FEWEST else more)
    return Result(grader.name, overall, {"points": points} if isinstance(grader, EmbeddingGrader) else {}, judged)


def _judge(grader: Grader, task: _Task) -> Judged:
    told = [Answer(turn=0, text=task.answer.answer)]
    feedback = grader.grade(task.exam.question, task.rubric, told)
    marks = task.answer.credits
    return Judged(
        question=task.exam.id,
        id=task.answer.id,
        kind="exam",
        twin_of=None,
        grade=round(task.answer.score / MARKS_A_GRADE),
        score=feedback.score,
        points=tuple((status_of(marks[point.point_id]).value, point.status.value) for point in feedback.points),
        credits=tuple((marks[point.point_id], point.credit) for point in feedback.points),
        mistakes=tuple((one.mistake_id in task.answer.mistakes, one.made) for one in feedback.mistakes),
        origin="exam",
        labelled=labelled_score(task.rubric, marks, task.answer.mistakes),
    )
