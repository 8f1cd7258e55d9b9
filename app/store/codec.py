"""Core values to rows and back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

from app.core.plan import Options
from app.core.round import Ending, How, Planned, PromptKind, Reply, Round, Turn
from app.store.rows import EndingRow, PromptRow, ReplyRow, RoundQuestionRow, RoundRow


def to_round_rows(round_: Round) -> tuple[RoundRow, list[RoundQuestionRow]]:
    """The row of a round, which holds a copy of its plan, and the rows of the questions it planned."""
    plan = json.dumps([planned.model_dump(mode="json") for planned in round_.plan], ensure_ascii=False)
    row = RoundRow(
        id=round_.id, started_at=to_text(round_.started_at), options=round_.options.model_dump_json(), plan=plan
    )
    questions = [
        RoundQuestionRow(
            round_id=round_.id,
            question_index=index,
            question_id=planned.question.id,
            title=planned.question.title,
        )
        for index, planned in enumerate(round_.plan)
    ]
    return row, questions


def to_round(
    row: RoundRow, prompts: Sequence[PromptRow], replies: dict[int, ReplyRow], ending: EndingRow | None
) -> Round:
    """A round from its rows; `prompts` in order, `replies` by position."""
    return Round(
        id=row.id,
        options=Options.model_validate_json(row.options),
        plan=tuple(Planned.model_validate(one) for one in json.loads(row.plan)),
        started_at=to_time(row.started_at),
        turns=tuple(_to_turn(prompt, replies.get(prompt.position)) for prompt in prompts),
        ended_at=to_time(ending.at) if ending else None,
        ending=Ending(ending.ending) if ending else None,
    )


def _to_turn(prompt: PromptRow, reply: ReplyRow | None) -> Turn:
    return Turn(
        position=prompt.position,
        question_index=prompt.question_index,
        kind=PromptKind(prompt.kind),
        point_id=prompt.point_id,
        prompt=prompt.prompt,
        asked_at=to_time(prompt.asked_at),
        reply=Reply(text=reply.text, how=How(reply.how), at=to_time(reply.at)) if reply else None,
    )


def to_prompt_row(round_id: str, turn: Turn) -> PromptRow:
    """The row of a turn's prompt."""
    return PromptRow(
        round_id=round_id,
        position=turn.position,
        question_index=turn.question_index,
        kind=turn.kind,
        point_id=turn.point_id,
        prompt=turn.prompt,
        asked_at=to_text(turn.asked_at),
    )


def to_reply_row(round_id: str, position: int, reply: Reply) -> ReplyRow:
    """The row of the answer at a position."""
    return ReplyRow(round_id=round_id, position=position, text=reply.text, how=reply.how, at=to_text(reply.at))


def to_text(at: datetime) -> str:
    """A time as it is stored: ISO 8601."""
    return at.isoformat()


def to_time(value: str) -> datetime:
    """A time from the database."""
    return datetime.fromisoformat(value)
