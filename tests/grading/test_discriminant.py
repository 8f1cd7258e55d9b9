"""Telling a claim from its contrasts."""

from __future__ import annotations

import numpy as np

from app.content import Content
from app.grading.discriminant import tell_apart
from app.grading.encoder import Encoder
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
