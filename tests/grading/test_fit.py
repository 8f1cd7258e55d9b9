"""The calibration: its fit, and what ships."""

from __future__ import annotations

import numpy as np
import pytest

from app.content import Content
from app.core.feedback import Flag
from app.grading.background import Background
from app.grading.calibration import shipped
from app.grading.encoder import Encoder
from app.grading.examples import Example, Labelled, collect
from app.grading.features import POINT_FEATURES
from app.grading.fit import fit
from app.grading.regression import logistic_regression
from tests.grading.conftest import CHAMPION


def test_logistic_regression_finds_the_weights_that_made_the_data() -> None:
    rng = np.random.default_rng(1)
    features = rng.normal(size=(5000, 3))
    targets = 1 / (1 + np.exp(-(features @ [2.0, 0.5, 0.0] - 1.0)))
    bias, weights = logistic_regression(features, targets)
    assert np.allclose([bias, *weights], [-1.0, 2.0, 0.5, 0.0], atol=0.1)


def test_weights_are_never_negative_and_a_constant_column_gets_none() -> None:
    rng = np.random.default_rng(2)
    features = np.column_stack([rng.normal(size=400), np.full(400, 0.1)])
    targets = (features[:, 0] < 0).astype(float)
    _, weights = logistic_regression(features, targets)
    assert weights.tolist() == [0.0, 0.0]


@pytest.fixture(scope="module")
def examples(content: Content, encoder: Encoder, background: Background) -> list[Example]:
    """What is measured of eight labelled answers."""
    credit = {"said": 1.0, "partly": 0.5, "missing": 0.0}
    answers = [
        Labelled(
            CHAMPION,
            content.questions[CHAMPION].prompt,
            content.rubrics[CHAMPION],
            one.answer,
            one.grade,
            {key: credit[label.status] for key, label in one.points.items()},
            {key: label.span for key, label in one.points.items() if label.span},
            dict(one.mistakes),
        )
        for one in content.examples[CHAMPION][:8]
    ]
    return [one for found in collect(answers, encoder, background) for one in found]


def test_a_fit_on_labelled_answers_tells_said_from_missing(examples: list[Example]) -> None:
    assert {one.group for one in examples} == {"point", "bare", "mistake", "bare_mistake"}
    judge = fit(examples).point
    points = [one for one in examples if one.group == "point"]
    best = {
        wanted: np.mean([judge(one.features, POINT_FEATURES).max() for one in points if one.target == wanted])
        for wanted in (0.0, 1.0)
    }
    assert best[1.0] > best[0.0] + 0.1
    assert fit(examples) == fit(examples)


def test_an_answer_that_says_enough_is_fitted_to_though_off_topic_as_a_whole_and_a_list_is_not(
    examples: list[Example],
) -> None:
    strongest = max(examples, key=lambda one: one.grade).answer

    def flagged(flag: Flag) -> list[Example]:
        return [one._replace(flag=flag) if one.answer == strongest else one for one in examples]

    assert fit(flagged(Flag.off_topic)).context == fit(examples).context
    assert fit(flagged(Flag.keyword_list)).context != fit(examples).context


def test_what_ships_says_how_it_was_made() -> None:
    for trained in (True, False):
        assert {"command", "data", "date", "model"} <= set(shipped(trained).made_by)
    assert "trained layers missing" in shipped(trained=False).made_by["model"]
