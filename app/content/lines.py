"""The JSON lines beside a rubric, labelled answers and pairs: what may be wrong with them, and what becomes of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from app.content.schemas import EXAMPLES_FEWEST, TWINS, AnswerKind, LabelledAnswer, Pair
from app.core.errors import Problem
from app.core.rubric import Mistake, Point, Rubric
from app.core.segment import lies_on, sentences


def incomplete(examples: Mapping[str, Sequence[LabelledAnswer]]) -> list[Problem]:
    """What is still missing from labelled answers that can already be read and used."""
    found = []
    for question, answers in examples.items():
        missing = [kind.value for kind in AnswerKind if kind not in {one.kind for one in answers}]
        reasons = [f"has no answer of kind {', '.join(missing)}: write at least one of each"] if missing else []
        if len(answers) < EXAMPLES_FEWEST:
            reasons.append(f"has {len(answers)} answers, and needs at least {EXAMPLES_FEWEST}")
        found += [Problem(file=f"rubrics/{question}.examples.jsonl", field="", reason=reason) for reason in reasons]
    return found


def label_problems(example: LabelledAnswer, rubric: Rubric) -> Iterator[str]:
    """What is wrong with its labels: ids that the rubric lacks, spans that the answer lacks."""
    known = {point.id for point in rubric.points}
    if missing := sorted(known - set(example.points)):
        yield f"no label for {', '.join(missing)}"
    if extra := sorted(set(example.points) - known):
        yield f"no such point in the rubric: {', '.join(extra)}"
    if extra := sorted(set(example.mistakes) - {mistake.id for mistake in rubric.mistakes}):
        yield f"no such mistake in the rubric: {', '.join(extra)}"
    spans = [(f"point {key}", label.span) for key, label in example.points.items() if label.status != "missing"]
    spans += [(f"mistake {key}", span) for key, span in example.mistakes.items()]
    for what, span in spans:
        if not span:
            yield f"{what}: needs the span of text that shows it"
        elif span not in example.answer:
            yield f"{what}: its span is not in the answer, word for word"


def twin_problems(example: LabelledAnswer, known: dict[str, LabelledAnswer]) -> Iterator[str]:
    """What is wrong with its `twin_of`, given the answers above it."""
    if (example.kind in TWINS) != (example.twin_of is not None):
        yield "twin_of: name the answer that a turned or reworded one was written from, and only there"
    elif example.twin_of and (example.twin_of not in known or known[example.twin_of].kind in TWINS):
        yield f"twin_of: no such answer above: {example.twin_of}"


def with_pairs(rubric: Rubric, pairs: Sequence[Pair]) -> Rubric:
    """The rubric with what is true in `pairs` among its exemplars, and the rest as contrasts.

    A pair may stand beside an exemplar that the rubric has already.
    """
    exemplars: dict[str, list[str]] = {}
    contrasts: dict[str, list[str]] = {}
    for pair in pairs:
        of = pair.point or pair.mistake or ""
        contrasts.setdefault(of, []).append(pair.contrast)
        if pair.exemplar:
            exemplars.setdefault(of, []).append(pair.exemplar)

    return _with_more(rubric, exemplars, contrasts)


def with_answers(rubric: Rubric, answers: Iterable[LabelledAnswer]) -> Rubric:
    """The rubric with the sentences of labelled `answers` that say a point, or make a mistake, among its exemplars."""
    exemplars: dict[str, list[str]] = {}
    for answer in answers:
        windows = sentences(answer.answer)
        spans = {key: label.span for key, label in answer.points.items() if label.status == "said"} | answer.mistakes
        for claim, span in spans.items():
            start = answer.answer.find(span or "")
            heard = [window.text for window in windows if span and lies_on(window, start, start + len(span))]
            exemplars.setdefault(claim, []).extend(heard)
    return _with_more(rubric, exemplars, {})


def _with_more(rubric: Rubric, exemplars: Mapping[str, list[str]], contrasts: Mapping[str, list[str]]) -> Rubric:
    """The rubric with more sentences of points and mistakes, by their ids; one that it has already comes in once."""

    def more(one: Point | Mistake) -> dict[str, tuple[str, ...]]:
        return {
            "exemplars": tuple(dict.fromkeys((*one.exemplars, *exemplars.get(one.id, ())))),
            "contrasts": (*one.contrasts, *contrasts.get(one.id, ())),
        }

    points = tuple(point.model_copy(update=more(point)) for point in rubric.points)
    mistakes = tuple(mistake.model_copy(update=more(mistake)) for mistake in rubric.mistakes)
    return rubric.model_copy(update={"points": points, "mistakes": mistakes})
