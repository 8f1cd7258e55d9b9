"""What an answer may be about instead."""

from __future__ import annotations

import pytest

from app.content import Content
from app.core.known import KnownQuestions
from app.grading.background import Background
from app.grading.encoder import Encoder
from app.grading.references import references
from tests.grading.conftest import CHAMPION

BREAD = ["On Sundays I bake sourdough bread.", "The trick is a hot oven and a patient starter."]
ON_TOPIC = ["I score both models on the same frozen set from last month and bootstrap the gap."]


def test_everyday_talk_is_nearer_to_a_question_that_the_bank_lacks(
    content: Content, encoder: Encoder, background: Background
) -> None:
    bank_alone = Background(KnownQuestions(content.known.bank), encoder)

    def nearest(of: Background, texts: list[str]) -> float:
        around = of.around(CHAMPION, encoder.encode(texts))
        assert around is not None
        return float(around.nearest()[0])

    assert nearest(background, BREAD) > nearest(bank_alone, BREAD) + 0.05
    assert nearest(background, ON_TOPIC) < nearest(bank_alone, ON_TOPIC) + 0.05


def test_everyday_talk_is_known_as_such(content: Content, encoder: Encoder, background: Background) -> None:
    refs = references(content.questions[CHAMPION].prompt, content.rubrics[CHAMPION], encoder)
    texts = [*ON_TOPIC, "I start with one per cent of the traffic.", *BREAD]
    found = background.talk(CHAMPION, encoder.encode(texts), refs.vectors)
    assert found.tolist() == [False, False, True, True]


def test_without_everyday_subjects_or_outside_the_bank_nothing_is_everyday_talk(
    content: Content, encoder: Encoder, background: Background
) -> None:
    refs = references(content.questions[CHAMPION].prompt, content.rubrics[CHAMPION], encoder)
    bread = encoder.encode(BREAD)
    assert not Background(KnownQuestions(content.known.bank), encoder).talk(CHAMPION, bread, refs.vectors).any()
    assert not background.talk("one/of-ones-own", bread, refs.vectors).any()


def test_how_well_a_question_fits_is_said_of_the_sentences_alone(background: Background, encoder: Encoder) -> None:
    bread, both = (background.around(CHAMPION, encoder.encode(texts)) for texts in (BREAD, BREAD + ON_TOPIC))
    assert bread is not None
    assert both is not None
    assert both.best_question(len(BREAD)) == pytest.approx(bread.best_question(len(BREAD)), abs=1e-6)
    assert both.best_question(len(BREAD)) != pytest.approx(both.best_question(len(BREAD) + 1), abs=1e-3)


def test_a_question_outside_the_bank_has_no_background(background: Background, encoder: Encoder) -> None:
    assert background.around("one/of-ones-own", encoder.encode(BREAD)) is None
