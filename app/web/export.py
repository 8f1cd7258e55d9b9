"""A report as Markdown and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from app.core.feedback import Status
from app.core.report import QuestionReport, RoundReport
from app.core.round import PromptKind, Round
from app.web.templates import duration, when
from app.web.wording import flag_text, left_out_text, told_text

_STATUS_SIGNS = {Status.said: "x", Status.partly: "~", Status.missing: " "}


def as_json(round_: Round, report: RoundReport) -> dict[str, Any]:
    """Everything in the report, in plain values."""
    return {
        "round": {
            "id": round_.id,
            "started_at": round_.started_at.isoformat(),
            "ended_at": round_.ended_at.isoformat() if round_.ended_at else None,
            "ending": round_.ending,
            "options": round_.options.model_dump(mode="json"),
        },
        "score": report.score,
        "verdict": report.verdict,
        "anchor": report.anchor,
        "second_opinion": {"score": report.second_score, "verdict": report.second_verdict}
        if report.second_verdict
        else None,
        "domains": {domain.value: score for domain, score in report.domains.items()},
        "seconds": report.seconds,
        "questions": [_question_json(one) for one in report.questions],
        "practise_next": [
            {"question_id": one.question_id, "point": one.point.id, "says": one.point.says, "status": one.status}
            for one in report.practise_next
        ],
    }


def _question_json(one: QuestionReport) -> dict[str, Any]:
    return {
        "id": one.planned.question.id,
        "title": one.planned.question.title,
        "reached": bool(one.turns),
        "seconds": one.seconds,
        "verdict": one.verdict,
        "turns": [turn.model_dump(mode="json", exclude={"question_index"}) for turn in one.turns],
        "feedback": one.feedback.model_dump(mode="json") if one.feedback else None,
        "failure": one.failure,
        "second_opinion": one.opinion.model_dump(mode="json") if one.opinion else None,
        "second_opinion_failure": one.opinion_failure,
        "rubric": one.planned.rubric.model_dump(
            mode="json", exclude={"points": {"__all__": {"exemplars"}}, "mistakes": {"__all__": {"exemplars"}}}
        )
        if one.turns
        else None,
        "model_answer": one.planned.question.model_answer if one.turns else None,
    }


def as_markdown(round_: Round, report: RoundReport) -> str:
    """The report for reading, in CommonMark."""
    return "\n".join(_lines(round_, report)) + "\n"


def _lines(round_: Round, report: RoundReport) -> Iterator[str]:
    yield f"# Greenroom: round of {when(round_.started_at)}"
    yield ""
    if report.score is not None and report.verdict is not None:
        yield f"**{report.verdict.label}** at level {report.level.label.lower()}: {report.score:.0f} of 100."
        yield ""
        yield f"> {report.anchor}"
        yield ""
    if report.second_score is not None and report.second_verdict is not None:
        yield f"- Second opinion: {report.second_verdict.label.lower()}, {report.second_score:.0f} of 100"
    for domain, score in report.domains.items():
        yield f"- {domain.label}: {score:.0f}"
    yield f"- Time used: {duration(report.seconds)}"
    for one in report.questions:
        if one.turns:
            yield ""
            yield from _question_lines(one)
    if report.practise_next:
        yield ""
        yield "## Practise next"
        yield ""
        for item in report.practise_next:
            yield f"- {item.point.says} ({item.question_title})"


def _question_lines(one: QuestionReport) -> Iterator[str]:
    score = f"{one.feedback.score:.0f} of 100" if one.feedback else "not graded"
    yield f"## {one.planned.question.title} ({score})"
    yield ""
    for flag in one.feedback.flags if one.feedback else ():
        yield flag_text(flag)
        yield ""
    for turn in one.turns:
        asks = "Follow-up" if turn.kind is PromptKind.probe else "Question"
        yield f"**{asks}:** {turn.prompt}"
        yield ""
        yield from _quoted(turn.reply.text if turn.reply else "")
        yield ""
        if one.feedback and (set_aside := one.feedback.why_set_aside(turn.position)):
            yield flag_text(set_aside)
            yield ""
        for unheard in one.feedback.left_out_of(turn.position) if one.feedback else ():
            yield f"Left out: {left_out_text(unheard.why)}"
            yield ""
            yield from _quoted(unheard.stretch.text)
            yield ""
    if one.feedback:
        yield "### Points"
        yield ""
        for outcome in one.feedback.points:
            late = " (only after a follow-up)" if outcome.after_probe else ""
            says = one.planned.rubric.point(outcome.point_id).says
            yield f"- [{_STATUS_SIGNS[outcome.status]}] {says} — {outcome.status}{late}, {outcome.credit:.2f}"
        yield ""
        if one.feedback.told < 1:
            yield f"How it is told {told_text(one.feedback.told)}."
            yield ""
        for mistake in one.feedback.mistakes:
            if mistake.made:
                known = one.planned.rubric.mistake(mistake.mistake_id)
                yield f"- Mistake: {known.says} **Instead:** {known.correction}"
        yield from _opinion_lines(one)
    yield ""
    yield "### Model answer"
    yield ""
    yield one.planned.question.model_answer


def _opinion_lines(one: QuestionReport) -> Iterator[str]:
    if one.opinion is None or one.feedback is None:
        if one.opinion_failure:
            yield ""
            yield f"The language model gave no second opinion: {one.opinion_failure}"
        return
    yield ""
    yield f"### Second opinion ({one.opinion.score:.0f} of 100, {one.opinion.grader})"
    yield ""
    yield from _quoted(one.opinion.advice or "(no advice)")  # a model's text may quote anything
    yield ""
    ours = {point.point_id: point.status for point in one.feedback.points}
    for point in one.planned.rubric.points:
        if theirs := one.differs_on(point.id):
            yield f"- Look twice: {point.says} — offline {ours[point.id]}, second opinion {theirs}"
    for mistake, theirs_alone in one.disputed_mistakes():
        who = "the second opinion" if theirs_alone else "the offline grader"
        yield f"- Look twice: only {who} heard: {one.planned.rubric.mistake(mistake.mistake_id).says}"


def _quoted(text: str) -> Iterator[str]:
    """A candidate's text as a quotation: indented as code, so that nothing in it acts as Markdown."""
    for line in text.splitlines() or ["(no answer)"]:
        yield f"    {line}"
