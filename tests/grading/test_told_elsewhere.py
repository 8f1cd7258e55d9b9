"""Stories from other trades, told by what was done and without a term of the field: they are on the topic."""

from __future__ import annotations

import pytest

from app.content import Content
from app.core.feedback import Answer
from app.grading.embedding import EmbeddingGrader

STORIES = {
    "system_design/blocking-bad-models": (
        "At the hail mutual ten of us could build a payout estimator, but after the 2019 mess only Fenna's "
        "conveyor still had the key to the claims hall, and the other nine keys, mine too, went into the "
        "furnace. In March 2021 the field lists came in with 9,000 of 22,000 hectares blank; the desk counted "
        "before anything was taught, sent them back, and the teaching only began on the Thursday with the "
        "full ones. Joris's estimator missed by 410 euros a field on the 600 claims kept back, under the 450 "
        "we'd written down, and 'same as the neighbour' missed by 520, yet the one in service missed by 380, "
        "so it stayed in the shed. The next was 30 euros better on the whole but 900 too low on orchards, two "
        "farms in a hundred; orchards had their own limit of 500, and on that alone it was sent back. Then "
        "came Truus's folder, 74 fields any farmer's child could judge: stubble, not a stalk left, the "
        "greenhouse we'd paid twice, the same meadow under another owner's name; at one wrong answer the "
        "folder was shut and so was the case. In June one missed by just 60 euros; instead of cheering, Fenna "
        "held it back, and on day two they saw the adjuster's final sum standing among the things it had been "
        "given to look at. What passed was then packed, started on a spare of the hall's own computers, and "
        "given 1,000 claims from last summer; in 2022 the packed one differed on 212 of them because of "
        "another rounding, and didn't leave. Its first week it estimated along in a drawer nobody read out, "
        "its second it had the parish of Oudega alone; when 31 of 100 payouts there topped the agreed band, "
        "the lever fell at 10:20 with no one in the room. One did get out, on a Sunday in hail season; the "
        "guard put last year's back in forty seconds, as he had in each of the spring drills, and 16 letters "
        "were wrong instead of 4,000. That one had read hail as snow, so a snow page was added to Truus's "
        "folder; and every January the list of wrongly halted ones was read out, 5 of 38 last time, with who "
        "had forced which through and why."
    ),
    "system_design/data-triggered-pipelines": (
        "On 3 March the tyre forecast was worked out at 18:05, when truck 9 had sent its shift and 21 were "
        "still in the pit; from then on it was held until 22 had reported 'shift closed' and 22 row totals "
        "agreed. In April the figure for the north ramp doubled overnight with not a line of program altered; "
        "Ines had the two shift archives by number, A-118 and A-119, next to the program's number, and found "
        "the gravel in twenty minutes. The surveyors had always read each other's programs, but nobody read "
        "the shifts; on 11 May a gauge set to Fahrenheit was stopped at the door by a list of 31 limits, and "
        "those six trucks' rows were kept out. The radio link says things twice when it rains: on 2 June "
        "'shift 311 ready' came at 06:00 and again at 06:04, after 312; 311 stood on the done list by then "
        "and nothing was added to its 48,200 rows. Truck 17 had stood in a dead spot and handed in its "
        "readings nine days after; the sheet on the wall said five days go in with the next round and older "
        "ones on the superintendent's order, so they waited for his order. In August the head office re-sent "
        "two years of shifts, 1,460 of them, within an afternoon; it was set to 300 unseen shifts or nothing "
        "and one at a time, so the bill showed one night of rented machines, 190 dollars. It takes eleven "
        "hours, and towards three the night crew's shifts began to come in; they lay in the tray for the "
        "following round, and after the power cut at five it went on from its half-past-four mark with its "
        "old list. On 20 September it ended at 07:12 without a murmur; set next to the one in use on last "
        "month's 140 changed tyres it was out by 61 hours instead of 48, and it went into the cupboard. From "
        "4 to 6 November not one shift came, the mast was down, and no lamp turned red, for nothing had been "
        "begun; it was the kitchen timer on Ines's page, set at 26 hours without a start, that fetched her "
        "out. When Tomasz rewrote the slope formula in December it was worked out on the shifts of October "
        "first, 48 hours against 46; only a week later did the new shifts meet it, and the jump to 53 was "
        "then the frost's doing."
    ),
}
"""None of these sentences is in a rubric."""


@pytest.mark.parametrize("question", STORIES)
def test_a_story_in_the_words_of_another_trade_is_no_answer_to_another_question(
    grader: EmbeddingGrader, content: Content, question: str
) -> None:
    told = [Answer(turn=0, text=STORIES[question])]
    feedback = grader.grade(content.questions[question].prompt, content.rubrics[question], told)
    assert not feedback.flags
    assert feedback.score >= 25
