"""Which question an answer belongs to, by all that it says."""

from __future__ import annotations

import numpy as np
import pytest

from app.content import Content
from app.core.segment import sentences
from app.grading.background import Background
from app.grading.encoder import Encoder, Vectors
from app.grading.references import references
from app.grading.topics import Telling, Topics

CONFLICT, PRIORITISATION = "behavioural/conflict", "behavioural/prioritisation"
TOO_MUCH_AT_ONCE = """
In March I had three things on my desk at once: the port wanted a new forecast of berths, my manager wanted the yearly
report, and a dashboard that the crane crews look at each morning had stopped. I wrote down for each who is hurt if it
waits and by when, and put a rough number of days beside it. The dashboard came first, as forty people could not plan
their shift without it, and it took me two hours. I rang the port, told them honestly that they would come second and
asked what the deadline was really about. I said no to the report for that week and offered a page with the figures they
had. In the end the forecast went out one day late, which they knew from the start, and nobody was surprised.
"""
AT_ODDS = """
The lead of the night shift and I could hardly speak with each other by autumn. He thought my schedule for the kilns
treated his people like machines, I thought that he held it up out of spite, and we said so in front of everybody once.
The next day I asked him for a coffee, only the two of us, and let him tell me first. He was right in one thing: I had
cut the pause in which they eat together, and never asked. I told him what I was under, the gas bill. We agreed that the
pause stays and that he rings me before he changes a firing. It held all winter, and in spring he proposed the next
change himself.
"""


def _unit(rows: list[list[float]]) -> Vectors:
    vectors = np.array(rows, np.float32)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def _two() -> tuple[Topics, Telling, Telling]:
    one = Telling(("a", "b"), _unit([[1, 0.2, 0], [1, 0, 0.2]]))
    other = Telling(("c", "d"), _unit([[0, 1, 0.2], [0.2, 1, 0]]))
    return Topics({"one": one, "other": other}), one, other


def test_it_leans_to_the_question_whose_texts_it_resembles() -> None:
    topics, one, other = _two()
    said = _unit([[1, 0.1, 0.1], [0.9, 0.3, 0]])
    assert topics.lead("one", one, said) > 0
    assert topics.lead("other", other, said) == pytest.approx(-topics.lead("one", one, said))


def test_a_rubric_is_not_helped_by_what_it_has_not_heard() -> None:
    topics, one, _ = _two()
    said = one.vectors[1:]
    assert topics.lead("one", Telling(one.texts[:1], one.vectors[:1]), said) < topics.lead("one", one, said)


def test_texts_that_others_have_too_or_nobody_knows_do_not_count() -> None:
    topics, one, _ = _two()
    more = Telling((*one.texts, "unknown"), np.concatenate([one.vectors, _unit([[0, 0, 1]])]))
    said = _unit([[0.5, 0.5, 0.1]])
    assert topics.lead("one", more, said) == topics.lead("one", one, said)


@pytest.mark.parametrize(
    ("story", "answered", "other"), [(TOO_MUCH_AT_ONCE, PRIORITISATION, CONFLICT), (AT_ODDS, CONFLICT, PRIORITISATION)]
)
def test_a_story_leans_to_the_question_that_it_answers(
    story: str, answered: str, other: str, content: Content, encoder: Encoder, background: Background
) -> None:
    said = encoder.encode([one.text for one in sentences(story)])

    def leaning(name: str) -> float:
        refs = references(content.questions[name].prompt, content.rubrics[name], encoder)
        return background.leaning(name, Telling(refs.texts, refs.vectors), said)

    assert leaning(other) < -2
    assert leaning(answered) > leaning(other) + 1


def test_outside_the_bank_and_for_nothing_said_there_is_no_leaning(background: Background, encoder: Encoder) -> None:
    said = encoder.encode(["I told her on Monday."])
    assert background.leaning("one/of-ones-own", Telling((), said[:0]), said) == 0.0
    assert background.leaning(CONFLICT, Telling((), said[:0]), said[:0]) == 0.0
