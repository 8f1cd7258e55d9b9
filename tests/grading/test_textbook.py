"""Right answers in the plainest words of textbooks and preparation sheets: nobody is accused for a definition."""

from __future__ import annotations

import pytest

from app.content import Content
from app.core.feedback import Answer
from app.grading.embedding import EmbeddingGrader

ANSWERS = {
    "precision-recall": (
        "Precision is TP / (TP + FP), so of everything we predicted positive, how much was correct. Recall is "
        "TP / (TP + FN), so of all the actual positives, how many did we catch. If false positives are "
        "expensive, like a spam filter deleting real mail, you care about precision. If false negatives are "
        "expensive, like cancer screening, you care about recall. There's a trade-off: raising the threshold "
        "usually gives you more precision and less recall. F1 is the harmonic mean of the two and F-beta lets "
        "you weight recall more. In practice I'd fix one, say recall of at least 90 percent, and maximise "
        "precision under that, and pick the threshold from the cost of a false positive versus a false "
        "negative agreed with the business. Also precision depends on the class balance, so measure on data "
        "with the real prevalence."
    ),
    "bias-variance": (
        "Expected error decomposes into bias squared plus variance plus irreducible noise. Bias is the error "
        "from wrong assumptions, a model too simple underfits. Variance is how much the model changes with a "
        "different training set, a model too complex overfits. High training error and similar validation "
        "error means high bias, low training error and much higher validation error means high variance. To "
        "reduce bias use a more complex model, more features, less regularisation. To reduce variance get "
        "more data, add regularisation, use bagging or early stopping. More data doesn't help with high bias. "
        "As complexity grows bias falls and variance rises, so validation error is U-shaped and you pick the "
        "minimum with cross-validation. With very large neural nets there's double descent so it's not a "
        "strict law."
    ),
    "imbalanced-data": (
        "With 0.5% positives accuracy is useless because predicting all negatives gives 99.5%. I'd use "
        "precision, recall and PR AUC rather than ROC AUC. Split with stratification and keep the test set at "
        "the natural distribution. First train a baseline as is. Then class weights, e.g. "
        "class_weight='balanced', or undersample the majority or oversample the minority with SMOTE, only "
        "inside the training folds. Resampling distorts the probabilities so recalibrate. Then tune the "
        "decision threshold on the validation set according to costs instead of using 0.5. If there are very "
        "few positives collect more labels or treat it as anomaly detection."
    ),
}


@pytest.mark.parametrize("slug", ANSWERS)
def test_a_textbook_answer_is_credited_and_makes_no_mistake(
    grader: EmbeddingGrader, content: Content, slug: str
) -> None:
    name = f"fundamentals/{slug}"
    told = [Answer(turn=0, text=ANSWERS[slug])]
    found = grader.grade(content.questions[name].prompt, content.rubrics[name], told)
    assert [one.mistake_id for one in found.mistakes if one.made] == []
    assert found.score >= 85
