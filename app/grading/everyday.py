"""Talk that answers no interview question, found sentence by sentence.

Somebody who goes on to tell of the rabbits at home has answered nothing by it. But a story has the form of an answer
whatever it is about: "it was me who had left the gate open, and I told them at once" is near to every exemplar of
owning a mistake. So each sentence is compared with talk about private life too, of which the bank has 1,460 sentences.
What is nearer to that than to the rubric is left out before anything is judged.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from app.grading.discriminant import tell_apart
from app.grading.encoder import Vectors

RIDGE = 0.001
"""Penalty of the function that tells answers from talk; with a third of it the same, with ten times as much worse."""
SHARE = 0.2
"""What that function counts beside the lead in cosine; 0.1 to 0.3 are level."""
NEIGHBOURS = 0.5
"""What the mean of a sentence's two neighbours counts beside itself: talk comes in stretches, and without them a
sentence like "nobody else looked up" could be about anything."""
LEVEL = 0.5
"""What the upper quartile of the answer's sentences counts against one of them. Who explains precision by a dog that
digs for truffles speaks like this throughout; who strays leaves the level of what was said before."""
LEAST_LEVEL = 0.12
"""An answer's level counts as no lower than this; that of one in twenty labelled answers is."""
BOUND = -0.24
"""Below this a sentence is talk. So are 84 % of 238 sentences of private talk, many in the form of an answer, that were
written apart from those here and put at the end of labelled answers; and 16 of the 3,966 sentences in which a point is
labelled as said, half of them parables about ovens and ewes. Nearness alone left out 45 %, by 110 sentences of talk."""
FEW = 0.8
"""Over the square of the number of sentences, what lowers the bound for a reply to a follow-up. It need not resemble
anything: without this 42 % of 24 short honest replies ("it saved three hours a week", "twelve people") to each of the
26 questions were taken for talk; with it none, of two such replies in a row 6 %. Of paragraphs of talk as a reply 62 %
of the sentences are left out all the same."""


class EverydayTalk:
    """Tells everyday talk from answers to interview questions."""

    def __init__(self, asked: Vectors, talk: Vectors) -> None:
        """`asked` (n, width) are vectors of what answers interview questions, `talk` (m, width) of what does not."""
        self._talk = talk
        self._answers = tell_apart(asked, talk, RIDGE)

    def among(self, sentences: Vectors, rubric: Vectors, *, reply: bool = False) -> npt.NDArray[np.bool_]:
        """Which of a turn's `sentences` (n, width), in order, are talk beside `rubric` (texts, width): (n,).

        `reply` says that the turn replies to a follow-up.
        """
        if self._answers is None or not len(sentences):
            return np.zeros(len(sentences), np.bool_)
        lead = (sentences @ rubric.T).max(axis=1) - (sentences @ self._talk.T).max(axis=1)
        own = lead + SHARE * self._answers(sentences)
        level = max(LEAST_LEVEL, float(np.quantile(own, 0.75)))
        bound = BOUND - FEW / len(sentences) ** 2 if reply else BOUND
        return np.asarray(own + NEIGHBOURS * _of_neighbours(own) - LEVEL * level < bound, np.bool_)


def _of_neighbours(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The mean of each one's neighbours; the first and the last have one, and one alone has itself."""
    before = np.concatenate([values[1:2], values[:-1]]) if len(values) > 1 else values
    after = np.concatenate([values[1:], values[-2:-1]]) if len(values) > 1 else values
    return np.asarray((before + after) / 2, np.float32)
