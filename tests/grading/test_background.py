"""What an answer may be about instead."""

from __future__ import annotations

from app.content import Content
from app.core.known import KnownQuestions
from app.grading.background import Background
from app.grading.embedding import Reading
from app.grading.encoder import Encoder
from app.grading.features import LEAST
from app.grading.references import references
from tests.grading.conftest import CHAMPION

BREAD = ["On Sundays I bake sourdough bread.", "The trick is a hot oven and a patient starter."]
ON_TOPIC = ["I score both models on the same frozen set from last month and bootstrap the gap."]


def test_everyday_talk_is_nearer_to_a_question_that_the_bank_lacks(
    content: Content, encoder: Encoder, background: Background
) -> None:
    bank_alone = Background(KnownQuestions(content.known.bank), encoder)

    def nearest(of: Background, texts: list[str]) -> float:
        found = of.nearest(CHAMPION, encoder.encode(texts))
        assert found is not None
        return float(found[0])

    assert nearest(background, BREAD) > nearest(bank_alone, BREAD) + 0.05
    assert nearest(background, ON_TOPIC) < nearest(bank_alone, ON_TOPIC) + 0.05


def test_everyday_talk_is_known_as_such(background: Background, encoder: Encoder) -> None:
    bread, on_topic = (background.everyday(CHAMPION, encoder.encode(texts)) for texts in (BREAD, ON_TOPIC))
    assert bread is not None
    assert on_topic is not None
    assert bread.mean(axis=1).max() > on_topic.mean(axis=1).max() + 0.15


def test_a_sentence_of_everyday_talk_says_nothing(content: Content, encoder: Encoder, background: Background) -> None:
    rubric = content.rubrics[CHAMPION]
    refs = references(content.questions[CHAMPION].prompt, rubric, encoder)
    bread, on_topic = (Reading(texts[0], encoder).measured(rubric, refs, background) for texts in (BREAD, ON_TOPIC))
    assert (bread.points == LEAST).all()
    assert (bread.mistakes == LEAST).all()
    assert (on_topic.points > LEAST).any()


def test_a_question_outside_the_bank_has_no_background(background: Background, encoder: Encoder) -> None:
    vectors = encoder.encode(BREAD)
    assert background.nearest("one/of-ones-own", vectors) is None
    assert background.best_question("one/of-ones-own", vectors) is None
    assert background.everyday("one/of-ones-own", vectors) is None
