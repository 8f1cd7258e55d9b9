"""The schemas of the content files: what an author may write, and what is refused."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field, model_validator

from app.core.question import Level, Slug, Strict, Text
from app.core.rubric import Scale, Verdict, Weight

POINTS_FEWEST, POINTS_MOST = 6, 10
EXAMPLES_FEWEST = 12
"""Labelled answers to a question."""


class PointEntry(Strict):
    """A point as written in a rubric file."""

    id: Slug
    says: Text
    why: Text
    weight: Weight
    exemplars: Annotated[tuple[Text, ...], Field(min_length=4)]
    probe: Text


class SignalUse(Strict):
    """A signal taken up by a rubric: its weight here, and what this question adds to it."""

    id: Slug
    weight: Weight
    why: Text | None = None
    probe: Text | None = None
    exemplars: tuple[Text, ...] = ()


class MistakeEntry(Strict):
    """A mistake as written in a rubric file."""

    id: Slug
    says: Text
    exemplars: Annotated[tuple[Text, ...], Field(min_length=3)]
    correction: Text
    denies: tuple[Slug, ...] = ()


class RubricFile(Strict):
    """One file under `rubrics/<domain>/`."""

    question: str
    points: tuple[PointEntry, ...] = ()
    signals: tuple[SignalUse, ...] = ()
    mistakes: Annotated[tuple[MistakeEntry, ...], Field(min_length=5)]

    @model_validator(mode="after")
    def _counts_and_ids(self) -> RubricFile:
        count = len(self.points) + len(self.signals)
        if not POINTS_FEWEST <= count <= POINTS_MOST:
            raise ValueError(
                f"points and signals together must be {POINTS_FEWEST} to {POINTS_MOST}, here they are {count}"
            )
        refuse_duplicates([entry.id for entry in self.points] + [use.id for use in self.signals], "point")
        refuse_duplicates([entry.id for entry in self.mistakes], "mistake")
        return self


class SignalEntry(Strict):
    """A point about how something is told, shared by many questions."""

    id: Slug
    says: Text
    why: Text
    exemplars: Annotated[tuple[Text, ...], Field(min_length=15)]
    probe: Text


class SignalsFile(Strict):
    """The file `rubrics/signals.yaml`."""

    signals: Annotated[tuple[SignalEntry, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _ids(self) -> SignalsFile:
        refuse_duplicates([entry.id for entry in self.signals], "signal")
        return self


class ScaleFile(Scale):
    """The file `rubrics/scale.yaml`."""

    @model_validator(mode="after")
    def _complete_and_ordered(self) -> ScaleFile:
        for level in Level:
            bands = self.levels.get(level, {})
            missing = [verdict.value for verdict in Verdict if verdict not in bands]
            if missing:
                raise ValueError(f"level {level.value} lacks {', '.join(missing)}")
            scores = [bands[verdict].from_score for verdict in Verdict]
            if scores != sorted(set(scores), reverse=True) or scores[-1] != 0:
                raise ValueError(f"level {level.value}: from_score must fall from verdict to verdict and end at 0")
        return self


class AnswerKind(StrEnum):
    """What a labelled answer is like."""

    strong = "strong"
    solid = "solid"
    partial = "partial"
    vague = "vague"
    wrong = "wrong"
    half_right = "half_right"
    keyword_list = "keyword_list"
    echo = "echo"
    off_topic = "off_topic"
    terse = "terse"
    paraphrase = "paraphrase"
    transcript = "transcript"
    turned = "turned"
    reworded = "reworded"


TWINS = frozenset({AnswerKind.turned, AnswerKind.reworded})
"""Kinds written from another answer: its key claims turned false, or the same things said in other words."""


class PointLabel(Strict):
    """What a person read of one point in an answer; `span` is the text that shows it, word for word."""

    status: Annotated[str, Field(pattern="^(said|partly|missing)$")]
    span: str | None = None


class AnswerOrigin(StrEnum):
    """How a labelled answer was written: with the rubric at hand, or without having seen it, as no candidate has.

    `typed` are of the second sort, as people type against the clock: two or three claims in a sentence, right and wrong
    ones side by side. `fresh` ones are of both sorts, written last: they were graded once by what had been built and
    fitted without them, and only then taken in.
    """

    rubric = "rubric"
    blind = "blind"
    typed = "typed"
    fresh = "fresh"


class LabelledAnswer(Strict):
    """One line of `<slug>.examples.jsonl`: an answer with a person's judgement (grade 0..4).

    `twin_of` is the id of the answer that a turned or reworded one was written from.
    """

    id: Text
    kind: AnswerKind
    twin_of: str | None = None
    origin: AnswerOrigin = AnswerOrigin.rubric
    grade: Annotated[int, Field(ge=0, le=4)]
    answer: Text
    points: dict[str, PointLabel]
    mistakes: dict[str, str]


class Pair(Strict):
    """One line of `<slug>.pairs.jsonl`: a sentence of a point or mistake beside its closest opposite.

    Of a point: `true` says it, `turned` is the same sentence made false, `near` (alone) is on the topic and does not
    say it; `makes` names the mistake that `turned` makes, if it does make one. Of a mistake: `made` makes it, `right`
    is the closest sentence that is innocent of it.
    """

    point: Slug | None = None
    true: Text | None = None
    turned: Text | None = None
    makes: Slug | None = None
    near: Text | None = None
    mistake: Slug | None = None
    made: Text | None = None
    right: Text | None = None

    @model_validator(mode="after")
    def _one_of_three(self) -> Pair:
        turned = {"point", "true", "turned"}
        if self.model_fields_set not in (turned, turned | {"makes"}, {"point", "near"}, {"mistake", "made", "right"}):
            raise ValueError(
                "a line has point, true and turned; or point and near; or mistake, made and right; makes goes by turned"
            )
        return self

    @property
    def exemplar(self) -> str | None:
        """The sentence that says the point or makes the mistake; None for a `near`."""
        return self.true or self.made

    @property
    def contrast(self) -> str:
        """The sentence that does not."""
        return self.turned or self.near or self.right or ""


class ExamPoint(Strict):
    """A point of a marking scheme."""

    id: Slug
    says: Text
    weight: Annotated[float, Field(gt=0)]


class ExamMistake(Strict):
    """A wrong claim that a marking scheme warns of."""

    id: Slug
    says: Text
    correction: Text


class MarkedAnswer(Strict):
    """An answer to an exam question with a person's marks: a credit for each point, the mistakes made, and 0..100."""

    id: Slug
    answer: Text
    credits: dict[str, Annotated[float, Field(ge=0, le=1)]]
    mistakes: tuple[Slug, ...] = ()
    score: Annotated[float, Field(ge=0, le=100)]


class Exam(Strict):
    """One line of `rubrics/exams.jsonl`: an exam question with its marking scheme and marked answers.

    Nothing is fitted to them and nothing trained on them: they tell how a rubric of one's own is judged.
    """

    id: Slug
    question: Text
    points: Annotated[tuple[ExamPoint, ...], Field(min_length=1)]
    mistakes: tuple[ExamMistake, ...] = ()
    answers: Annotated[tuple[MarkedAnswer, ...], Field(min_length=2)]

    @model_validator(mode="after")
    def _ids(self) -> Exam:
        points, mistakes = [one.id for one in self.points], [one.id for one in self.mistakes]
        refuse_duplicates(points, "point")
        refuse_duplicates(mistakes, "mistake")
        refuse_duplicates([one.id for one in self.answers], "answer")
        for one in self.answers:
            if set(one.credits) != set(points):
                raise ValueError(f"answer {one.id}: credits must be for {', '.join(points)}")
            if unknown := sorted(set(one.mistakes) - set(mistakes)):
                raise ValueError(f"answer {one.id}: no such mistake: {', '.join(unknown)}")
        return self


def refuse_duplicates(ids: list[str], what: str) -> None:
    """Raise ValueError naming the ids that occur more than once; `what` says of what."""
    twice = sorted({one for one in ids if ids.count(one) > 1})
    if twice:
        raise ValueError(f"duplicate {what} id: {', '.join(twice)}")
