"""How well a grader agrees with labelled answers: numbers in, numbers out.

The graders' scores are on scales of their own, so each is turned into a grade 0..4 by cut points fitted for it on the
other questions' answers (leave one question out): a baseline is judged by its order and spacing, not by its units.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

GRADES = 5
STATUSES = ("said", "partly", "missing")
HEADINGS = ("answers", "Spearman in a question", "Spearman", "QWK", "MAE", "point F1", "mistakes P", "mistakes R",
            "junk above partial", "ECE", "turned below true", "rewording moves by", "score off by", "regraded alike",
            "ms")  # fmt: skip
TWIN_KINDS = frozenset({"turned", "reworded"})
BINS = 10
JUNK_KINDS = frozenset({"keyword_list", "echo", "off_topic"})
PARTIAL_GRADE = 2

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class Judged(NamedTuple):
    """One labelled answer beside a grader's feedback on it.

    `grade` is the labelled one, 0..4; `score` the grader's on any scale; `points` pairs the labelled with the grader's
    status of each point (empty for a grader that knows no points), `credits` the labelled with the grader's credit,
    and `mistakes` the label with the grader's verdict on each mistake. `twin_of` is the id of the answer that this
    one is a twin of; `origin` tells how it was written. `labelled` is the score, 0..100, that its labels give; NaN
    where the grader's are not on that scale.
    """

    question: str
    id: str
    kind: str
    twin_of: str | None
    grade: int
    score: float
    points: tuple[tuple[str, str], ...]
    credits: tuple[tuple[float, float], ...]
    mistakes: tuple[tuple[bool, bool], ...]
    origin: str = "rubric"
    labelled: float = float("nan")


class Agreement(NamedTuple):
    """Agreement over some answers; NaN where it can't be said (too few answers, no points, no mistakes).

    Twins are left out of all figures but `turned_below` and `rewording`. `off_by` is the mean distance between the
    score and the one that the labels give, `regraded` the share of answers that a second grading gave the very same
    feedback, `ms` the median time of an answer in milliseconds.
    """

    answers: int
    spearman_within: float
    spearman: float
    kappa: float
    mae: float
    point_f1: float
    mistake_precision: float
    mistake_recall: float
    junk_above_partial: float
    ece: float
    turned_below: float
    rewording: float
    off_by: float = float("nan")
    regraded: float = float("nan")
    ms: float = float("nan")


def agreement(judged: Sequence[Judged], grades: Sequence[int]) -> Agreement:
    """The figures for `judged`; `grades` are the grader's grades, as `fitted_grades` gives them."""
    turned, rewording = twins(judged)
    if any(one.kind not in TWIN_KINDS for one in judged):
        kept = [row for row, one in enumerate(judged) if one.kind not in TWIN_KINDS]
        judged, grades = [judged[row] for row in kept], [grades[row] for row in kept]
    truth = np.array([one.grade for one in judged], np.float64)
    scores = np.array([one.score for one in judged], np.float64)
    given = np.array(grades, np.float64)
    precision, recall = mistake_scores(judged)
    return Agreement(
        answers=len(judged),
        spearman_within=_mean(spearman(truth[rows], scores[rows]) for rows in _rows(judged)),
        spearman=spearman(truth, scores),
        kappa=quadratic_kappa(truth, given),
        mae=float(np.abs(truth - given).mean()) if len(judged) else float("nan"),
        point_f1=point_f1(judged),
        mistake_precision=precision,
        mistake_recall=recall,
        junk_above_partial=junk_above_partial(judged),
        ece=calibration_error(judged),
        turned_below=turned,
        rewording=rewording,
        off_by=_mean(abs(one.score - one.labelled) for one in judged),
    )


def by(judged: Sequence[Judged], grades: Sequence[int], key: Callable[[Judged], str]) -> dict[str, Agreement]:
    """The figures for each value of `key`, sorted; the grades keep the cut points fitted over all."""
    groups: dict[str, list[int]] = {}
    for row, one in enumerate(judged):
        groups.setdefault(key(one), []).append(row)
    return {
        name: agreement([judged[row] for row in rows], [grades[row] for row in rows])
        for name, rows in sorted(groups.items())
    }


def fitted_grades(judged: Sequence[Judged]) -> list[int]:
    """A grade 0..4 for each score, by cut points fitted on the answers to all other questions."""
    truth = np.array([one.grade for one in judged])
    scores = np.array([one.score for one in judged])
    grades = np.zeros(len(judged), np.int64)
    plain = np.array([one.kind not in TWIN_KINDS for one in judged])
    for rows in _rows(judged):
        others = plain.copy()
        others[rows] = False
        cuts = cut_points(scores[others], truth[others]) if others.any() else cut_points(scores, truth)
        grades[rows] = np.searchsorted(cuts, scores[rows], side="right")
    return [int(grade) for grade in grades]


def cut_points(scores: Floats, grades: Ints) -> Floats:
    """The GRADES - 1 ascending cut points that minimise the squared error of the grades, by dynamic programming.

    A score at or above cut k has at least grade k + 1. Equal scores are never cut apart.
    """
    values, inverse = np.unique(scores, return_inverse=True)
    cost = np.zeros((GRADES, len(values) + 1))
    for grade in range(GRADES):
        cost[grade, 1:] = np.cumsum(np.bincount(inverse, (grades - grade) ** 2.0, len(values)))
    best = cost[0].copy()  # best[i]: least error of the lowest i values with grades up to the present one
    choice = np.zeros((GRADES, len(values) + 1), np.int64)
    for grade in range(1, GRADES):
        gap = best - cost[grade]
        where = np.array([int(np.argmin(gap[: end + 1])) for end in range(len(values) + 1)])
        choice[grade] = where
        best = gap[where] + cost[grade]
    starts = []
    end = len(values)
    for grade in range(GRADES - 1, 0, -1):
        end = int(choice[grade][end])
        starts.append(end)
    edges = np.r_[-np.inf, (values[1:] + values[:-1]) / 2, np.inf]
    return np.array([edges[start] for start in reversed(starts)])


def spearman(one: Floats, two: Floats) -> float:
    """Spearman's rank correlation, ties at their mean rank; NaN when either has fewer than two different values."""
    if len(one) < 2 or len(set(one.tolist())) < 2:
        return float("nan")
    if len(set(two.tolist())) < 2:
        return 0.0  # a grader that gives everybody the same knows nothing about the order
    return float(np.corrcoef(_ranks(one), _ranks(two))[0, 1])


def quadratic_kappa(truth: Floats, given: Floats) -> float:
    """Cohen's kappa with quadratic weights (Cohen 1968); NaN when nothing could differ."""
    chance = ((truth[:, None] - given[None, :]) ** 2).mean() if len(truth) else 0.0
    return float(1 - ((truth - given) ** 2).mean() / chance) if chance else float("nan")


def point_f1(judged: Sequence[Judged]) -> float:
    """Macro F1 of said, partly and missing over every point of every answer."""
    pairs = [pair for one in judged for pair in one.points]
    if not pairs:
        return float("nan")
    scores = []
    for status in STATUSES:
        hits = sum(truth == given == status for truth, given in pairs)
        total = sum(truth == status for truth, _ in pairs) + sum(given == status for _, given in pairs)
        if total:
            scores.append(2 * hits / total)
    return float(np.mean(scores))


def mistake_scores(judged: Sequence[Judged]) -> tuple[float, float]:
    """Precision and recall over every mistake of every answer."""
    pairs = [pair for one in judged for pair in one.mistakes]
    hits = sum(truth and given for truth, given in pairs)
    called, made = sum(given for _, given in pairs), sum(truth for truth, _ in pairs)
    return (hits / called if called else float("nan"), hits / made if made else float("nan"))


def junk_above_partial(judged: Sequence[Judged]) -> float:
    """The share of (junk, partial) pairs of one question in which junk scores higher; equal scores count half.

    Junk is a keyword list, an echo, an off-topic answer or any answer of grade 0; partial is any answer of grade 2.
    """
    lost = pairs = 0.0
    for rows in _rows(judged):
        here = [judged[row] for row in rows]
        junk = [one.score for one in here if one.kind in JUNK_KINDS or one.grade == 0]
        partial = [one.score for one in here if one.grade == PARTIAL_GRADE and one.kind not in JUNK_KINDS]
        for low in junk:
            for high in partial:
                pairs += 1
                lost += 1.0 if low > high else 0.5 if low == high else 0.0
    return lost / pairs if pairs else float("nan")


def twins(judged: Sequence[Judged]) -> tuple[float, float]:
    """How often a turned twin scores below its answer (equal counts half), and how far a reworded one is from it.

    The distance is in score points, at the median.
    """
    scores = {(one.question, one.id): one.score for one in judged}
    below, moved = [], []
    for one in judged:
        if one.twin_of is None or (one.question, one.twin_of) not in scores:
            continue
        first = scores[one.question, one.twin_of]
        if one.kind == "turned":
            below.append(1.0 if one.score < first else 0.5 if one.score == first else 0.0)
        else:
            moved.append(abs(one.score - first))
    return _mean(below), float(np.median(moved)) if moved else float("nan")


def reliability(judged: Sequence[Judged]) -> list[tuple[float, float, int]]:
    """(mean credit given, mean labelled credit, points) for each of BINS equal bins of the credit that has any."""
    pairs = np.array([pair for one in judged if one.kind not in TWIN_KINDS for pair in one.credits]).reshape(-1, 2)
    bins = np.minimum((pairs[:, 1] * BINS).astype(np.int64), BINS - 1)
    rows = [pairs[bins == number] for number in range(BINS)]
    return [(float(row[:, 1].mean()), float(row[:, 0].mean()), len(row)) for row in rows if len(row)]


def calibration_error(judged: Sequence[Judged]) -> float:
    """Expected calibration error of the points' credits (Naeini et al. 2015), in BINS equal bins."""
    bins = reliability(judged)
    total = sum(count for _, _, count in bins)
    return sum(count * abs(given - true) for given, true, count in bins) / total if total else float("nan")


def status_cuts(credits: Sequence[tuple[str, float]]) -> tuple[float, float]:
    """The cut points (partly from, said from) on raw credits with the best macro F1 against the labelled statuses."""
    values = np.array([credit for _, credit in credits])
    truth = np.array([STATUSES.index(status) for status, _ in credits])
    grid = np.unique(np.quantile(values, np.linspace(0.02, 0.98, 49)))
    # above[s, i]: how many of status s have a credit of at least grid[i]
    above = np.array([(values[truth == status, None] >= grid).sum(axis=0) for status in range(len(STATUSES))])
    totals = np.bincount(truth, minlength=len(STATUSES))
    low, high = np.triu_indices(len(grid))
    given = np.stack([above[:, high], above[:, low] - above[:, high], totals[:, None] - above[:, low]])
    hits = np.stack([given[status, status] for status in range(len(STATUSES))])
    f1 = 2 * hits / np.maximum(given.sum(axis=1) + totals[:, None], 1)
    best = int(f1.mean(axis=0).argmax())
    return float(grid[low[best]]), float(grid[high[best]])


def table(rows: Mapping[str, Agreement], heading: str) -> str:
    """The figures as a Markdown table, one row for each name."""
    head = (heading, *HEADINGS)
    lines = ["| " + " | ".join(head) + " |", "|---" + "|--:" * (len(head) - 1) + "|"]
    for name, one in rows.items():
        figures = [f"{value:.2f}" for value in one[1:8]]
        shares = [f"{one.junk_above_partial:.1%}", f"{one.ece:.2f}", f"{one.turned_below:.0%}", f"{one.rewording:.1f}"]
        cells = [name, str(one.answers), *figures, *shares, f"{one.off_by:.1f}", f"{one.regraded:.0%}", f"{one.ms:.0f}"]
        lines.append("| " + " | ".join("–" if "nan" in cell and cell != name else cell for cell in cells) + " |")
    return "\n".join(lines)


def _rows(judged: Sequence[Judged]) -> list[list[int]]:
    """The rows of each question."""
    found: dict[str, list[int]] = {}
    for row, one in enumerate(judged):
        found.setdefault(one.question, []).append(row)
    return list(found.values())


def _ranks(values: Floats) -> Floats:
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2)[inverse], np.float64)


def _mean(values: Iterable[float]) -> float:
    kept = [value for value in values if not np.isnan(value)]
    return float(np.mean(kept)) if kept else float("nan")
