"""Words of a text as lexical features and flags see them: lower case, stemmed a little, function words known."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")

FUNCTION_WORDS = frozenset(
    """
    a about above actually after again against ago all almost already also although always am an and another any
    anybody anyone anything are aren't around as at away back basically be because been before being below between
    both but by can can't cannot could couldn't did didn't do does doesn't doing don't done down during each either
    else enough er erm even ever every everybody everyone everything few first for from further get gets getting
    give gives go goes going gone got guess had hadn't has hasn't have haven't having he he'd he's her here hers
    herself him himself his hmm how however i i'd i'll i'm i've if in instead into is isn't it it'd it'll it's its
    itself just keep keeps kind know last least less let let's like lot lots made make makes many may maybe me mean
    might mine more most much must my myself need needs neither never next no nobody none nor not nothing now of off
    often ok okay on once one ones only or other others otherwise ought our ours ourselves out over own per perhaps
    put quite rather really said same say says see seems shall she she's should shouldn't since so some somebody
    someone something sometimes soon still such sure take takes than that that's the their theirs them themselves
    then there there's therefore these they they'd they'll they're they've thing things think this those though
    through thus till to together too toward towards two uh uhm um under unless until up upon us use used using very
    via want wants was wasn't way we we'd we'll we're we've well went were weren't what what's whatever when where
    whether which while who whoever whole whom whose why will with within without won't would wouldn't yeah yes yet
    you you'd you'll you're you've your yours yourself
    """.split()  # noqa: SIM905 - a list of a word a line is no easier to read
)

_ENDINGS = ("isations", "izations", "isation", "ization", "ingly", "ations", "ation", "ements", "ement", "ness", "ings",
            "ing", "edly", "ied", "ies", "ed", "ers", "er", "es", "ly", "s", "e")  # fmt: skip


def words(text: str) -> list[str]:
    """The words of `text` in lower case, apostrophes straightened."""
    return [match.replace("’", "'") for match in _WORD.findall(text.lower())]


@lru_cache(maxsize=1 << 16)  # and so a stem is one string, however many texts have it
def stem(word: str) -> str:
    """`word` without a common English ending; crude, but alike for `retraining`, `retrained` and `retrain`."""
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word


def content_stems(tokens: Iterable[str]) -> list[str]:
    """The stems of the words that carry content, in order, repeats kept."""
    return [stem(token) for token in tokens if token not in FUNCTION_WORDS and (len(token) > 1 or token.isdigit())]
