"""An answer cut into segments, so that a page can mark what was evidence for what."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple

from app.core.feedback import Evidence, Feedback, Status, Unheard
from app.core.rubric import Rubric
from app.web.wording import left_out_text


class Mark(NamedTuple):
    """What a stretch of text is evidence for: `kind` is said, partly or mistake, `label` what the margin shows.

    Of kind left-out is what was not judged; it has no label and leads nowhere.
    """

    kind: str
    label: str
    anchor: str
    title: str


class Segment(NamedTuple):
    """A stretch of text with the marks that cover it; `ends` are the marks that end with it."""

    text: str
    marks: tuple[Mark, ...]
    ends: tuple[Mark, ...]

    @property
    def kind(self) -> str:
        """The kind that the marks make it: not judged, else a mistake, else a point in part, else a point said."""
        kinds = {mark.kind for mark in self.marks}
        return next((kind for kind in ("left-out", "mistake", "partly", "said") if kind in kinds), "")


def marks_of(feedback: Feedback, rubric: Rubric, anchor: str) -> list[tuple[Evidence, Mark]]:
    """All evidence of a feedback with its marks: points by number, mistakes by letter; ids begin with `anchor`."""
    found: list[tuple[Evidence, Mark]] = []
    for number, outcome in enumerate(feedback.points, start=1):
        if outcome.evidence is not None and outcome.status is not Status.missing:
            title = f"Point {number}, {outcome.status}: {rubric.point(outcome.point_id).says}"
            found.append((outcome.evidence, Mark(outcome.status, str(number), f"{anchor}-point-{number}", title)))
    for number, mistake in enumerate((one for one in feedback.mistakes if one.made), start=1):
        if mistake.evidence is not None:
            title = f"Mistake: {rubric.mistake(mistake.mistake_id).says}"
            letter = chr(ord("a") + number - 1)
            found.append((mistake.evidence, Mark("mistake", letter, f"{anchor}-mistake-{letter}", title)))
    return [*found, *((one.stretch, _left_out(one.why)) for one in feedback.left_out)]


def _left_out(why: Unheard) -> Mark:
    return Mark("left-out", "", "", f"Left out: {left_out_text(why)}")


def segments(text: str, turn: int, marks: Iterable[tuple[Evidence, Mark]]) -> list[Segment]:
    """`text`, the answer of `turn`, cut at every begin and end of a mark. Joined again it is the text."""
    mine = [(one.start, min(one.end, len(text)), mark) for one, mark in marks if one.turn == turn]
    mine = [one for one in mine if one[0] < one[1]]
    cuts = sorted({0, len(text), *(start for start, _, _ in mine), *(end for _, end, _ in mine)})
    return [
        Segment(
            text[begin:end],
            tuple(mark for start, stop, mark in mine if start <= begin and end <= stop),
            tuple(mark for _, stop, mark in mine if stop == end),
        )
        for begin, end in pairwise(cuts)
    ]
