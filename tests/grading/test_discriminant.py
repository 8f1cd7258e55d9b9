"""Telling a claim from its contrasts."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from app.content import Content
from app.grading.discriminant import one_vs_rest, tell_apart
from app.grading.encoder import Encoder, unit
from tests.grading.conftest import CHAMPION


def test_it_finds_the_direction_in_which_two_sides_differ() -> None:
    random = np.random.default_rng(1)
    topic, direction = random.normal(size=(2, 64)).astype(np.float32)
    sides = [topic + sign * 0.3 * direction + random.normal(scale=0.5, size=(12, 64)) for sign in (1, -1)]
    told = tell_apart(sides[0][:8].astype(np.float32), sides[1][:8].astype(np.float32))
    assert told is not None
    assert (told(sides[0][8:].astype(np.float32)) > told(sides[1][8:].astype(np.float32)).max()).all()


def test_too_few_texts_tell_nothing() -> None:
    some = np.eye(4, dtype=np.float32)
    assert tell_apart(some[:2], some) is None
    assert tell_apart(some, some[:0]) is None


def test_a_point_is_told_from_its_twins(content: Content, encoder: Encoder) -> None:
    """The last pairs of each point, which speak in images, are told apart by what was learnt from all the others."""
    right = total = 0
    for point in content.rubrics[CHAMPION].points:
        exemplars, contrasts = (encoder.encode(list(texts)) for texts in (point.exemplars, point.contrasts))
        told = tell_apart(exemplars[:-4], contrasts[:-4])
        assert told is not None
        right += int((told(exemplars[-4:])[:, None] > told(contrasts[-4:])[None, :]).sum())
        total += 16
    assert right / total > 0.8


def test_a_claim_is_singled_out_from_all_other_rows() -> None:
    random = np.random.default_rng(2)
    middles = random.normal(size=(3, 32))
    rows = unit(np.concatenate([middle + random.normal(scale=0.3, size=(6, 32)) for middle in middles]))
    scores = one_vs_rest(rows, [slice(0, 6), slice(6, 12)])(rows)
    assert scores.shape == (18, 2)
    assert np.allclose(scores[:6, 0].mean(), 1, atol=1e-4)
    assert np.allclose(scores[6:, 0].mean(), 0, atol=1e-4)
    assert np.allclose(scores[6:12, 1].mean(), 1, atol=1e-4)


def test_a_claim_said_in_unlike_ways_is_told_from_what_lies_between() -> None:
    """Which no linear function can."""
    random = np.random.default_rng(5)
    left, right = random.normal(size=(2, 32))
    middles = np.array([left, right, left + right])
    rows = unit(np.concatenate([middle + random.normal(scale=0.1, size=(9, 32)) for middle in middles]))
    known = np.delete(rows, [8, 17, 26], axis=0)
    scores = one_vs_rest(known, [slice(0, 16), slice(16, 24)])(rows[[8, 17, 26]])[:, 0]
    assert min(scores[:2]) > scores[2] + 0.3


def test_a_claim_like_the_question_stays_finite() -> None:
    rows = np.repeat(np.eye(4, dtype=np.float32)[:2], 2, axis=0)  # the claim's row 0 stands again as row 1
    scores = one_vs_rest(rows, [slice(0, 1), slice(2, 4)])(np.eye(4, dtype=np.float32))
    assert np.isfinite(scores).all()
    assert abs(scores).max() < 20


def test_sentences_single_out_their_own_point(content: Content, encoder: Encoder) -> None:
    """The last exemplars of each point, as written, by functions learnt from all the others."""
    points = content.written[CHAMPION].points
    vectors = [encoder.encode(list(point.exemplars)) for point in points]
    starts = np.cumsum([0, *(len(one) - 4 for one in vectors)])
    told = one_vs_rest(
        np.concatenate([one[:-4] for one in vectors]),
        [slice(start, stop) for start, stop in pairwise(starts)],
    )
    right = [(told(one[-4:]).argmax(axis=1) == number).mean() for number, one in enumerate(vectors)]
    assert np.mean(right) > 0.8
