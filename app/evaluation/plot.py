"""The figures of `evaluate` as a picture: scores against labelled grades, and how far a credit can be believed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from app.evaluation import GRADES, TWIN_KINDS, Judged, reliability

INK, SOFT = "#1f2937", "#2563eb"


def draw(graders: Mapping[str, Sequence[Judged]], file: Path) -> None:
    """Draw each grader's scores by the labelled grade, and its reliability curve; the suffix says the format."""
    figure = Figure(figsize=(3.4 * len(graders), 6.4), layout="constrained")
    axes = figure.subplots(2, len(graders), squeeze=False, sharey="row")
    for column, (name, judged) in enumerate(graders.items()):
        axes[0][column].set_title(name.removeprefix("baseline: ").split(" (")[0], fontsize=10, color=INK)
        _scores(axes[0][column], judged)
        _reliability(axes[1][column], judged)
    axes[0][0].set_ylabel("score")
    axes[1][0].set_ylabel("labelled credit")
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, dpi=120)


def _scores(axes: Axes, judged: Sequence[Judged]) -> None:
    """One dot an answer, spread sideways so that none hides another."""
    kept = [one for one in judged if one.kind not in TWIN_KINDS]
    spread = np.random.default_rng(0).uniform(-0.3, 0.3, len(kept))
    axes.scatter(
        [one.grade for one in kept] + spread, [one.score for one in kept], s=6, alpha=0.5, color=SOFT, linewidths=0
    )
    axes.set_xticks(range(GRADES))
    axes.set_ylim(-2, 102)
    axes.set_xlabel("labelled grade")


def _reliability(axes: Axes, judged: Sequence[Judged]) -> None:
    axes.plot([0, 1], [0, 1], color=INK, linewidth=0.8, linestyle=":")
    if bins := reliability(judged):
        given, true, _ = zip(*bins, strict=True)
        axes.plot(given, true, color=SOFT, marker="o", markersize=4)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.set_xlabel("credit given")
