"""Small sentences that pages choose from."""

from __future__ import annotations

from app.core.feedback import TOLD_AT_LEAST, Flag, Status, Unheard
from app.core.round import How, Round, Turn

_OPENERS = ("Thanks. ", "Let me dig into that. ", "I see. ", "Good, one more thing. ", "Let me push a little. ")
_AFTER_DONT_KNOW = "That’s fine, it is better to say so. Let me come at it from another side. "

_FLAGS = {
    Flag.no_answer: "No answer was given, so no point is credited.",
    Flag.echo: "This repeats the question and adds nothing to it, so no point is credited. Say what you would do.",
    Flag.keyword_list: "This lists terms without saying anything about them, so no point is credited. Interviewers"
    " credit claims: say what you would do with each, and why.",
    Flag.off_topic: "This is about something else than what was asked, so no point is credited. Start with the"
    " question.",
    Flag.other_language: "This is not in English, so no point is credited. The rubrics are in English, and so are most"
    " interviews: say it in English, as simply as you like.",
}

_LEFT_OUT = {
    Unheard.everyday_talk: "this reads as small talk and was not judged.",
    Unheard.to_the_grader: "this speaks to the grader and not to the interviewer, and was not judged.",
}


def opener(turn: Turn, round_: Round) -> str:
    """How the interviewer leads into an authored follow-up; the same turn always gets the same words."""
    rubric = round_.plan[turn.question_index].rubric
    if turn.point_id is None or turn.prompt != rubric.point(turn.point_id).probe:
        return ""  # one in the interviewer's own words leads in by itself
    before = round_.turns[turn.position - 1].reply if turn.position else None
    if before is not None and before.how is How.dont_know:
        return _AFTER_DONT_KNOW
    return _OPENERS[turn.position % len(_OPENERS)]


def status_text(status: Status) -> str:
    """How much of a point was said, in words."""
    return {Status.said: "Said", Status.partly: "Partly said", Status.missing: "Missing"}[status]


def flag_text(flag: Flag) -> str:
    """What a flag means to the candidate."""
    return _FLAGS[flag]


def left_out_text(why: Unheard) -> str:
    """Why a stretch of an answer was not judged, to follow the words 'Left out:'."""
    return _LEFT_OUT[why]


def told_text(told: float) -> str:
    """What the credit of a signal counts (0..1), and why it is less than all of it."""
    said = "little" if told < (1 + TOLD_AT_LEAST) / 2 else "only part"
    return f"counts {100 * told:.0f} %, as the story says {said} of what was asked"
