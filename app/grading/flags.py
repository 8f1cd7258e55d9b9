"""Answers that earn nothing, whatever they resemble: none at all, another language, an echo, a list, another topic.

A flag takes all credit away, so each fires only where honest answers are far off. The bounds come from the 461 labelled
answers of November 2026; beside each stands how near an honest answer came.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np

from app.core.feedback import Flag
from app.core.segment import sentences
from app.grading.calibration import OnTopic
from app.grading.context import FEWEST
from app.grading.encoder import Vectors
from app.grading.language import is_foreign
from app.grading.references import References, best
from app.grading.words import FUNCTION_WORDS, content_stems, words

SHORTEST = 3
"""Words; fewer are no answer. A text in a script without spaces counts its characters."""

ECHO_SHARE, ECHO_NEAR, ECHO_WORDS = 0.45, 0.36, 12
"""An echo: this share of the content words come from the question (honest answers: up to 0.27; echoes: from 0.50), the
sentences' mean cosine with it is this high, and it has this many content words: a short answer may well reuse the
question's words."""
ECHO_LEAD, ECHO_OWN_WORDS = -0.18, 0.12
"""Nor is it an echo where the sentences are nearer to the points than to the prompt by more than this (echoes: by up to
0.17; honest answers that reuse a quarter of the question's words: from 0.29), or more than this share of the content
words come from a point's statement and not from the question (echoes: up to 0.10). Correct answers to long questions of
published sets reuse the question's words, and these two spare most."""
SHORT_ECHO_SHARE = 0.9
"""The same share for shorter answers and for the question of a follow-up: nothing but the prompt's own words."""
PASSAGE_WORDS = 60
"""Different content words from which a question with one to three points quotes a text to read (the bank's questions
have up to 16, those of published sets without a text up to 50). An answer about a text is made of its words: of twelve
that looked like an echo five were right, much as of the others."""

LIST_PIECES, LIST_PIECES_AFTER_PROBE = 6, 12
"""Pieces between commas and the like from which an answer can be a list; asked for examples, a short list is honest."""
LIST_PIECE_WORDS, LIST_CLAUSE_PIECES, LIST_CLAUSE_WORDS = 5.0, 0.12, 0.06
"""A list: pieces shorter than this on average, hardly any with a word of a clause in it, and hardly any such words.
Terse but complete answers have at least 0.12 of such pieces; lists of terms had at most 0.11."""
LIST_LONG_PIECE, LIST_LONG_PIECES = 4, 0.15
"""Nor is it a list where this share of the pieces has so many words: those are notes ("model too simple; misses the
real pattern; more flexibility lowers bias"). Of the 52 labelled lists none has more than 0.11 of them, terse answers
from 0.20."""
NOTES_SENTENCES, NOTES_RELATIONS = 5, 2
"""Nor where there are so many sentences, of which so many set something in relation ("gap shrinks with data →
variance", "MAE 2.6", "pickups 4 min late"): those are notes of somebody in a hurry. Of the 59 labelled lists two have
such sentences, and neither more than three in all; of the 82 terse answers two were taken for lists before."""
BARE_LIST_WORDS, BARE_LIST_CLAUSE_WORDS = 12, 0.03
"""A list without separators: this many words, fewer than this share from clauses (honest answers: at least 0.05)."""

NEAR_ANYTHING = 0.2
"""Off topic in any case: no sentence has this cosine with any text of the rubric or with the question."""

LEANS, LEANING_FROM = 0.0105, 2
"""What leaning to the question asked (Background.leaning, log odds) counts in the lead beside nearness, about half as
much as that does by what each varies among honest answers; and up to how many sentences it counts nothing. With 0.009
to 0.012 the figures are level. With 1 in place of 2 sentences, six of 867 stretches of two to five sentences from good
answers fell below the bound; with 2 two."""
FEW_SENTENCES = 0.3
"""Over the square of the number of sentences, what is added to the lead: a sentence or two have little to show where
they belong. The bound lies at about 0.02. Of 250 single sentences that say a point of their question, one in fifty is
nearer to another by more than 0.11; two sentences of empty talk were so by 0.047."""
MOSTLY_TALK = 0.5
"""Off topic as well: this share of the sentences is everyday talk."""

_CLAUSELESS = frozenset(
    """
    a about after against an and as at before between by down during each few first for from in into last less more
    most of off on one or other others out over own per same than the through to two under up via vs with within
    without
    """.split()  # noqa: SIM905 - a list of a word a line is no easier to read
)
_CLAUSE_WORDS = FUNCTION_WORDS - _CLAUSELESS
_PIECE = re.compile(r"[,;:\n•|/.!?()]+")
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\u0e00-\u0e7f]")
_RELATION = re.compile(r"→|->|=>|[≥≤<>=%≈×]|\bvs\b|(?<![\w.])[-+]?\d+(?:\.\d+)?(?=[\s%x,;.)]|$)")
_GIVING_UP = re.compile(
    r"\bi\s+(?:(?:really|honestly|just|simply)\s+)*(?:do\s?no?'?t)\s+(?:really\s+)?(?:know|remember|recall|have\s+any)\b"
    r"|\b(?:i|we)\s+(?:really\s+)?(?:can'?t|can\s?not|couldn'?t)\s+(?:really\s+)?"
    r"(?:answer|say|tell|remember|recall|help|think\s+of\s+anything)\b"
    r"|\b(?:i|we)\s+(?:really\s+)?(?:have\s+no|haven'?t\s+an?y?|don'?t\s+have(?:\s+any?)?)\s+(?:idea|clue|answer|experience)\b"
    r"|\bno\s+(?:idea|clue|answer|comment)\b|\bnot\s+(?:really\s+)?sure\b|\b(?:dunno|idk|sorry|n/?a)\b"
    r"|(?:^|[.,;!?]|\b(?:i\s+will|i'?ll|i\s+would\s+like\s+to|i'?d\s+like\s+to|let'?s|can\s+we))\s*"
    r"(?:pass|skip)(?:\s+(?:this|that|it|on))*\b"
    r"|\bnext\s+(?:question|one)\b|\bi(?:'ve|\s+have)?\s+never\s+(?:heard|done|used|seen|worked)\b",
    re.I,
)
GIVING_UP_REST = 8
"""Words beside a phrase of giving up from which there is something to judge after all."""

_INJECTION = re.compile(
    r"\b(?:ignore|disregard|forget|override)\b[^.!?\n]{0,60}"
    r"\b(?:rubrics?|instructions?|prompts?|grading|marking|(?:grading|marking|scoring)\s+criteria)\b"
    r"|\b(?:give|award|assign|deserves?|grant)\b[^.!?\n]{0,40}\b(?:full|maximum|perfect)\s+"
    r"(?:marks?|scores?|credits?|points?|grades?)\b"
    r"|\b(?:give|award|assign|grant)\s+(?:me|this|it|my\s+answer)\b[^.!?\n]{0,40}\b(?:highest|top)\s+"
    r"(?:marks?|scores?|credits?|points?|grades?)\b"
    r"|\b(?:mark|grade|score|rate)\s+(?:this|me|my\s+answer|the\s+answer"
    r"|(?:every|all|each)\s+(?:of\s+)?(?:the\s+)?(?:rubric\s+)?(?:points?|criteri\w+|items?))\b[^.!?\n]{0,30}"
    r"\b(?:as|said|full|correct|100|10)\b|<\|?(?:system|im_start|assistant)|\b(?:system|developer)\s+(?:prompt|override)\b",
    re.I,
)


Nearness = np.ndarray[tuple[int, int], np.dtype[np.float32]]


class Turn(NamedTuple):
    """What the flags look at in one turn: its text and sentence vectors.

    And how well the other question that fits best does so, where others are known, how far the whole leans to the
    question asked (Background.leaning), and how much is everyday talk, 0..1.
    """

    text: str
    vectors: Vectors
    elsewhere: float | None
    leaning: float
    talk: float
    after_probe: bool


def points_are_terms(refs: References) -> bool:
    """Whether the points' statements are so short that a list of terms is just what was asked for."""
    return float(np.median([len(words(refs.texts[group.start])) for group in refs.points])) <= LIST_PIECE_WORDS


def is_injection(sentence: str) -> bool:
    """True for a sentence that talks to the grader instead of answering; it earns nothing and hurts nothing else."""
    return bool(_INJECTION.search(sentence))


def flag(turn: Turn, refs: References, on_topic: OnTopic) -> Flag | None:
    """The flag of one turn, if any: the first that fits.

    A rubric of one to three points asks for a short answer. There one word may be right, a list may be what was wanted,
    and a correct answer reuses the question's words: on five published sets of short answers, those that looked like an
    echo or a list were right about as often as the others.
    """
    brief = len(refs.points) < FEWEST
    if _no_answer(turn.text, 1 if brief else SHORTEST) or not len(turn.vectors):
        return Flag.no_answer
    if turn.elsewhere is not None and is_foreign(turn.text):  # a rubric of one's own may be in any language
        return Flag.other_language
    nearness = turn.vectors @ refs.vectors.T
    if _echo(turn, nearness, refs, brief):
        return Flag.echo
    if not (brief or points_are_terms(refs)) and _keyword_list(
        turn.text, LIST_PIECES_AFTER_PROBE if turn.after_probe else LIST_PIECES
    ):
        return Flag.keyword_list
    if _off_topic(turn, nearness, on_topic):
        return Flag.off_topic
    return None


def reached(turn: Turn, refs: References) -> OnTopic:
    """How far one turn with at least one sentence is on the topic.

    `lead` compares this question with the best other one, each by the mean over the sentences of the cosine with its
    nearest text, and by what the whole leans to; the fewer sentences, the more is allowed for. It is 0 where there is
    no other question.
    """
    return _reached(turn, turn.vectors @ refs.vectors.T)


def above(turn: Turn, refs: References, on_topic: OnTopic) -> float:
    """How far one turn is above the bound for answers about something else, 0..1; see OnTopic.above.

    Where there is no other question, and after a probe, nothing speaks against it.
    """
    if turn.elsewhere is None or turn.after_probe:
        return 1.0
    return on_topic.above(reached(turn, refs))


def _reached(turn: Turn, nearness: Nearness) -> OnTopic:
    near = float(nearness.max())
    if turn.elsewhere is None:
        return OnTopic(lead=0.0, near=near)
    own = float(nearness.max(axis=1).mean())
    count = len(turn.vectors)
    leaning = LEANS * turn.leaning * max(0.0, 1 - LEANING_FROM / count)  # a sentence or two lean anywhere
    lead = own - turn.elsewhere + leaning + FEW_SENTENCES / count**2
    return OnTopic(lead=lead, near=near)


def _off_topic(turn: Turn, nearness: Nearness, on_topic: OnTopic) -> bool:
    found = _reached(turn, nearness)
    if found.near < NEAR_ANYTHING:
        return True
    # a question outside the bank has no bounds, and a short reply to a probe need not resemble much
    if turn.elsewhere is None or turn.after_probe:
        return False
    return on_topic.missed(found) or turn.talk >= MOSTLY_TALK


def count_words(text: str) -> int:
    """The words of a text; in a script without spaces its characters count."""
    return min(len(text.split()), len(words(text))) + len(_UNSPACED.findall(text))


def _no_answer(text: str, shortest: int) -> bool:
    if count_words(text) < shortest:
        return True
    said = text.replace("’", "'")
    return bool(_GIVING_UP.search(said)) and len(words(_GIVING_UP.sub(" ", said))) < GIVING_UP_REST


def _echo(turn: Turn, nearness: Nearness, refs: References, brief: bool) -> bool:
    content = content_stems(words(turn.text))
    asked = refs.prompts.start
    if not content or (brief and (len(content) < ECHO_WORDS or len(refs.stems[asked]) > PASSAGE_WORDS)):
        return False
    shares = [sum(one in stems for one in content) / len(content) for stems in refs.stems[asked : refs.prompts.stop]]
    row = asked if len(content) >= ECHO_WORDS and shares[0] >= ECHO_SHARE else asked + int(np.argmax(shares))
    if row == asked and len(content) >= ECHO_WORDS and not brief:
        enough = shares[0] >= ECHO_SHARE and float(nearness[:, asked].mean()) >= ECHO_NEAR
    else:
        enough = len(content) >= SHORTEST and max(shares) >= SHORT_ECHO_SHARE
    if not enough:
        return False
    lead = float((nearness[:, row] - best(nearness, refs.points).max(axis=1)).mean())
    says = frozenset[str]().union(*(refs.stems[group.start] for group in refs.points)) - refs.stems[asked]
    return lead >= ECHO_LEAD and sum(one in says for one in content) <= ECHO_OWN_WORDS * len(content)


def _notes(text: str) -> bool:
    said = sentences(text)
    related = sum(bool(_RELATION.search(one.text)) for one in said)
    return len(said) >= NOTES_SENTENCES and related >= NOTES_RELATIONS


def _keyword_list(text: str, fewest: int) -> bool:
    tokens = words(text)
    pieces = [piece for piece in map(words, _PIECE.split(text)) if piece]
    if not tokens or "=" in text or len(_UNSPACED.findall(text)) > len(tokens):
        return False  # an equation says something
    if _notes(text):
        return False
    clause = sum(token in _CLAUSE_WORDS for token in tokens) / len(tokens)
    if (
        len(tokens) >= BARE_LIST_WORDS
        and clause < BARE_LIST_CLAUSE_WORDS
        and len(tokens) / len(pieces) > LIST_PIECE_WORDS
    ):
        return True
    with_clause = sum(any(token in _CLAUSE_WORDS for token in piece) for piece in pieces) / len(pieces)
    return (
        len(pieces) >= fewest
        and len(tokens) / len(pieces) <= LIST_PIECE_WORDS
        and with_clause < LIST_CLAUSE_PIECES
        and clause < LIST_CLAUSE_WORDS
        and sum(len(piece) >= LIST_LONG_PIECE for piece in pieces) < LIST_LONG_PIECES * len(pieces)
    )
