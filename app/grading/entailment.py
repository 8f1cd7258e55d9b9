"""An optional second reader: a cross-encoder trained on natural-language inference, named by the user.

It sees a stretch of the answer beside a claim of the rubric and says whether the one contradicts the other. That can
only take credit away, and only clear an accusation: what earns is decided by the embedding grader. Models of this kind
are too large to ship, and what a small one trained on public data alone is worth stands in DECISIONS.md.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from app.core.errors import GradingFailed

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder

TOKENS_MOST = 256
CLEARED_FROM = 0.5
"""The probability of contradicting a mistake's statement from which its maker is cleared of it."""

Array = npt.NDArray[np.float64]


class Entailment:
    """Probabilities that a text contradicts a claim. Safe to call from several threads."""

    def __init__(self, model: CrossEncoder, name: str, contradiction: int) -> None:
        """`contradiction` is the number of that label among the model's outputs."""
        self.name = name
        self._model = model
        self._contradiction = contradiction
        self._lock = threading.Lock()

    def contradicts(self, pairs: Sequence[tuple[str, str]]) -> Array:
        """P(contradiction) for each (text, claim). Raises GradingFailed when the model fails."""
        if not pairs:
            return np.zeros(0)
        try:
            with self._lock:
                scores = np.asarray(self._model.predict(list(pairs), show_progress_bar=False), np.float64)
        except (RuntimeError, MemoryError, ValueError, IndexError) as error:
            raise GradingFailed(
                f"The cross-encoder {self.name} failed ({type(error).__name__}). Unset GREENROOM_NLI_MODEL to grade "
                "without it."
            ) from error
        shares = np.exp(scores - scores.max(axis=1, keepdims=True))
        return np.asarray(shares[:, self._contradiction] / shares.sum(axis=1), np.float64)

    def least_doubtful(self, probability: Array, texts: Sequence[str], claim: str, enough: float) -> tuple[float, int]:
        """The highest of probability x (1 - P(contradiction)) over `texts`, and where; few texts need to be read.

        `probability` (texts,) is what each is worth unread; those below `enough` are not worth reading.
        """
        order = np.argsort(-probability, kind="stable")
        best, where = 0.0, int(order[0])
        for row in order:
            if probability[row] <= best:
                break
            doubt = float(self.contradicts([(texts[row], claim)])[0]) if probability[row] > enough else 0.0
            if probability[row] * (1.0 - doubt) > best:
                best, where = float(probability[row] * (1.0 - doubt)), int(row)
        return best, where


def load_entailment(folder: str) -> Entailment:
    """The cross-encoder in `folder`. Raises GradingFailed, with what to do, when it can't be used."""
    path = Path(folder).expanduser()
    if not path.is_dir():
        raise GradingFailed(f"There is no model at {path}. Mend GREENROOM_NLI_MODEL, or unset it to grade without one.")
    try:
        from sentence_transformers import CrossEncoder

        model = CrossEncoder(str(path), device="cpu", max_length=TOKENS_MOST, local_files_only=True)
        labels = {int(number): str(label).lower() for number, label in model.model.config.id2label.items()}
    except Exception as error:  # a broken model folder fails in many ways, and all of them mean this
        raise GradingFailed(
            f"The model at {path} can't be loaded ({type(error).__name__}: {error}). GREENROOM_NLI_MODEL must name a "
            "folder with a cross-encoder for natural-language inference."
        ) from error
    found = [number for number, label in labels.items() if label.startswith("contradict")]
    if len(labels) != 3 or len(found) != 1:
        raise GradingFailed(
            f"The model at {path} has the labels {', '.join(labels.values())}. GREENROOM_NLI_MODEL must name one with "
            "three, of which one is called contradiction."
        )
    return Entailment(model, path.resolve().name, found[0])
