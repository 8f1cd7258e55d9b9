"""From features to a calibrated credit: logistic functions with non-negative weights, kept in calibration.json."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from pydantic import Field

from app.core.question import Strict

FILE = Path(__file__).with_name("calibration.json")


class Logistic(Strict):
    """p = 1 / (1 + exp(-(bias + weights . features))); no weight is negative, so more never means less."""

    bias: float
    weights: dict[str, Annotated[float, Field(ge=0)]]

    def __call__(self, features: npt.NDArray[np.float32], names: tuple[str, ...]) -> npt.NDArray[np.float64]:
        """Probabilities (...) for features (..., len(names)); a name without a weight counts for nothing."""
        weights = np.array([self.weights.get(name, 0.0) for name in names])
        # einsum, not a matrix product: its order of summing is the same for every shape, and so are the bits
        score = np.einsum("...f,f->...", features.astype(np.float64), weights) + self.bias
        return np.asarray(1.0 / (1.0 + np.exp(-np.clip(score, -50, 50))))


BEYOND_DOUBT = 0.0275
"""The lead above the bound from which an answer is about its question. Of those to others that the bound lets through
most are nearer, of honest ones one in twenty. On the 572 answers labelled last junk above partial falls from 7.8 to
5.7 % (5.6 with 0.0325, 6.5 with 0.0175), with 0.0425 it stays at 7.3."""


class OnTopic(Strict):
    """What an answer to a question of the bank must reach, or it is off topic; and what one reaches.

    `lead` is how much nearer its sentences are to this question than to the best other one (see flags.reached), `near`
    the highest cosine of one of them with a text of the rubric or with the question.
    """

    lead: float
    near: float

    def missed(self, reached: OnTopic) -> bool:
        """Whether what an answer `reached` falls short of this."""
        return reached.lead < self.lead or reached.near < self.near

    def above(self, reached: OnTopic) -> float:
        """How far what an answer `reached` is above the bound for its lead, 0..1; 1 is from BEYOND_DOUBT on."""
        return min(1.0, max(0.0, (reached.lead - self.lead) / BEYOND_DOUBT))


ANYTHING = OnTopic(lead=-2.0, near=-1.0)
"""Takes no answer for off topic."""


class Calibration(Strict):
    """The fitted functions, how they were made, and from which probability on a mistake counts as made.

    `point` judges windows against points that have exemplars, `bare` against those that have only a statement, `signal`
    against the signals, `lone` against the points of a rubric that has too few of them to be compared. `context`,
    `signal_context` and `bare_context` turn a point's best windows into its credit, in the light of the other points;
    `mistake_context` does so for mistakes, and `mistake_from` is a bound on what comes of it.
    """

    point: Logistic
    bare: Logistic
    signal: Logistic
    lone: Logistic
    context: Logistic
    signal_context: Logistic
    bare_context: Logistic
    mistake: Logistic
    bare_mistake: Logistic
    mistake_context: Logistic
    mistake_from: Annotated[float, Field(gt=0, lt=1)]
    on_topic: OnTopic
    made_by: dict[str, Any] = Field(default_factory=dict)


class Shipped(Strict):
    """The file app/grading/calibration.json: one calibration for the encoder with trained layers, one for any other."""

    trained: Calibration
    plain: Calibration


@cache
def shipped(trained: bool) -> Calibration:
    """The calibration that ships for an encoder with the trained layers, or for one without."""
    both = Shipped.model_validate(json.loads(FILE.read_text("utf-8")))
    return both.trained if trained else both.plain
