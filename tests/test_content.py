from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.content import OTHERS, Content, json_schemas, load
from app.content.lines import incomplete, unheard
from app.content.schemas import AnswerKind
from app.core.errors import InvalidContent, Problem
from app.core.question import Domain, Level
from app.core.rubric import PointKind, Verdict

ROOT = Path(__file__).resolve().parent.parent
IDS = {
    "lifecycle": "production-readiness model-metadata champion-challenger worse-candidate versioning-reproducibility",
    "system_design": "weekly-retraining automated-retraining blocking-bad-models multi-model-serving"
    " data-triggered-pipelines",
    "fundamentals": "bias-variance precision-recall imbalanced-data overfitting choosing-metrics unrepresentative-data",
    "project_deep_dive": "project-walkthrough proudest-project tradeoffs production-failure redesign",
    "behavioural": "conflict derailed-project prioritisation technical-disagreement strengths-weaknesses",
}
ALL = [f"{domain}/{slug}" for domain, slugs in IDS.items() for slug in slugs.split()]
QUESTION = "question_bank/fundamentals/overfitting.yaml"
RUBRIC = "rubrics/fundamentals/overfitting.yaml"
EXAMPLES = "rubrics/fundamentals/overfitting.examples.jsonl"
PAIRS = "rubrics/fundamentals/overfitting.pairs.jsonl"
HEARD = "rubrics/fundamentals/overfitting.heard.jsonl"
STORY = "rubrics/project_deep_dive/redesign.yaml"
SIGNALS, SIGNAL_PAIRS = "rubrics/signals.yaml", "rubrics/signals.pairs.jsonl"
SCALE = "rubrics/scale.yaml"


# What ships.


def test_the_bank_has_exactly_the_questions_promised(content: Content) -> None:
    assert len(ALL) == 26
    assert sorted(content.questions) == sorted(content.rubrics) == sorted(ALL)


@pytest.mark.parametrize("id_", ALL)
def test_a_shipped_question_is_whole(content: Content, id_: str) -> None:
    question = content.questions[id_]
    assert question.id == id_
    assert question.prompt.endswith(("?", "."))
    assert len(question.prompt.split()) >= 10
    assert len(question.model_answer.split()) >= 150
    assert len(set(question.tags)) == len(question.tags)
    assert question.typical_gap_for or question.domain is Domain.behavioural, "a typical gap for no track"


@pytest.mark.parametrize("id_", ALL)
def test_a_shipped_rubric_is_whole(content: Content, id_: str) -> None:
    rubric = content.written[id_]
    assert rubric.question_id == id_
    assert 6 <= len(rubric.points) <= 10
    assert len(rubric.mistakes) >= 5
    assert any(point.weight == 3 for point in rubric.points)
    for point in rubric.points:
        assert len(_different(point.exemplars)) == len(point.exemplars) >= 4, point.id
        assert point.probe.endswith("?"), point.id
    for mistake in rubric.mistakes:
        assert len(_different(mistake.exemplars)) == len(mistake.exemplars) >= 3, mistake.id
    for texts in ([point.says for point in rubric.points], [mistake.says for mistake in rubric.mistakes]):
        assert len(_different(texts)) == len(texts)
    ids = [point.id for point in rubric.points] + [mistake.id for mistake in rubric.mistakes]
    assert len(set(ids)) == len(ids)


def test_stories_are_graded_mostly_on_how_they_are_told(content: Content) -> None:
    told = [rubric for id_, rubric in content.rubrics.items() if id_.startswith(("project_deep_dive/", "behavioural/"))]
    kinds = {rubric.question_id: [point.kind for point in rubric.points] for rubric in told}
    for id_, of in kinds.items():
        assert of.count(PointKind.signal) > len(of) / 2, id_


def test_shipped_signals_have_exemplars_from_many_projects_and_each_is_used(content: Content) -> None:
    signals = yaml.safe_load((ROOT / SIGNALS).read_text("utf-8"))["signals"]
    for signal in signals:
        assert len(_different(signal["exemplars"])) == len(signal["exemplars"]) >= 15, signal["id"]
        assert signal["probe"].endswith("?"), signal["id"]
    points = [point for rubric in content.rubrics.values() for point in rubric.points]
    assert {signal["id"] for signal in signals} == {one.id for one in points if one.kind is PointKind.signal}


def test_the_shipped_scale_has_an_anchor_of_its_own_for_each_verdict_at_each_level(content: Content) -> None:
    anchors = [content.scale.anchor(verdict, level) for level in Level for verdict in Verdict]
    assert len(set(anchors)) == len(Verdict) * len(Level)


@pytest.mark.parametrize("id_", ALL)
def test_labelled_answers_are_of_many_kinds_and_grades(content: Content, id_: str) -> None:
    examples = content.examples.get(id_, ())
    assert len(examples) >= 12
    assert {one.grade for one in examples} >= {0, 1, 2, 3, 4}
    assert {one.kind for one in examples} == set(AnswerKind)
    assert len({one.answer for one in examples}) == len(examples)


@pytest.mark.parametrize("id_", ALL)
def test_every_point_and_mistake_has_pairs(content: Content, id_: str) -> None:
    rubric = content.rubrics[id_]
    for one in (*rubric.points, *rubric.mistakes):
        assert len(one.contrasts) >= 7, one.id
        assert len(one.exemplars) >= 10, one.id
        assert not set(one.contrasts) & {one.says, *one.exemplars}, one.id


def test_no_labelled_answer_stands_among_the_pairs(content: Content) -> None:
    """Answers are for measuring: a sentence that the grader is shown must not be one that it is measured on."""
    for id_, rubric in content.written.items():
        known = {text for one in (*rubric.points, *rubric.mistakes) for text in (*one.exemplars, *one.contrasts)}
        for example in content.examples[id_]:
            assert not {text for text in known if len(text) > 40 and text in example.answer}, example.id


def test_other_questions_are_not_the_banks_and_their_sentences_no_labelled_answers(content: Content) -> None:
    answers = [example.answer for examples in content.examples.values() for example in examples]
    texts = [text for other in content.others for text in other.texts]
    assert len(content.others) >= 50
    assert len(_different(texts)) == len(texts)
    assert len(_different([other.asks for other in content.others])) == len(content.others)
    assert not [text for text in texts if any(text in answer for answer in answers)]


def test_a_bad_line_among_the_other_questions_is_a_problem_of_its_line(tmp_path: Path) -> None:
    for folder in ("question_bank", "rubrics"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    (tmp_path / OTHERS).write_text('{"asks": "Why?", "texts": ["Because."]}\n', "utf-8")
    with pytest.raises(InvalidContent) as raised:
        load(tmp_path)
    assert [(one.file, one.field.split(":")[0]) for one in raised.value.problems] == [(OTHERS, "line 1")]


@pytest.mark.parametrize("name", json_schemas())
def test_the_schema_files_for_editors_are_those_of_the_models(name: str) -> None:
    assert json.loads((ROOT / name).read_text("utf-8")) == json_schemas()[name], "run python -m app schemas"


@pytest.mark.parametrize("path", sorted(ROOT.glob("question_bank/*/*.yaml")) + sorted(ROOT.glob("rubrics/**/*.yaml")))
def test_every_file_names_its_schema_for_editors(path: Path) -> None:
    first = path.read_text("utf-8").splitlines()[0]
    assert first.startswith("# yaml-language-server: $schema=")
    assert (path.parent / first.partition("=")[2]).resolve() in {ROOT / name for name in json_schemas()}


# What is refused.


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two questions with all that belongs to them: good as it stands, for tests to spoil."""
    for domain, slug in (("fundamentals", "overfitting"), ("project_deep_dive", "redesign")):
        for file in (f"question_bank/{domain}/{slug}.yaml", f"rubrics/{domain}/{slug}.yaml"):
            _copy(tmp_path, file)
    for file in (EXAMPLES, PAIRS, SIGNALS, SCALE):
        _copy(tmp_path, file)
    return tmp_path


def problems(root: Path) -> list[Problem]:
    with pytest.raises(InvalidContent) as raised:
        load(root, whole=True)
    assert str(raised.value) == "\n".join(map(str, raised.value.problems))
    return raised.value.problems


def only(root: Path) -> tuple[str, str, str]:
    (problem,) = problems(root)
    return problem.file, problem.field, problem.reason


def spoil(root: Path, file: str, change: Callable[[Any], object]) -> None:
    """Change a YAML file's data in place."""
    data = yaml.safe_load((root / file).read_text("utf-8"))
    change(data)
    (root / file).write_text(yaml.safe_dump(data, sort_keys=False), "utf-8")


def spoil_line(root: Path, number: int, change: Callable[[dict[str, Any]], object]) -> None:
    lines = (root / EXAMPLES).read_text("utf-8").split("\n")
    data = json.loads(lines[number - 1])
    change(data)
    lines[number - 1] = json.dumps(data, ensure_ascii=False)
    (root / EXAMPLES).write_text("\n".join(lines), "utf-8")


def test_the_content_that_these_tests_spoil_is_good(root: Path) -> None:
    found = load(root, whole=True)
    assert (
        sorted(found.questions) == sorted(found.rubrics) == ["fundamentals/overfitting", "project_deep_dive/redesign"]
    )
    assert list(found.examples) == ["fundamentals/overfitting"]


@pytest.mark.parametrize(
    ("file", "change", "field", "reason"),
    [
        (QUESTION, lambda data: data.update(dificulty=3), "dificulty", "unknown key: remove it or mend its spelling"),
        (RUBRIC, lambda data: data["points"][1].update(wieght=3), "points.1.wieght", "unknown key"),
        (QUESTION, lambda data: data.pop("prompt"), "prompt", "is missing"),
        (QUESTION, lambda data: data.update(prompt="  \n "), "prompt", "at least 1 character"),
        (RUBRIC, lambda data: data["points"][0].update(says=""), "points.0.says", "at least 1 character"),
        (RUBRIC, lambda data: data["points"][0]["exemplars"].append(" "), "points.0.exemplars", "at least 1 character"),
        (RUBRIC, lambda data: data["points"][2].update(weight=4), "points.2.weight", "less than or equal to 3"),
        (RUBRIC, lambda data: data["points"][2].update(weight=0), "points.2.weight", "greater than or equal to 1"),
        (RUBRIC, lambda data: data["points"][2].update(weight="heavy"), "points.2.weight", "valid integer"),
        (RUBRIC, lambda data: data["points"][0]["exemplars"].__delitem__(slice(3, None)), "points.0.exemplars", "4"),
        (RUBRIC, lambda data: data["mistakes"][0]["exemplars"].__delitem__(slice(2, None)), "mistakes.0", "at least 3"),
        (RUBRIC, lambda data: data["mistakes"].__delitem__(slice(4, None)), "mistakes", "at least 5"),
        (RUBRIC, lambda data: data["points"].__delitem__(slice(5, None)), "", "must be 6 to 10, here they are 5"),
        (RUBRIC, lambda data: data["points"][0].update(id="Not A Slug"), "points.0.id", "match pattern"),
        (
            RUBRIC,
            lambda data: data["points"][1].update(id=data["points"][0]["id"]),
            "",
            "duplicate point id: detect-gap",
        ),
        (
            RUBRIC,
            lambda data: data["mistakes"][1].update(id=data["mistakes"][0]["id"]),
            "",
            "duplicate mistake id:",
        ),
        (
            STORY,
            lambda data: data["signals"][0].update(id=data["signals"][1]["id"]),
            "",
            "duplicate point id:",
        ),
        (
            STORY,
            lambda data: data["signals"][0].update(id="no-such-signal"),
            "signals.0.id",
            "no signal no-such-signal",
        ),
        (
            RUBRIC,
            lambda data: data["mistakes"][2].update(denies=["detect-gap", "no-such-point"]),
            "mistakes.2.denies",
            "no such point in the rubric: no-such-point",
        ),
        (
            RUBRIC,
            lambda data: data.update(question="fundamentals/underfitting"),
            "question",
            "must be fundamentals/overfitting, as the file's place says, not fundamentals/underfitting",
        ),
        (
            QUESTION,
            lambda data: data.update(id="fundamentals/underfitting"),
            "id",
            "must be fundamentals/overfitting, as the file's place says, not fundamentals/underfitting",
        ),
        (QUESTION, lambda data: data.update(id="Overfitting"), "id", "match pattern"),
        (QUESTION, lambda data: data.update(minutes=90), "minutes", "less than or equal to 45"),
        (QUESTION, lambda data: data.update(level="principal"), "level", "'mid', 'senior' or 'staff'"),
        (QUESTION, lambda data: data.update(tags=[]), "tags", "at least 1 item"),
        (QUESTION, lambda data: data.update(typical_gap_for=["astrology"]), "typical_gap_for.0", "data_engineering"),
        (
            SIGNALS,
            lambda data: data["signals"][0]["exemplars"].__delitem__(slice(14, None)),
            "signals.0",
            "at least 15",
        ),
        (
            SCALE,
            lambda data: data["levels"]["mid"]["hire"].update(from_score=90),
            "",
            "level mid: from_score must fall",
        ),
        (SCALE, lambda data: data["levels"]["mid"]["no_hire"].update(from_score=5), "", "end at 0"),
        (SCALE, lambda data: data["levels"]["staff"].pop("hire"), "", "level staff lacks hire"),
        (SCALE, lambda data: data["levels"].pop("senior"), "", "level senior lacks strong_hire, hire"),
        (SCALE, lambda data: data["levels"]["mid"]["hire"].update(anchor=" "), "levels.mid.hire.anchor", "at least 1"),
        (SCALE, lambda data: data["levels"]["mid"]["hire"].update(from_score=101), "levels.mid.hire", "equal to 100"),
    ],
)
def test_a_fault_is_told_with_file_field_and_reason(
    root: Path, file: str, change: Callable[[Any], object], field: str, reason: str
) -> None:
    spoil(root, file, change)
    found = [problem for problem in problems(root) if problem.file == file]
    assert len(found) == 1
    assert found[0].field.startswith(field)
    assert bool(found[0].field) is bool(field)
    assert reason in found[0].reason


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("id: [unclosed", "not readable as YAML:"),
        ("id: a\n\ttitle: b", "not readable as YAML:"),
        ("id: 2026-13-45", "not readable as YAML:"),
        ("id: !!python/object/apply:os.getcwd []", "not readable as YAML:"),
        ("", "valid dictionary"),
        ("- id: a", "valid dictionary"),
    ],
)
def test_a_file_that_is_no_yaml_is_told_of(root: Path, text: str, reason: str) -> None:
    (root / QUESTION).write_text(text, "utf-8")
    file, field, said = only(root)
    assert (file, field) == (QUESTION, "")
    assert reason in said
    assert "\n" not in said


@pytest.mark.parametrize("file", [QUESTION, EXAMPLES])
def test_a_file_that_is_no_utf_8_is_told_of(root: Path, file: str) -> None:
    with (root / file).open("ab") as stream:
        stream.write(b"\n# caf\xe9")
    assert only(root)[0] == file
    assert "not readable as" in only(root)[2]


@pytest.mark.parametrize(("file", "more", "key"), [(QUESTION, "\nminutes: 9\n", "minutes"), (RUBRIC, "", "weight")])
def test_a_key_given_twice_is_told_of(root: Path, file: str, more: str, key: str) -> None:
    text = (root / file).read_text("utf-8") + more
    if not more:  # twice in a mapping further in
        text = text.replace("    weight: ", "    weight: 1\n    weight: ", 1)
    (root / file).write_text(text, "utf-8")
    assert f"duplicate key {key}" in only(root)[2]
    assert "line" in only(root)[2]


def test_an_id_used_by_two_files_is_told_of(root: Path) -> None:
    copy = QUESTION.replace(".yaml", "-too.yaml")
    shutil.copy(root / QUESTION, root / copy)
    shutil.copy(root / RUBRIC, root / RUBRIC.replace(".yaml", "-too.yaml"))
    spoil(root, RUBRIC.replace(".yaml", "-too.yaml"), lambda data: data.update(question="fundamentals/overfitting-too"))
    assert [str(problem) for problem in problems(root)] == [
        f"{copy}: id: must be fundamentals/overfitting-too, as the file's place says, not fundamentals/overfitting",
        f"{QUESTION}: id: duplicate id fundamentals/overfitting, already used by {copy}",
    ]


def test_a_question_without_a_rubric_and_a_rubric_without_a_question_are_told_of(root: Path) -> None:
    (root / STORY).unlink()
    (root / QUESTION).unlink()
    (root / EXAMPLES).unlink()
    assert [str(problem) for problem in problems(root)] == [
        "question_bank/project_deep_dive/redesign.yaml: has no rubric: write rubrics/project_deep_dive/redesign.yaml",
        "rubrics/fundamentals/overfitting.yaml: has no question: write question_bank/fundamentals/overfitting.yaml",
    ]


def test_a_broken_question_is_not_also_called_absent(root: Path) -> None:
    (root / QUESTION).write_text("id: [", "utf-8")
    assert len(problems(root)) == 1


def test_labelled_answers_without_their_question_are_told_of(root: Path) -> None:
    (root / QUESTION).unlink()
    (root / RUBRIC).unlink()
    file, field, reason = only(root)
    assert (file, field) == (EXAMPLES, "")
    assert reason.startswith("has no question")


@pytest.mark.parametrize(
    "place",
    [
        "question_bank/astrology/stars.yaml",
        "question_bank/stars.yaml",
        "question_bank/fundamentals/deeper/stars.yaml",
        "question_bank/fundamentals/stars.yml",
        "rubrics/stars.yaml",
    ],
)
def test_a_file_in_the_wrong_place_is_told_where_it_belongs(root: Path, place: str) -> None:
    (root / place).parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(root / QUESTION, root / place)
    file, field, reason = only(root)
    assert (file, field) == (place, "")
    assert reason.startswith(f"belongs at {place.split('/')[0]}/<domain>/<slug>.yaml")


@pytest.mark.parametrize("file", [SIGNALS, SCALE])
def test_a_missing_file_is_told_of(root: Path, file: str) -> None:
    (root / file).unlink()
    assert (file, "", "the file is missing") in [(one.file, one.field, one.reason) for one in problems(root)]


def test_an_empty_folder_says_that_there_are_no_questions(tmp_path: Path) -> None:
    found = [(problem.file, problem.reason) for problem in problems(tmp_path)]
    assert ("question_bank", f"no questions found below {tmp_path}") in found


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (
            lambda data: data["points"]["detect-gap"].update(span="never said"),
            "point detect-gap: its span is not in the",
        ),
        (lambda data: data["points"]["detect-gap"].update(span=None), "point detect-gap: needs the span of text"),
        (lambda data: data["points"].pop("detect-gap"), "no label for detect-gap"),
        (lambda data: data["points"].update(nothing={"status": "missing"}), "no such point in the rubric: nothing"),
        (lambda data: data["mistakes"].update(nothing=data["answer"][:9]), "no such mistake in the rubric: nothing"),
        (lambda data: data.update(grade=5), "less than or equal to 4"),
        (lambda data: data.update(kind="brilliant"), "'strong'"),
        (lambda data: data.update(answer=""), "at least 1 character"),
        (lambda data: data.update(mood="good"), "unknown key"),
        (lambda data: data["points"]["detect-gap"].update(status="perhaps"), "match pattern"),
        (lambda data: data.update(id="overfitting-strong-2"), "duplicate id overfitting-strong-2"),
    ],
)
def test_a_bad_label_is_told_with_its_line(root: Path, change: Callable[[dict[str, Any]], object], reason: str) -> None:
    number = 1
    spoil_line(root, number, change)
    file, field, said = only(root)
    assert file == EXAMPLES
    assert field.startswith("line 2" if "duplicate" in reason else "line 1")
    assert reason in said


@pytest.mark.parametrize(
    ("line", "field", "reason"),
    [
        ('{"point": "detect-gap", "true": "a"}', "line 1: ", "a line has point, true and turned; or point and near"),
        ('{"point": "nothing", "near": "a"}', "line 1", "no such point in the rubric: nothing"),
        ('{"mistake": "nothing", "made": "a", "right": "b"}', "line 1", "no such mistake in the rubric: nothing"),
        ('{"point": "detect-gap", "near": ""}', "line 1: near", "at least 1 character"),
        ("{", "line 1", "not JSON"),
    ],
)
def test_a_bad_pair_is_told_with_its_line(root: Path, line: str, field: str, reason: str) -> None:
    (root / PAIRS).write_text(line, "utf-8")
    file, where, said = only(root)
    assert (file, where) == (PAIRS, field)
    assert reason in said


def test_pairs_become_exemplars_and_contrasts(root: Path) -> None:
    lines = [
        {"point": "detect-gap", "true": "It shines here and fails there.", "turned": "It fails here and there."},
        {"point": "detect-gap", "near": "There is a gap."},
    ]
    (root / PAIRS).write_text("\n".join(map(json.dumps, lines)), "utf-8")
    point = load(root).written["fundamentals/overfitting"].point("detect-gap")
    assert point.exemplars[-1] == "It shines here and fails there."
    assert point.contrasts == ("It fails here and there.", "There is a gap.")
    (root / PAIRS).unlink()
    assert load(root).written["fundamentals/overfitting"].point("detect-gap").contrasts == ()


@pytest.mark.parametrize("id_", ALL)
def test_each_sentence_of_a_shipped_rubric_has_its_twin(id_: str) -> None:
    files = [ROOT / f"rubrics/{id_}.pairs.jsonl", ROOT / SIGNAL_PAIRS]
    pairs = [json.loads(line) for file in files for line in file.read_text("utf-8").splitlines()]
    twins = {(pair.get("point") or pair.get("mistake"), pair.get("true") or pair.get("made")) for pair in pairs}
    mine = yaml.safe_load((ROOT / f"rubrics/{id_}.yaml").read_text("utf-8"))
    told = [*mine["points"], *mine["mistakes"], *mine.get("signals", [])]
    texts = {(one["id"], text) for one in told for text in [one.get("says"), *one.get("exemplars", [])] if text}
    assert texts <= twins


def test_a_pair_beside_an_exemplar_adds_its_contrast_alone(root: Path) -> None:
    before = load(root).written["fundamentals/overfitting"].point("detect-gap")
    line = {"point": "detect-gap", "true": before.exemplars[0], "turned": "It does as well here as there."}
    (root / PAIRS).write_text((root / PAIRS).read_text("utf-8") + json.dumps(line), "utf-8")
    after = load(root).written["fundamentals/overfitting"].point("detect-gap")
    assert after.exemplars == before.exemplars
    assert after.contrasts == (*before.contrasts, "It does as well here as there.")


def test_sentences_of_labelled_answers_become_exemplars(root: Path) -> None:
    said = "Honestly I plot both. The gap between the two curves, that is what I go by. No idea about the rest."
    labels = {"gap": "The gap between the two curves", "half": "I plot both"}

    def relabel(data: dict[str, Any]) -> None:
        data["answer"] = said
        data["points"] = {key: {"status": "missing"} for key in data["points"]}
        data["points"]["detect-gap"] = {"status": "said", "span": labels["gap"]}
        data["points"]["regularise"] = {"status": "partly", "span": labels["half"]}
        data["mistakes"] = {"tune-on-test": "No idea about the rest"}

    spoil_line(root, 1, relabel)
    found = load(root)
    written, rubric = (one["fundamentals/overfitting"] for one in (found.written, found.rubrics))
    assert "The gap between the two curves, that is what I go by." in rubric.point("detect-gap").exemplars
    assert "No idea about the rest." in rubric.mistake("tune-on-test").exemplars
    assert not any("I plot both" in text for text in rubric.point("regularise").exemplars)
    for one, before in zip(rubric.points, written.points, strict=True):
        assert one.exemplars[: len(before.exemplars)] == before.exemplars
        assert one.contrasts[: len(before.contrasts)] == before.contrasts


def test_what_a_twin_turned_false_says_becomes_a_contrast(root: Path) -> None:
    lines = [json.loads(line) for line in (root / EXAMPLES).read_text("utf-8").splitlines()]
    true, turned = (next(one for one in lines if one["kind"] == kind) for kind in ("strong", "turned"))
    missing = {key: {"status": "missing"} for key in true["points"]}
    gap = {"status": "said", "span": "a wide gap between the two curves"}
    test = "pick the depth on the untouched test set"
    true |= {
        "answer": "I look for a wide gap between the two curves. I never pick the depth on the untouched test set."
    }
    true |= {"points": missing | {"detect-gap": gap}, "mistakes": {}}
    turned |= {"answer": "I look for no gap between the two curves. I always pick the depth on the untouched test set."}
    turned |= {"points": missing, "mistakes": {"tune-on-test": test}, "twin_of": true["id"]}
    (root / EXAMPLES).write_text("\n".join(map(json.dumps, [true, turned])), "utf-8")
    rubric = load(root).rubrics["fundamentals/overfitting"]
    assert rubric.point("detect-gap").contrasts[-1] == "I look for no gap between the two curves."
    assert rubric.mistake("tune-on-test").contrasts[-1] == "I never pick the depth on the untouched test set."
    assert "I look for a wide gap between the two curves." in rubric.point("detect-gap").exemplars
    turned["answer"] = "It rained. I always pick the depth on the untouched test set."
    (root / EXAMPLES).write_text("\n".join(map(json.dumps, [true, turned])), "utf-8")
    assert "It rained." not in load(root).rubrics["fundamentals/overfitting"].point("detect-gap").contrasts


def test_a_heard_sentence_brings_its_twin_with_it(root: Path) -> None:
    one = json.loads((root / EXAMPLES).read_text("utf-8").splitlines()[0])
    said = {"status": "said", "span": "The gap between the curves tells me. Gap, yes."}
    one |= {"answer": f"First I plot. {said['span']}", "mistakes": {}}
    one["points"] = {key: {"status": "missing"} for key in one["points"]} | {"detect-gap": said}
    (root / EXAMPLES).write_text(json.dumps(one), "utf-8")
    twin = {
        "point": "detect-gap",
        "true": "The gap between the curves tells me.",
        "turned": "The training curve tells me.",
    }
    nobodys = {"point": "detect-gap", "true": "The gap, nothing else.", "turned": "The slope, nothing else."}
    (root / HEARD).write_text("\n".join(map(json.dumps, [twin, nobodys])), "utf-8")
    found = load(root)
    point, written = (
        rubrics["fundamentals/overfitting"].point("detect-gap") for rubrics in (found.rubrics, found.written)
    )
    assert point.contrasts == (*written.contrasts, "The training curve tells me.")
    assert point.exemplars == (*written.exemplars, "The gap between the curves tells me.")  # "Gap, yes." says nothing
    (problem,) = unheard(found.twins, found.examples)
    assert str(problem) == f"{HEARD}: pair 2: no labelled answer says this for detect-gap: The gap, nothing else."


def test_a_sentence_turned_into_a_mistake_is_an_exemplar_of_it(root: Path) -> None:
    pair = {"point": "detect-gap", "true": "I look at both.", "turned": "I tune on the test.", "makes": "tune-on-test"}
    (root / PAIRS).write_text(json.dumps(pair), "utf-8")
    mistake = load(root).written["fundamentals/overfitting"].mistake("tune-on-test")
    assert mistake.exemplars[-1] == "I tune on the test."
    assert mistake.contrasts[-1] == "I look at both."
    (root / PAIRS).write_text(json.dumps(pair | {"makes": "nothing-known"}), "utf-8")
    assert only(root) == (PAIRS, "line 1", "no such mistake in the rubric: nothing-known")


def test_a_twin_belongs_to_a_point_of_the_rubric(root: Path) -> None:
    (root / HEARD).write_text(json.dumps({"point": "x", "true": "It halved.", "turned": "It doubled."}), "utf-8")
    assert only(root) == (HEARD, "line 1", "no such point in the rubric: x")


def test_pairs_of_signals_go_to_every_story_that_is_judged_by_them(root: Path) -> None:
    lines = [
        {"point": "measured-result", "true": "It halved.", "turned": "It went well."},
        {"point": "x", "near": "Y."},
    ]
    (root / SIGNAL_PAIRS).write_text(json.dumps(lines[0]), "utf-8")
    rubrics = load(root).rubrics
    assert rubrics["project_deep_dive/redesign"].point("measured-result").contrasts[-1] == "It went well."
    assert all("It went well." not in one.contrasts for one in rubrics["fundamentals/overfitting"].points)
    (root / SIGNAL_PAIRS).write_text("\n".join(map(json.dumps, lines)), "utf-8")
    assert only(root) == (SIGNAL_PAIRS, "line 2", "no such point in rubrics/signals.yaml: x")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda data: data.update(twin_of="overfitting-nobody"), "no such answer above: overfitting-nobody"),
        (lambda data: data.pop("twin_of"), "name the answer that a turned or reworded one"),
        (lambda data: data.update(kind="strong"), "name the answer that a turned or reworded one"),
    ],
)
def test_a_twin_names_an_answer_that_stands_above_it(
    root: Path, change: Callable[[dict[str, Any]], object], reason: str
) -> None:
    kinds = [json.loads(line)["kind"] for line in (root / EXAMPLES).read_text("utf-8").splitlines()]
    spoil_line(root, kinds.index("turned") + 1, change)
    assert reason in only(root)[2]


def test_what_labelled_answers_lack_is_told(root: Path) -> None:
    lines = [line for line in (root / EXAMPLES).read_text("utf-8").splitlines() if '"kind": "echo"' not in line]
    (root / EXAMPLES).write_text("\n".join(lines), "utf-8")
    (problem,) = incomplete(load(root, whole=True).examples)
    assert str(problem) == f"{EXAMPLES}: has no answer of kind echo: write at least one of each"
    (root / EXAMPLES).write_text(lines[0], "utf-8")
    assert "has 1 answers, and needs at least 12" in str(incomplete(load(root, whole=True).examples)[1])


def test_a_mistakes_span_must_stand_in_the_answer(root: Path) -> None:
    rubric = load(root).rubrics["fundamentals/overfitting"]
    spoil_line(root, 1, lambda data: data["mistakes"].update({rubric.mistakes[0].id: "never said"}))
    assert only(root) == (
        EXAMPLES,
        "line 1",
        f"mistake {rubric.mistakes[0].id}: its span is not in the answer, word for word",
    )


def test_a_line_that_is_no_json_is_told_with_its_number_and_empty_lines_are_skipped(root: Path) -> None:
    lines = (root / EXAMPLES).read_text("utf-8").split("\n")
    (root / EXAMPLES).write_text("\n".join([lines[0], "", "{broken", *lines[1:]]), "utf-8")
    file, field, reason = only(root)
    assert (file, field) == (EXAMPLES, "line 3")
    assert reason.startswith("not JSON")


def test_an_answer_may_hold_any_character_that_json_allows(root: Path) -> None:
    before = load(root, whole=True).examples["fundamentals/overfitting"]
    spoil_line(root, 1, lambda data: data.update(answer=data["answer"] + "\u2028\u0085end"))
    after = load(root, whole=True).examples["fundamentals/overfitting"]
    assert len(after) == len(before)
    assert after[0].answer.endswith("\u2028\u0085end")


def test_all_faults_are_told_at_once_in_the_order_of_the_files(root: Path) -> None:
    spoil(root, QUESTION, lambda data: data.update(surprise=1, minutes=0))
    spoil(root, RUBRIC, lambda data: data["points"][0].update(weight=4, says=""))
    spoil(root, STORY, lambda data: data["signals"][0].update(id="nothing"))
    spoil(root, SCALE, lambda data: data["levels"]["mid"].pop("hire"))
    (root / EXAMPLES).write_text("{", "utf-8")
    found = [(problem.file, problem.field) for problem in problems(root)]
    assert found == [
        (QUESTION, "minutes"),
        (QUESTION, "surprise"),
        (RUBRIC, "points.0.says"),
        (RUBRIC, "points.0.weight"),
        (STORY, "signals.0.id"),
        (SCALE, ""),
    ]  # labelled answers can't be judged by a broken rubric


def test_a_signal_is_taken_up_with_what_the_rubric_adds_to_it(root: Path) -> None:
    added = {"weight": 3, "why": "Here for this reason.", "probe": "And here?", "exemplars": ["Said just here."]}
    spoil(root, STORY, lambda data: data["signals"][0].update(added))
    signals = {one["id"]: one for one in yaml.safe_load((root / SIGNALS).read_text("utf-8"))["signals"]}
    point = next(one for one in load(root).rubrics["project_deep_dive/redesign"].points if one.kind is PointKind.signal)
    shared = signals[point.id]
    assert (point.weight, point.why, point.probe) == (3, "Here for this reason.", "And here?")
    assert point.says == shared["says"]
    assert len(point.exemplars) == len(shared["exemplars"]) + 1
    assert point.exemplars[-1] == "Said just here."


def _copy(to: Path, file: str) -> None:
    (to / file).parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / file, to / file)


def _different(texts: Any) -> set[str]:
    return {" ".join(text.lower().split()) for text in texts}


CLAIM = {"topic": "tides", "claim": "The moon causes tides.", "true": ["It pulls.", "Moon: tides."]}
CLAIM |= {"turned": ["Tides cause the moon.", "The wind makes tides."], "near": "Tides come twice a day."}


def test_claims_to_train_on_are_read_and_their_faults_told(root: Path) -> None:
    path = root / "rubrics/claims.jsonl"
    path.write_text(json.dumps(CLAIM), "utf-8")
    (claim,) = load(root, whole=True).claims
    assert (claim.claim, claim.near) == (CLAIM["claim"], CLAIM["near"])
    assert load(root).claims == ()
    path.write_text(json.dumps(CLAIM | {"true": ["It pulls."]}), "utf-8")
    (problem,) = problems(root)
    assert (problem.file, problem.field) == ("rubrics/claims.jsonl", "line 1: true")


EXAM: dict[str, Any] = {
    "id": "tides",
    "question": "What causes tides?",
    "points": [{"id": "moon", "says": "The moon's pull.", "weight": 2}],
    "mistakes": [{"id": "wind", "says": "The wind causes them.", "correction": "The moon does."}],
    "answers": [
        {"id": "a1", "answer": "The moon.", "credits": {"moon": 1}, "score": 100},
        {"id": "a2", "answer": "The wind.", "credits": {"moon": 0}, "mistakes": ["wind"], "score": 0},
    ],
}


def test_exams_are_read_and_their_faults_told(root: Path) -> None:
    path = root / "rubrics/exams.jsonl"
    path.write_text(json.dumps(EXAM), "utf-8")
    (exam,) = load(root, whole=True).exams
    assert [one.score for one in exam.answers] == [100, 0]
    spoilt = json.loads(json.dumps(EXAM))
    spoilt["answers"][0]["credits"] = {"sun": 1}
    path.write_text("\n".join(map(json.dumps, [EXAM, EXAM, spoilt])), "utf-8")
    told = [(one.field, one.reason) for one in problems(root)]
    assert told == [
        ("id", "duplicate id tides"),
        ("line 3: ", "answer a1: credits must be for moon"),
    ]
    spoilt["answers"][0] |= {"credits": {"moon": 1}, "mistakes": ["rain"]}
    path.write_text(json.dumps(spoilt), "utf-8")
    assert [one.reason for one in problems(root)] == ["answer a1: no such mistake: rain"]
