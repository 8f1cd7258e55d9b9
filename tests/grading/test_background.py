"""What an answer may be about instead."""

from __future__ import annotations

import pytest

from app.content import Content
from app.core.known import KnownQuestions
from app.grading.background import Background
from app.grading.encoder import Encoder
from app.grading.features import LEAST, Measured
from app.grading.reading import read
from app.grading.references import references
from app.grading.segment import sentences
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


def test_everyday_talk_is_known_as_such(background: Background, encoder: Encoder) -> None:
    bread, on_topic = (background.around(CHAMPION, encoder.encode(texts)) for texts in (BREAD, ON_TOPIC))
    assert bread is not None
    assert on_topic is not None
    assert bread.best_everyday(len(BREAD)) > on_topic.best_everyday(len(ON_TOPIC)) + 0.15


def test_without_everyday_subjects_nothing_is_everyday_talk(content: Content, encoder: Encoder) -> None:
    around = Background(KnownQuestions(content.known.bank), encoder).around(CHAMPION, encoder.encode(BREAD))
    assert around is not None
    assert around.best_everyday(len(BREAD)) == -1
    assert (around.nearest_everyday() == -1).all()


def test_how_well_a_question_fits_is_said_of_the_sentences_alone(background: Background, encoder: Encoder) -> None:
    bread, both = (background.around(CHAMPION, encoder.encode(texts)) for texts in (BREAD, BREAD + ON_TOPIC))
    assert bread is not None
    assert both is not None
    assert both.best_question(len(BREAD)) == pytest.approx(bread.best_question(len(BREAD)), abs=1e-6)
    assert both.best_question(len(BREAD)) != pytest.approx(both.best_question(len(BREAD) + 1), abs=1e-3)


def test_a_sentence_of_everyday_talk_says_nothing(content: Content, encoder: Encoder, background: Background) -> None:
    rubric = content.rubrics[CHAMPION]
    refs = references(content.questions[CHAMPION].prompt, rubric, encoder)

    def measured(text: str) -> Measured:
        (reading,) = read(text, encoder, (sentences,))
        return reading.measured(refs, background.around(CHAMPION, reading.vectors))

    bread, on_topic = measured(BREAD[0]), measured(ON_TOPIC[0])
    assert (bread.points == LEAST).all()
    assert (bread.mistakes == LEAST).all()
    assert (on_topic.points > LEAST).any()


def test_a_question_outside_the_bank_has_no_background(background: Background, encoder: Encoder) -> None:
    assert background.around("one/of-ones-own", encoder.encode(BREAD)) is None
