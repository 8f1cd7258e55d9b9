"""Content files -> core values: the question bank, the rubrics with their pairs, the scale, the labelled answers.

Every file has a strict schema; `load` collects all problems before it raises, so that an author sees them at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel

from app.content.files import Files
from app.content.lines import label_problems, twin_problems, with_answers, with_pairs
from app.content.schemas import (
    Exam,
    LabelledAnswer,
    Pair,
    RubricFile,
    ScaleFile,
    SignalEntry,
    SignalsFile,
    SignalUse,
)
from app.core.claim import Claim
from app.core.errors import InvalidContent
from app.core.known import KnownQuestions, OtherQuestion
from app.core.question import Question
from app.core.rubric import Mistake, Point, PointKind, Rubric, Scale

EXAMPLES, PAIRS, HEARD = ".examples.jsonl", ".pairs.jsonl", ".heard.jsonl"
OTHERS = "question_bank/elsewhere.jsonl"
CLAIMS, EXAMS = "rubrics/claims.jsonl", "rubrics/exams.jsonl"
SIGNALS, SIGNAL_PAIRS = "rubrics/signals.yaml", "rubrics/signals.pairs.jsonl"


class Content(NamedTuple):
    """Everything that ships as content, checked.

    `written` are the rubrics with the sentences of their pairs, `rubrics` with those of the labelled answers as well:
    by these everybody is graded who is not in `examples`. `twins` are closest opposites of what labelled answers say.
    """

    questions: dict[str, Question]
    rubrics: dict[str, Rubric]
    written: dict[str, Rubric]
    scale: Scale
    examples: dict[str, tuple[LabelledAnswer, ...]]
    twins: dict[str, tuple[Pair, ...]]
    others: tuple[OtherQuestion, ...]
    claims: tuple[Claim, ...] = ()
    exams: tuple[Exam, ...] = ()

    @property
    def known(self) -> KnownQuestions:
        """Every question that an answer may belong to."""
        bank = ((question.prompt, self.rubrics[name]) for name, question in self.questions.items())
        return KnownQuestions(tuple(bank), self.others)


def load(root: Path, *, whole: bool = False) -> Content:
    """Read the content below `root` (it holds `question_bank` and `rubrics`).

    Raises InvalidContent with every problem found. Exams and the claims to train on are read only for the `whole`.
    """
    reader = _Reader(root)
    questions = reader.questions()
    signals = reader.file(SIGNALS, SignalsFile)
    scale = reader.file("rubrics/scale.yaml", ScaleFile)
    told = {entry.id: entry for entry in signals.signals} if signals else {}
    rubrics = reader.rubrics(told)
    reader.match(questions, rubrics)
    written = reader.with_pairs(rubrics, set(told))
    examples = reader.examples(rubrics)
    twins = reader.twins(rubrics)
    others = reader.some(OTHERS, OtherQuestion)
    claims = reader.some(CLAIMS, Claim) if whole else ()
    exams = reader.some(EXAMS, Exam) if whole else ()
    reader.different(EXAMS, [one.id for one in exams])
    if reader.problems or scale is None:
        raise InvalidContent(sorted(reader.problems, key=lambda problem: (problem.file, problem.field)))
    rubrics = {
        place: with_answers(rubric, examples.get(place, ()), twins.get(place, ())) for place, rubric in written.items()
    }
    return Content(questions, rubrics, written, Scale(levels=scale.levels), examples, twins, others, claims, exams)


def json_schemas() -> dict[str, dict[str, Any]]:
    """JSON Schemas of the content files, by their path below the content root, for editors that complete YAML."""
    models: dict[str, type[BaseModel]] = {
        "question_bank/question.schema.json": Question,
        "question_bank/other.schema.json": OtherQuestion,
        "rubrics/rubric.schema.json": RubricFile,
        "rubrics/signals.schema.json": SignalsFile,
        "rubrics/scale.schema.json": ScaleFile,
        "rubrics/example.schema.json": LabelledAnswer,
        "rubrics/pair.schema.json": Pair,
        "rubrics/claim.schema.json": Claim,
        "rubrics/exam.schema.json": Exam,
    }
    return {path: model.model_json_schema() for path, model in models.items()}


class _Reader(Files):
    """Reads the content below a root, and sees that its files fit one another."""

    def questions(self) -> dict[str, Question]:
        found: dict[str, Question] = {}
        seen: dict[str, str] = {}
        for name, place in self.names("question_bank"):
            question = self.file(name, Question)
            if question is None:
                continue
            if question.id in seen:
                self.problem(name, "id", f"duplicate id {question.id}, already used by {seen[question.id]}")
            elif question.id != place:
                self.problem(name, "id", f"must be {place}, as the file's place says, not {question.id}")
            seen.setdefault(question.id, name)
            found[place] = question
        return found

    def rubrics(self, signals: dict[str, SignalEntry]) -> dict[str, Rubric]:
        found: dict[str, Rubric] = {}
        for name, place in self.names("rubrics"):
            file = self.file(name, RubricFile)
            if file is None:
                continue
            if file.question != place:
                self.problem(name, "question", f"must be {place}, as the file's place says, not {file.question}")
            self._match_ids(name, file, signals)
            found[place] = _resolve(place, file, signals)
        return found

    def _match_ids(self, name: str, file: RubricFile, signals: dict[str, SignalEntry]) -> None:
        """Note signals that there are not, and points that a mistake denies and the rubric has not."""
        for index, use in enumerate(file.signals):
            if use.id not in signals:
                self.problem(name, f"signals.{index}.id", f"no signal {use.id} in {SIGNALS}")
        if any(use.id not in signals for use in file.signals):
            return  # a signal misspelt is no second problem where it is denied
        points = {entry.id for entry in file.points} | {use.id for use in file.signals}
        for index, mistake in enumerate(file.mistakes):
            for one in sorted(set(mistake.denies) - points):
                self.problem(name, f"mistakes.{index}.denies", f"no such point in the rubric: {one}")

    def match(self, questions: dict[str, Question], rubrics: dict[str, Rubric]) -> None:
        """Note questions without a rubric and rubrics without a question, judged by their files."""
        bank = {place for _, place in _Reader(self.root).names("question_bank")}
        marked = {place for _, place in _Reader(self.root).names("rubrics")}
        for place in sorted(bank - marked):
            self.problem(f"question_bank/{place}.yaml", "", f"has no rubric: write rubrics/{place}.yaml")
        for place in sorted(marked - bank):
            self.problem(f"rubrics/{place}.yaml", "", f"has no question: write question_bank/{place}.yaml")
        if not bank:
            self.problem("question_bank", "", f"no questions found below {self.root}")

    def with_pairs(self, rubrics: dict[str, Rubric], signals: set[str]) -> dict[str, Rubric]:
        """The rubrics with the sentences of their `<slug>.pairs.jsonl`, where there is one, and of SIGNAL_PAIRS."""
        told = self._pairs(SIGNAL_PAIRS, SIGNALS, signals)
        found: dict[str, Rubric] = {}
        own = self._own_pairs(rubrics, PAIRS)
        for place, rubric in rubrics.items():
            points = {point.id for point in rubric.points}
            shared = [pair for pair in told if pair.point in points]
            found[place] = with_pairs(rubric, [*own.get(place, ()), *shared])
        return found

    def twins(self, rubrics: dict[str, Rubric]) -> dict[str, tuple[Pair, ...]]:
        """The pairs of each `<slug>.heard.jsonl`, of sentences that labelled answers say."""
        return self._own_pairs(rubrics, HEARD)

    def _own_pairs(self, rubrics: dict[str, Rubric], suffix: str) -> dict[str, tuple[Pair, ...]]:
        """The pairs in the file with this suffix that lies beside each rubric, where one does."""
        return {
            place: tuple(self._pairs(name, "the rubric", _ids(rubrics[place])))
            for name, _, place in self._beside(rubrics, suffix)
        }

    def _pairs(self, name: str, of: str, known: set[str]) -> list[Pair]:
        """The pairs of a file that may be missing; a pair whose id is not `known` from the file `of` is a problem."""
        found, path = [], self.root / name
        for number, pair in self.lines(name, path, Pair) if path.exists() else ():
            if (pair.point or pair.mistake) not in known:
                kind, one = ("point", pair.point) if pair.point else ("mistake", pair.mistake)
                self.problem(name, f"line {number}", f"no such {kind} in {of}: {one}")
            if pair.makes and pair.makes not in known:
                self.problem(name, f"line {number}", f"no such mistake in {of}: {pair.makes}")
            found.append(pair)
        return found

    def examples(self, rubrics: dict[str, Rubric]) -> dict[str, tuple[LabelledAnswer, ...]]:
        """The labelled answers of each question that has some."""
        found: dict[str, tuple[LabelledAnswer, ...]] = {}
        for name, path, place in self._beside(rubrics, EXAMPLES):
            known: dict[str, LabelledAnswer] = {}
            before = len(self.problems)
            for number, example in self.lines(name, path, LabelledAnswer):
                whole = len(self.problems) == before  # a twin of a line that can't be read is no second problem
                twin = twin_problems(example, known) if whole else ()
                for reason in [*label_problems(example, rubrics[place]), *twin]:
                    self.problem(name, f"line {number}", reason)
                if example.id in known:
                    self.problem(name, f"line {number}", f"duplicate id {example.id}")
                known[example.id] = example
            found[place] = tuple(known.values())
        return found

    def different(self, name: str, ids: list[str]) -> None:
        """Note ids that occur twice in the file `name`."""
        for one in sorted({one for one in ids if ids.count(one) > 1}):
            self.problem(name, "id", f"duplicate id {one}")

    def _beside(self, rubrics: dict[str, Rubric], suffix: str) -> Iterator[tuple[str, Path, str]]:
        """(name, path, question id) of each file with this suffix that lies beside a rubric."""
        for path in sorted((self.root / "rubrics").glob(f"*/*{suffix}")):
            name = path.relative_to(self.root).as_posix()
            place = f"{path.parent.name}/{path.name.removesuffix(suffix)}"
            if place in rubrics:
                yield name, path, place
            elif suffix == EXAMPLES and not (self.root / f"question_bank/{place}.yaml").exists():
                self.problem(name, "", f"has no question: write question_bank/{place}.yaml")


def _ids(rubric: Rubric) -> set[str]:
    return {point.id for point in rubric.points} | {mistake.id for mistake in rubric.mistakes}


def _resolve(question_id: str, file: RubricFile, signals: dict[str, SignalEntry]) -> Rubric:
    """The rubric with each signal it uses turned into a point; unknown signals are left out."""
    points = [Point(**entry.model_dump()) for entry in file.points]
    points += [_signal_point(signals[use.id], use) for use in file.signals if use.id in signals]
    mistakes = tuple(Mistake(**entry.model_dump()) for entry in file.mistakes)
    return Rubric.model_construct(question_id=question_id, points=tuple(points), mistakes=mistakes)


def _signal_point(signal: SignalEntry, use: SignalUse) -> Point:
    return Point(
        id=signal.id,
        says=signal.says,
        why=use.why or signal.why,
        weight=use.weight,
        exemplars=signal.exemplars + use.exemplars,
        probe=use.probe or signal.probe,
        kind=PointKind.signal,
    )
