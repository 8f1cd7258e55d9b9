"""The book of a language model: what it replied, and the tokens that it used; see app.core.llm.Book."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Engine, delete, func
from sqlmodel import Session, col, select

from app.core.feedback import marks
from app.core.llm import Usage
from app.core.round import Round
from app.store.codec import to_text
from app.store.rows import LLMCallRow, LLMReplyRow


class LLMBook:
    """Replies and calls in the database. Safe to use from several threads."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._writer = engine.execution_options(writes=True)

    def llm_reply(self, key: str) -> str | None:
        """The reply kept under `key`, if there is one."""
        with Session(self._engine) as session:
            row = session.get(LLMReplyRow, key)
            return row.reply if row else None

    def add_llm_reply(self, key: str, answers: str, reply: str, at: datetime) -> None:
        """Keep a reply; where another thread was faster, its reply stands."""
        with Session(self._writer) as session, session.begin():
            if session.get(LLMReplyRow, key) is None:
                session.add(LLMReplyRow(key=key, answers=answers, reply=reply, at=to_text(at)))

    def add_llm_call(self, model: str, usage: Usage, at: datetime) -> None:
        """Note what one call used."""
        row = LLMCallRow(
            model=model, prompt_tokens=usage.prompt_tokens, reply_tokens=usage.reply_tokens, at=to_text(at)
        )
        with Session(self._writer) as session, session.begin():
            session.add(row)

    def llm_usage(self, since: datetime | None = None) -> Usage:
        """What the calls since a moment used, or all calls."""
        asked = select(func.count(), func.sum(LLMCallRow.prompt_tokens), func.sum(LLMCallRow.reply_tokens))
        if since is not None:
            asked = asked.where(func.unixepoch(LLMCallRow.at) >= int(since.timestamp()))
        with Session(self._engine) as session:
            calls, read, written = session.exec(asked.select_from(LLMCallRow)).one()
        return Usage(prompt_tokens=read or 0, reply_tokens=written or 0, calls=calls)

    def delete_llm_replies(self, answers: str) -> None:
        """Delete the replies about the texts with this mark."""
        with Session(self._writer) as session, session.begin():
            session.execute(delete(LLMReplyRow).where(col(LLMReplyRow.answers) == answers))


def forget(session: Session, rounds: Iterable[Round]) -> None:
    """Delete the replies about what was said in `rounds`, which may quote it: on all turns of a question or on some."""
    about = set()
    for round_ in rounds:
        for index in range(len(round_.plan)):
            said = round_.answers_of(index)
            about |= {marks(said[:count]) for count in range(1, len(said) + 1)}
    session.execute(delete(LLMReplyRow).where(col(LLMReplyRow.answers).in_(about)))
