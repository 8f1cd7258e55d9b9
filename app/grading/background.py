"""The other questions of the bank, as what an answer might be about instead."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from app.core.known import KnownQuestions
from app.core.rubric import PointKind, Rubric
from app.grading.encoder import WORKERS, Encoder, Vectors
from app.grading.everyday import EverydayTalk
from app.grading.topics import Telling, Topics

Array = npt.NDArray[np.float32]


EXEMPLARS = 6
"""Exemplars of a point or mistake that stand for it here."""
OWN_STORIES = 12
"""Texts of a signal that only one question has, which tell it from others here. They come last: what people said who
were asked just this."""
STORY_LEANS = 2.0
"""What leaning counts for a question that asks for a story, and so is marked by signals: there the nearest texts say
little. At a bound that one in 110 labelled answers worth something misses, 88 % of those to other questions about a
story are seen with it and 80 % without, of the others 88 % either way."""
FEWER_TEXTS = 0.02
"""Added to the mean cosine with a question that the bank lacks: the nearest of 17 texts is a little farther than the
nearest of the hundred or so that a question of the bank has here. With it, 6 of 37 labelled answers to other questions
come as near to the question asked as the least near honest answer; without it 8; with the bank's questions alone 11
(with the layers of embedding-4)."""


class Surroundings(NamedTuple):
    """The cosine of each of an answer's windows, its sentences first, with the nearest text of each other question.

    `bank` (questions, windows) are those of the bank, `lacking` (questions, windows) those that it lacks.
    """

    bank: Array
    lacking: Array

    def nearest(self) -> Array:
        """Each window's cosine with the nearest text of any other question, (windows,)."""
        return np.asarray(np.concatenate([self.bank, self.lacking]).max(axis=0))

    def best_question(self, sentences: int) -> float:
        """How well the question that fits an answer of so many sentences best does so: the mean of their cosines."""
        bank, lacking = (rows[:, :sentences].mean(axis=1) for rows in (self.bank, self.lacking))
        return float(max(bank.max(), lacking.max(initial=-1.0) + FEWER_TEXTS))


class Background:
    """Some texts of every known question: claims, mistakes, prompts; and everyday talk.

    A few of each are enough to tell where an answer belongs, and make the difference between seconds and a minute when
    their vectors are computed for the first time. Signals don't tell questions apart, as these share them; but they
    tell an answer from talk.
    """

    def __init__(self, known: KnownQuestions, encoder: Encoder) -> None:
        """Computes the vectors that the encoder's cache lacks."""
        own = [_own_texts(*one) for one in known.bank]
        stories = _own_stories([rubric for _, rubric in known.bank])
        with ThreadPoolExecutor(WORKERS) as pool:
            bank = list(pool.map(encoder.bundle, own))
            told = pool.map(encoder.bundle, stories)
            signals = pool.map(lambda one: encoder.bundle(_signals(one[1])), known.bank)
            others = pool.map(lambda one: encoder.bundle([one.asks, *one.texts]), known.others)
            names = [rubric.question_id for _, rubric in known.bank]
            self._vectors = dict(zip(names, bank, strict=True))
            self._others = list(others)
        telling = [
            Telling([*texts, *more], np.concatenate([vectors, also]))
            for texts, vectors, more, also in zip(own, bank, stories, told, strict=True)
        ]
        self._topics = Topics(dict(zip(names, telling, strict=True))) if len(names) > 1 else None
        self._leans = {name: STORY_LEANS if more else 1.0 for name, more in zip(names, stories, strict=True)}
        everyday = [one.everyday for one in known.others]
        asked = [*self._vectors.values(), *signals, *_where(everyday, self._others, wanted=False)]
        talk = _where(everyday, self._others, wanted=True)
        self._talk = EverydayTalk(np.concatenate(asked), np.concatenate(talk)) if asked and talk else None

    def around(self, question_id: str, windows: Vectors) -> Surroundings | None:
        """Where the windows of one answer, unit vectors (n, width), lie among all questions but `question_id`.

        None for a question that is not in the bank, or has it to itself, and where there are no windows.
        """
        if question_id not in self._vectors or len(self._vectors) < 2 or not len(windows):
            return None
        bank = [_nearest_of(theirs, windows) for name, theirs in self._vectors.items() if name != question_id]
        lacking = [_nearest_of(theirs, windows) for theirs in self._others]
        return Surroundings(np.stack(bank), np.array(lacking, np.float32).reshape(len(lacking), len(windows)))

    def leaning(self, question_id: str, rubric: Telling, sentences: Vectors) -> float:
        """How far the sentences of one answer (n, width) lean to the question asked: Topics.lead, more for a story.

        0 for a question that is not in the bank, or has it to itself, and where there are no sentences.
        """
        if self._topics is None or question_id not in self._vectors or not len(sentences):
            return 0.0
        return self._leans[question_id] * self._topics.lead(question_id, rubric, sentences)

    def talk(
        self, question_id: str, sentences: Vectors, rubric: Vectors, *, reply: bool = False
    ) -> npt.NDArray[np.bool_]:
        """Which of the sentences of one turn (n, width) are everyday talk beside `rubric` (texts, width): (n,).

        `reply` says that it replies to a follow-up. For a question that is not in the bank no sentence is talk: it may
        ask about bread.
        """
        if self._talk is None or question_id not in self._vectors:
            return np.zeros(len(sentences), np.bool_)
        return self._talk.among(sentences, rubric, reply=reply)


def _where(marks: Sequence[bool], bundles: Sequence[Vectors], *, wanted: bool) -> list[Vectors]:
    return [one for mark, one in zip(marks, bundles, strict=True) if mark is wanted]


def _nearest_of(texts: Vectors, vectors: Vectors) -> Array:
    """The cosine of each of `vectors` (n, width) with the nearest of `texts`, (n,)."""
    return np.asarray((vectors @ texts.T).max(axis=1), np.float32)


def _own_texts(prompt: str, rubric: Rubric) -> list[str]:
    points = [point for point in rubric.points if point.kind is PointKind.point]
    texts = [prompt, *(point.probe for point in rubric.points)]
    texts += [text for point in points for text in (point.says, *point.exemplars[:EXEMPLARS])]
    return texts + [text for one in rubric.mistakes for text in (one.says, *one.exemplars[:EXEMPLARS])]


def _signals(rubric: Rubric) -> list[str]:
    signals = [point for point in rubric.points if point.kind is PointKind.signal]
    return [text for point in signals for text in (point.says, *point.exemplars[:EXEMPLARS])]


def _own_stories(rubrics: Sequence[Rubric]) -> list[list[str]]:
    """For each rubric the last texts of each of its signals that no other rubric has."""
    signals = [
        [(point.says, *point.exemplars) for point in one.points if point.kind is PointKind.signal] for one in rubrics
    ]
    count = Counter(text for mine in signals for text in {text for texts in mine for text in texts})
    return [
        [text for texts in mine for text in [one for one in texts if count[one] == 1][-OWN_STORIES:]]
        for mine in signals
    ]
