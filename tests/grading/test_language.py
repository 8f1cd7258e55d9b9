"""Answers in another language than the rubrics' are told from lists of terms, code and the like."""

from __future__ import annotations

import pytest

from app.content import Content
from app.core.feedback import Answer, Flag
from app.core.question import Question
from app.core.rubric import Rubric
from app.grading.embedding import EmbeddingGrader
from app.grading.language import is_foreign

GERMAN = (
    "Ich vergleiche das neue Modell mit dem alten auf denselben Daten, die keines von beiden gesehen hat. Dann läuft "
    "es eine Woche im Schatten mit, und erst danach bekommt es echte Anfragen."
)


@pytest.mark.parametrize(
    "text",
    [
        GERMAN,
        "Je compare le score d'entraînement et celui de validation; si l'écart est grand, le modèle sur-apprend.",
        "Primero comparo el error de entrenamiento con el de validación y después uso más datos y un modelo menor.",
        "Я сравню ошибку на обучении и на проверке, а потом упрощу модель.",
        "我会先比较训练集和验证集的误差，如果差距很大就是过拟合。",
        "Tränings- och valideringsfelet jämförs först, sedan tar jag en mindre modell.",
    ],
)
def test_another_language_is_known(text: str) -> None:
    assert is_foreign(text)


@pytest.mark.parametrize(
    "text",
    [
        "precision, recall, F1, AUC, ROC, PR, kappa, MCC, log loss, Brier, calibration, threshold",
        "def train(model, data):\n    for x, y in data:\n        loss = score(model(x), y)\n        loss.backward()",
        "SELECT customer_id, SUM(amount) FROM payments GROUP BY customer_id HAVING SUM(amount) > 100",
        '{"a": 1, "b": [1, 2, 3], "model": "xgboost"}',
        "1 2 3 4 5 6 7 8 9 10 11 12",
        "asdf qwer zxcv uiop hjkl",
        "a" * 3000,
        "😀😀😀 👍 🎉",
        "No more data.",
        "",
    ],
)
def test_what_is_in_no_other_language_is_let_be(text: str) -> None:
    assert not is_foreign(text)


def test_no_labelled_answer_is_taken_for_another_language(content: Content) -> None:
    assert [one.id for answers in content.examples.values() for one in answers if is_foreign(one.answer)] == []


def test_an_answer_in_german_is_not_called_a_list(grader: EmbeddingGrader, question: Question, rubric: Rubric) -> None:
    feedback = grader.grade(question.prompt, rubric, [Answer(turn=0, text=GERMAN)])
    assert feedback.flags == (Flag.other_language,)
    assert feedback.score == 0
