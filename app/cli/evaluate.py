"""What the commands `evaluate` and `calibrate` do: labelled answers, graders and figures brought together."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np

from app.cli import llm
from app.cli.held_out import HeldOut, encode_rubrics, held_out
from app.content import Content
from app.content.schemas import LabelledAnswer
from app.core.feedback import Answer, MistakeFeedback, PointCredit, feedback_from
from app.core.grader import Grader
from app.core.question import Level
from app.core.rubric import Rubric
from app.evaluation import Agreement, Judged, agreement, by, fitted_grades, reliability, status_cuts, table
from app.grading.background import Background
from app.grading.baselines import BestSentenceCosine, KeywordOverlap, ModelAnswerCosine
from app.grading.calibration import Calibration, Shipped
from app.grading.embedding import EmbeddingGrader
from app.grading.encoder import Encoder, load_encoder
from app.grading.examples import Example, Labelled, collect
from app.grading.fit import fit
from app.settings import Settings

ORIGINS = {
    "rubric": "written with the rubric at hand",
    "blind": "written without the rubric",
    "typed": "typed without the rubric",
    "fresh": "written and typed last, without the rubric",
}
CREDITS = {"said": 1.0, "partly": 0.5, "missing": 0.0}
REGRADED_EVERY = 12
"""One answer in so many is graded a second time, alone, for the time it takes and to see that nothing changes."""

T = TypeVar("T")
GraderFor = Callable[[str], Grader]
Progress = Callable[[Sequence[Any], str], Iterator[Any]]


class Result(NamedTuple):
    """One grader's figures: over all answers, for each part of each breakdown asked for, and each answer's own."""

    name: str
    overall: Agreement
    parts: dict[str, dict[str, Agreement]]
    judged: list[Judged]


def calibrate(content: Content, settings: Settings, progress: Progress) -> Shipped:
    """The calibrations fitted to all labelled answers: with the trained layers, and without.

    A model named in the settings takes the place of both. Raises GradingFailed when a model can't be loaded.
    """
    answers = held_out(content)
    return Shipped(
        trained=_calibrated(content, answers, encoder_for(settings, trained=True), progress),
        plain=_calibrated(content, answers, encoder_for(settings, trained=False), progress),
    )


def evaluate(
    content: Content, settings: Settings, parts: Sequence[str], progress: Progress, *, trained: bool
) -> list[Result]:
    """The figures of our grader, calibrated each time without the question that it then grades, and of the baselines.

    No answer is judged by a rubric that has heard it (held_out.py). `parts` are of domain, kind, question and origin;
    `trained` says whether ours has the trained layers. Raises GradingFailed.
    """
    encoder = encoder_for(settings, trained=trained)
    background = Background(content.known, encoder)
    answers = held_out(content)
    examples = _examples(content, answers, encoder, background, progress)
    fitted = {
        name: EmbeddingGrader(encoder, fit([one for one in examples if one.question_id != name]), background)
        for name in progress(list(content.examples), "Calibrating")
    }
    name = next(iter(fitted.values())).name
    ours = _result(answers, name, fitted.__getitem__, parts, progress)
    return [ours, *_baselines(content, answers, settings, parts, progress)]


def evaluate_llm(
    content: Content, settings: Settings, parts: Sequence[str], progress: Progress, replay: Path | None
) -> list[Result]:
    """The figures of the language model and of the baselines; with `replay`, its replies come from that file.

    An answer that it can't grade ends the run: figures over the rest would flatter. Raises GradingFailed,
    InvalidRequest.
    """
    answers = held_out(content)
    if replay:
        grader, kept = llm.replayed(replay, settings, content.scale, Level.mid)
        for question, rubric, one in answers:
            said = [Answer(turn=0, text=one.answer)]
            if prompt := grader.prompt(question.prompt, rubric, said):
                kept.also(grader.key(prompt), f"id:{question.id}/{one.id}")
        ours = _result(answers, grader.name, _always(grader), parts, progress)
    else:
        with ExitStack() as until:
            grader = llm.live(settings, content.scale, Level.mid, until).grader
            ours = _result(answers, grader.name, _always(grader), parts, progress)
    return [ours, *_baselines(content, answers, settings, parts, progress)]


def _baselines(
    content: Content, answers: Sequence[HeldOut], settings: Settings, parts: Sequence[str], progress: Progress
) -> list[Result]:
    plain = encoder_for(settings, trained=False)
    encode_rubrics(content, plain, progress)
    cosine = ModelAnswerCosine(plain, lambda name: content.questions[name].model_answer)
    nearest = BestSentenceCosine(plain)
    return [
        _result(answers, KeywordOverlap.name, _always(KeywordOverlap()), parts, progress),
        _result(answers, cosine.name, _always(cosine), parts, progress, without_points),
        _result(answers, nearest.name, _always(nearest), parts, progress, with_fitted_statuses),
    ]


def report(results: Sequence[Result]) -> str:
    """The figures as Markdown: one table over all answers, then one for each breakdown of each grader."""
    blocks = [table({one.name: one.overall for one in results}, "grader")]
    blocks += [f"\n{one.name}\n\n{table(rows, part)}" for one in results for part, rows in one.parts.items()]
    return "\n".join(blocks)


def as_json(results: Sequence[Result]) -> list[dict[str, Any]]:
    """The figures as JSON values; what can't be said is null."""
    return [
        {
            "grader": one.name,
            "overall": _figures(one.overall),
            "parts": {name: _figures(found) for rows in one.parts.values() for name, found in rows.items()},
            "reliability": [
                {"credit": given, "labelled": true, "points": count} for given, true, count in reliability(one.judged)
            ],
        }
        for one in results
    ]


def _calibrated(content: Content, answers: Sequence[HeldOut], encoder: Encoder, progress: Progress) -> Calibration:
    made_by = {
        "command": "python -m app calibrate",
        "data": f"{len(answers)} labelled answers to {len(content.examples)} questions, rubrics/*/*.examples.jsonl",
        "date": date.today().isoformat(),
        "model": f"{encoder.name}, sha256 {encoder.fingerprint[:12]}",
    }
    examples = _examples(content, answers, encoder, Background(content.known, encoder), progress)
    return fit(examples, made_by=made_by)


def _examples(
    content: Content, answers: Sequence[HeldOut], encoder: Encoder, background: Background, progress: Progress
) -> list[Example]:
    labelled = list(map(_labelled, answers))
    encode_rubrics(content, encoder, progress)
    measured = as_they_come(collect(labelled, encoder, background), labelled, "Measuring", progress)
    return [one for mine in measured for one in mine]


def encoder_for(settings: Settings, *, trained: bool) -> Encoder:
    """The encoder that `settings` name, with the trained layers or without. Raises GradingFailed."""
    if trained:
        return load_encoder(settings.embedding_model, settings.cache_dir)
    return load_encoder(settings.embedding_model, settings.cache_dir, layers=None)


def _labelled(held: HeldOut) -> Labelled:
    question, rubric, one = held
    return Labelled(
        question.id,
        question.prompt,
        rubric,
        one.answer,
        one.grade,
        _credits(one),
        {key: label.span for key, label in one.points.items() if label.span},
        dict(one.mistakes),
    )


def _credits(answer: LabelledAnswer) -> dict[str, float]:
    """The credit that its label gives each point."""
    return {key: CREDITS[label.status] for key, label in answer.points.items()}


def _always(grader: Grader) -> GraderFor:
    return lambda _: grader


def _result(
    answers: Sequence[HeldOut],
    name: str,
    grader_for: GraderFor,
    parts: Sequence[str],
    progress: Progress,
    mend: Callable[[list[Judged]], list[Judged]] | None = None,
) -> Result:
    """One grader's figures; `mend` puts right what a baseline can't say by itself."""

    def judge(held: HeldOut) -> Judged:
        return _judge(held, grader_for(held.question.id))

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        grading = pool.map(judge, answers)
        first = list(as_they_come(grading, answers, "Grading", progress))
    judged = mend(first) if mend else first
    alike, ms = regraded(judge, answers, first)
    grades = fitted_grades(judged)
    keys: dict[str, Callable[[Judged], str]] = {
        "domain": lambda one: one.question.split("/")[0],
        "kind": lambda one: one.kind,
        "question": lambda one: one.question,
        "origin": lambda one: ORIGINS[one.origin],
    }
    overall = agreement(judged, grades)._replace(regraded=alike, ms=ms)
    return Result(name, overall, {part: by(judged, grades, keys[part]) for part in parts}, judged)


def as_they_come(found: Iterator[T], todo: Sequence[Any], what: str, progress: Progress) -> Iterator[T]:
    """`found` as it comes, with the progress of `todo`."""
    for _ in progress(todo, what):
        yield next(found)


def _judge(held: HeldOut, grader: Grader) -> Judged:
    question, rubric, one = held
    feedback = grader.grade(question.prompt, rubric, [Answer(turn=0, text=one.answer)])
    status = {key: label.status for key, label in one.points.items()}
    credits = _credits(one)
    return Judged(
        question.id,
        one.id,
        one.kind.value,
        one.twin_of,
        one.grade,
        feedback.score,
        tuple((status[point.point_id], point.status.value) for point in feedback.points),
        tuple((credits[point.point_id], point.credit) for point in feedback.points),
        tuple((mistake.mistake_id in one.mistakes, mistake.made) for mistake in feedback.mistakes),
        one.origin.value,
        labelled_score(rubric, credits, one.mistakes),
    )


def labelled_score(rubric: Rubric, credits: Mapping[str, float], mistakes: Collection[str]) -> float:
    """The score, 0..100, that the labels of an answer give by the grader's own arithmetic."""
    found = [PointCredit(point_id=key, credit=credit) for key, credit in credits.items()]
    made = [MistakeFeedback(mistake_id=key, made=True) for key in mistakes]
    return feedback_from(rubric, found, made, (), "labels").score


def regraded(judge: Callable[[T], Judged], todo: Sequence[T], first: Sequence[Judged]) -> tuple[float, float]:
    """(share judged as in `first` a second time, median milliseconds) of a sample of `todo`, judged one by one."""
    alike, spent = [], []
    for row in range(0, len(todo), REGRADED_EVERY):
        start = time.perf_counter()
        again = judge(todo[row])
        spent.append(time.perf_counter() - start)
        alike.append(again == first[row])
    return float(np.mean(alike)), float(1000 * np.median(spent))


def without_points(judged: list[Judged]) -> list[Judged]:
    """`judged` by a baseline that knows no points."""
    return [one._replace(points=(), credits=(), labelled=float("nan")) for one in judged]


def with_fitted_statuses(judged: list[Judged]) -> list[Judged]:
    """Raw credits as statuses, by cut points fitted on the other questions: a cosine has no scale of its own."""
    fitted = []
    for name in dict.fromkeys(one.question for one in judged):
        others = [one for one in judged if one.question != name]
        pairs = [(truth, raw) for one in others for (truth, _), (_, raw) in zip(one.points, one.credits, strict=True)]
        low, high = status_cuts(pairs) if pairs else (0.3, 0.6)
        for one in judged:
            if one.question == name:
                points = tuple(
                    (truth, _status(raw, low, high))
                    for (truth, _), (_, raw) in zip(one.points, one.credits, strict=True)
                )
                fitted.append(one._replace(points=points, labelled=float("nan")))
    return fitted


def _status(credit: float, low: float, high: float) -> str:
    return "said" if credit >= high else "partly" if credit >= low else "missing"


def _figures(one: Agreement) -> dict[str, float | None]:
    return {key: None if value != value else value for key, value in one._asdict().items()}
