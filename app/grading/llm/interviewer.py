"""The LLM as interviewer: a follow-up in reaction to the candidate's own words, checked before it is put."""

from __future__ import annotations

from collections.abc import Sequence

from app.core.feedback import Answer
from app.core.llm import LLMFailed, Model, OnText, Said
from app.core.rubric import Point
from app.grading.llm import prompts
from app.grading.words import content_stems, words

VERSION = "interviewer-2"
"""Of the prompt's text and of how its reply is read."""

LONGEST = 400
"""Characters of a follow-up; 45 words have about 260."""
GIVEN_AWAY = 3
"""New content words from the point's own statement by which a follow-up would give it away."""


class LLMInterviewer:
    """Asks a model for each follow-up. Where it fails, or gives the point away, the authored probe is put instead."""

    def __init__(self, model: Model) -> None:
        self._model = model

    def follow_up(self, question: str, point: Point, said: Sequence[Said], on_text: OnText | None = None) -> str:
        """A follow-up in one or two sentences; see app.core.llm.Interviewer. Raises LLMFailed."""
        harmless = [
            one._replace(answer=prompts.harmless(Answer(turn=number, text=one.answer)).text)
            for number, one in enumerate(said)
        ]
        prompt = prompts.fill(
            "interviewer",
            question=question,
            point=point,
            turns=harmless,
            mark=prompts.fence([one.answer for one in harmless]),
        )
        text = _tidy(self._model.ask(prompt, lambda so_far: on_text(_tidy(so_far)) if on_text else None))
        _refuse_unusable(text, question, point, said)
        return text


def _tidy(text: str) -> str:
    return " ".join(prompts.without_thoughts(text).split()).strip('"“” ').removeprefix("Interviewer: ")


def _refuse_unusable(text: str, question: str, point: Point, said: Sequence[Said]) -> None:
    """Raises LLMFailed for what is no follow-up, or contains what it should draw out."""
    if not text or len(text) > LONGEST or "?" not in text:
        raise LLMFailed("The model wrote no usable follow-up.")
    spoken = " ".join([question, point.probe, *(f"{one.prompt} {one.answer}" for one in said)])
    known = frozenset(content_stems(words(spoken)))
    told = frozenset(content_stems(words(point.says))) & frozenset(content_stems(words(text)))
    if len(told - known) >= GIVEN_AWAY:
        raise LLMFailed("The model's follow-up would have given the point away.")
