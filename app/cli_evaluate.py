"""What the commands `evaluate` and `calibrate` do: labelled answers, graders and figures brought together."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from typing import Any, NamedTuple

from app.content import Content
from app.content_schemas import LabelledAnswer
from app.core.feedback import Answer
from app.core.grader import Grader
from app.evaluation import Agreement, Judged, agreement, by, fitted_grades, status_cuts, table
from app.grading.background import Background
from app.grading.baselines import BestSentenceCosine, KeywordOverlap, ModelAnswerCosine
from app.grading.calibration import Calibration
from app.grading.embedding import EmbeddingGrader
from app.grading.encoder import Encoder, load_encoder
from app.grading.fit import Labelled, collect, fit
from app.settings import Settings

CREDITS = {"said": 1.0, "partly": 0.5, "missing": 0.0}

GraderFor = Callable[[str], Grader]
Progress = Callable[[Sequence[Any], str], Iterator[Any]]


class Result(NamedTuple):
    """One grader's figures: over all answers, and by whatever was asked for."""

    name: str
    overall: Agreement
    parts: dict[str, Agreement]


def calibrate(content: Content, settings: Settings, progress: Progress) -> Calibration:
    """The calibration fitted to all labelled answers. Raises GradingFailed when the model can't be loaded."""
    encoder = load_encoder(settings.embedding_model, settings.cache_dir)
    answers = list(_labelled(content))
    examples = collect(progress(answers, "Measuring"), encoder, _background(content, encoder))
    made_by = {
        "command": "python -m app calibrate",
        "data": f"{len(answers)} labelled answers to {len(content.examples)} questions, rubrics/*/*.examples.jsonl",
        "date": date.today().isoformat(),
        "model": f"{encoder.name}, sha256 {encoder.fingerprint[:12]}",
    }
    return fit(examples, made_by=made_by)


def evaluate(content: Content, settings: Settings, part: str | None, progress: Progress) -> list[Result]:
    """The figures of our grader, calibrated each time without the question that it then grades, and of the baselines.

    `part` is domain, kind, question or None. Raises GradingFailed.
    """
    encoder = load_encoder(settings.embedding_model, settings.cache_dir)
    background = _background(content, encoder)
    examples = collect(progress(list(_labelled(content)), "Measuring"), encoder, background)
    ours = {
        name: EmbeddingGrader(encoder, fit([one for one in examples if one.question_id != name]), background)
        for name in progress(list(content.examples), "Calibrating")
    }
    some = next(iter(ours.values()))
    cosine = ModelAnswerCosine(encoder, lambda name: content.questions[name].model_answer)
    nearest = BestSentenceCosine(encoder)
    results = [_result(some.name, _judge(content, ours.__getitem__, some.name, progress), part)]
    results.append(_result(KeywordOverlap.name, _judge(content, _always(KeywordOverlap()), "keywords", progress), part))
    without_points = [one._replace(points=()) for one in _judge(content, _always(cosine), "cosine", progress)]
    results.append(_result(cosine.name, without_points, part))
    raw = _judge(content, _always(nearest), "sentences", progress, credits=True)
    results.append(_result(nearest.name, _with_fitted_statuses(raw), part))
    return results


def report(results: Sequence[Result]) -> str:
    """The figures as Markdown: one table over all answers, then one for each grader's parts."""
    blocks = [table({one.name: one.overall for one in results}, "grader")]
    blocks += [f"\n{one.name}\n\n{table(one.parts, 'part')}" for one in results if one.parts]
    return "\n".join(blocks)


def as_json(results: Sequence[Result]) -> list[dict[str, Any]]:
    """The figures as JSON values; what can't be said is null."""
    return [
        {
            "grader": one.name,
            "overall": _figures(one.overall),
            "parts": {name: _figures(part) for name, part in one.parts.items()},
        }
        for one in results
    ]


def _labelled(content: Content) -> Iterator[Labelled]:
    for name, answers in content.examples.items():
        for one in answers:
            yield Labelled(
                name,
                content.questions[name].prompt,
                content.rubrics[name],
                one.answer,
                {key: CREDITS[label.status] for key, label in one.points.items()},
                {key: label.span for key, label in one.points.items() if label.span},
                dict(one.mistakes),
            )


def _background(content: Content, encoder: Encoder) -> Background:
    return Background(
        [(question.prompt, content.rubrics[name]) for name, question in content.questions.items()], encoder
    )


def _always(grader: Grader) -> GraderFor:
    return lambda _: grader


def _judge(
    content: Content, grader_for: GraderFor, label: str, progress: Progress, *, credits: bool = False
) -> list[Judged]:
    """Every labelled answer graded; with `credits` the points pair the person's status with the raw credit, as text."""
    todo = [(name, one) for name, answers in content.examples.items() for one in answers]
    return [_judge_one(content, grader_for(name), name, one, credits) for name, one in progress(todo, label)]


def _judge_one(content: Content, grader: Grader, name: str, one: LabelledAnswer, credits: bool) -> Judged:
    start = time.perf_counter()
    feedback = grader.grade(content.questions[name].prompt, content.rubrics[name], [Answer(turn=0, text=one.answer)])
    spent = time.perf_counter() - start
    points = tuple(
        (one.points[point.point_id].status, repr(point.credit) if credits else point.status.value)
        for point in feedback.points
    )
    mistakes = tuple((mistake.mistake_id in one.mistakes, mistake.made) for mistake in feedback.mistakes)
    return Judged(name, one.kind.value, one.grade, feedback.score, points, mistakes, 1000 * spent)


def _with_fitted_statuses(judged: Sequence[Judged]) -> list[Judged]:
    """Raw credits as statuses, by cut points fitted on the other questions: a cosine has no scale of its own."""
    fitted = []
    for name in dict.fromkeys(one.question for one in judged):
        pairs = [(truth, float(raw)) for one in judged if one.question != name for truth, raw in one.points]
        low, high = status_cuts(pairs) if pairs else (0.3, 0.6)
        for one in judged:
            if one.question == name:
                points = tuple((truth, _status(float(raw), low, high)) for truth, raw in one.points)
                fitted.append(one._replace(points=points))
    return fitted


def _status(credit: float, low: float, high: float) -> str:
    return "said" if credit >= high else "partly" if credit >= low else "missing"


def _result(name: str, judged: Sequence[Judged], part: str | None) -> Result:
    keys: dict[str, Callable[[Judged], str]] = {
        "domain": lambda one: one.question.split("/")[0],
        "kind": lambda one: one.kind,
        "question": lambda one: one.question,
    }
    grades = fitted_grades(judged)
    return Result(name, agreement(judged, grades), by(judged, grades, keys[part]) if part else {})


def _figures(one: Agreement) -> dict[str, float | None]:
    return {key: None if value != value else value for key, value in one._asdict().items()}
