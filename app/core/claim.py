"""Claims of subjects that the bank does not ask about: what the encoder learns right and wrong from, beside rubrics."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from app.core.question import Strict, Text

Sayings = Annotated[tuple[Text, ...], Field(min_length=2)]


class Claim(Strict):
    """One line of `rubrics/claims.jsonl`.

    `true` say the claim in other words, `turned` are wrong about it, `near` is on its topic and says neither.
    """

    topic: Text
    claim: Text
    true: Sayings
    turned: Sayings
    near: Text
