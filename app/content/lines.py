"""The JSON lines beside a rubric, labelled answers and pairs: what may be wrong with them, and what becomes of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from app.content.schemas import EXAMPLES_FEWEST, TWINS, AnswerKind, LabelledAnswer, Pair
from app.core.errors import Problem
from app.core.rubric import Mistake, Point, Rubric
from app.core.segment import lies_on, sentences

_Sentences = defaultdict[str, list[str]]  # of points and mistakes, by their ids


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
    exemplars, contrasts = _Sentences(list), _Sentences(list)
    for pair in pairs:
        _take(pair, exemplars, contrasts)
    return _with_more(rubric, exemplars, contrasts)


def _take(pair: Pair, exemplars: _Sentences, contrasts: _Sentences) -> None:
    """Put the sentences of `pair` where they belong; one turned false so that it makes a mistake is an exemplar too."""
    of = pair.point or pair.mistake or ""
    contrasts[of].append(pair.contrast)
    if pair.exemplar:
        exemplars[of].append(pair.exemplar)
    if pair.exemplar and pair.makes:
        exemplars[pair.makes].append(pair.contrast)
        contrasts[pair.makes].append(pair.exemplar)


ALIKE = 0.4
"""The share of words, of those in either, that a sentence turned false has in common with the true one at least."""
SHORTEST = 3
"""Words of a sentence that says something by itself: "retrain." was heard as an exemplar."""


def with_answers(rubric: Rubric, answers: Sequence[LabelledAnswer], twins: Sequence[Pair] = ()) -> Rubric:
    """The rubric with the sentences of labelled `answers` that say a point, or make a mistake, among its exemplars.

    What an answer's twin turned false says instead comes among the contrasts of the point, and the true sentence among
    those of the mistake. `twins` give closest opposites of sentences, which come in with the sentence.
    """
    exemplars, contrasts = _Sentences(list), _Sentences(list)
    heard = {answer.id: _Heard(answer) for answer in answers}
    for answer in answers:
        mine = heard[answer.id]
        for claim in mine.spans:
            exemplars[claim].extend(mine.saying(claim))
        if answer.kind is AnswerKind.turned and answer.twin_of in heard:
            true = heard[answer.twin_of]
            for claim in true.spans.keys() - mine.spans.keys() - answer.mistakes.keys():
                contrasts[claim].extend(mine.in_place_of(true.saying(claim)))
            for claim in answer.mistakes.keys() - true.spans.keys():
                contrasts[claim].extend(true.in_place_of(mine.saying(claim)))
    said = {claim: set(texts) for claim, texts in exemplars.items()}
    for pair in twins:
        if pair.exemplar in said.get(pair.point or pair.mistake or "", ()):
            _take(pair, exemplars, contrasts)
    return _with_more(rubric, exemplars, contrasts)


def unheard(twins: Mapping[str, Sequence[Pair]], examples: Mapping[str, Sequence[LabelledAnswer]]) -> Iterator[Problem]:
    """The `twins` of each question whose sentence no labelled answer says for that point or mistake."""
    for question, pairs in twins.items():
        answers = [_Heard(answer) for answer in examples.get(question, ())]
        heard = {(claim, text) for answer in answers for claim in answer.spans for text in answer.saying(claim)}
        for number, pair in enumerate(pairs, start=1):
            claim = pair.point or pair.mistake
            if (claim, pair.exemplar) not in heard:
                reason = f"pair {number}: no labelled answer says this for {claim}: {pair.exemplar}"
                yield Problem(file=f"rubrics/{question}.heard.jsonl", field="", reason=reason)


class _Heard:
    """A labelled answer by its sentences; `spans` are the stretches of the points said in full and of the mistakes."""

    def __init__(self, answer: LabelledAnswer) -> None:
        said = {key: label.span or "" for key, label in answer.points.items() if label.status == "said"}
        self.spans = said | answer.mistakes
        self._text = answer.answer
        self._windows = sentences(answer.answer)

    def saying(self, claim: str) -> list[str]:
        """The sentences that lie on the stretch of a point or mistake."""
        span = self.spans[claim]
        start = self._text.find(span)
        end = start + len(span)
        return [one.text for one in self._windows if lies_on(one, start, end) and len(one.text.split()) >= SHORTEST]

    def in_place_of(self, texts: Iterable[str]) -> list[str]:
        """The sentences here that are most like each of a twin's `texts` without being the same."""
        here = [(window.text, frozenset(window.text.lower().split())) for window in self._windows]
        found = []
        for text in texts:
            words = frozenset(text.lower().split())
            alike, nearest = max(
                ((len(words & mine) / len(words | mine), one) for one, mine in here), default=(0.0, "")
            )
            if alike >= ALIKE and nearest != text:
                found.append(nearest)
        return found


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
