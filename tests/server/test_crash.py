"""kill -9 at the worst moments: what was typed and what was sent is there after the next start."""

from __future__ import annotations

import re
import sqlite3
from datetime import datetime
from pathlib import Path

from tests.server.process import LOADING, environment, served, until

ANSWER = (
    "I compare training error with validation error. When the training error is low and the validation error is much"
    " higher the model overfits, so I collect more data, regularise, and stop early. I always keep a held-out test set"
    " that nothing was tuned on."
)


def rows(data: Path, query: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(data / "greenroom.sqlite3")
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def test_an_answer_is_graded_after_the_server_was_killed_before_its_grading(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        round_id = server.start_round()
        server.answer(round_id, 0, ANSWER)
        assert server.health() == "loading"
        server.kill()
    assert rows(tmp_path, "select text, how from replies") == [(ANSWER, "answered")]
    assert rows(tmp_path, "select * from feedbacks") == []

    with served(tmp_path) as server:
        # Nobody looks at the round: the start alone takes up what was left.
        until(lambda: rows(tmp_path, "select position from feedbacks") == [(0,)], LOADING, "the grading")
        page = server.http.get(f"/rounds/{round_id}").text
        (asked, at), *later = rows(
            tmp_path,
            "select asked_at, at from prompts left join replies using (round_id, position) order by position",
        )
        assert later, "the round goes on with a follow-up"
        spent = datetime.fromisoformat(str(at)) - datetime.fromisoformat(str(asked))
        left = re.search(r'data-left="(\d+)"', page)
        assert left is not None
        expected = 15 * 60 - spent.total_seconds()
        assert abs(expected - int(left.group(1))) < 2, "the clock stood while nothing was asked"

        server.http.post(f"/rounds/{round_id}/end")
        (question,) = server.report(round_id)["questions"]
        assert question["turns"][0]["reply"]["text"] == ANSWER
        until(lambda: server.report(round_id)["questions"][0]["feedback"] is not None, 30, "the feedback")


def test_a_draft_is_there_after_the_server_was_killed(tmp_path: Path) -> None:
    text = "Half a thought, with <b>marks</b> & a line\nbreak"
    with served(tmp_path) as server:
        round_id = server.start_round()
        draft = {"position": 0, "text": text, "base": 0}
        assert server.http.post(f"/rounds/{round_id}/draft", json=draft).json() == {"revision": 1}
        server.kill()
    assert rows(tmp_path, "select text, revision from drafts") == [(text, 1)]
    with served(tmp_path, environment(tmp_path)) as server:
        page = server.http.get(f"/rounds/{round_id}").text
        assert "Half a thought, with &lt;b&gt;marks&lt;/b&gt; &amp; a line\nbreak</textarea>" in page
        assert 'data-revision="1"' in page
