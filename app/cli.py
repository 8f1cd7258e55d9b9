"""The command line: serve, check, grade, evaluate, calibrate, train."""

from __future__ import annotations

import gc
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from app.cli_files import read_lines, write_outcomes, writer
from app.core.errors import GreenroomError, InvalidContent
from app.core.question import Level

if TYPE_CHECKING:
    from app.batch import Bank
    from app.content import Content
    from app.core.grader import Grader
    from app.evaluation import Judged
    from app.settings import Settings

T = TypeVar("T")


class Part(StrEnum):
    """What `evaluate` can break its figures down by."""

    domain = "domain"
    kind = "kind"
    question = "question"
    origin = "origin"


class Judgeable(StrEnum):
    """Our graders that `evaluate` can judge."""

    embedding = "embedding"
    plain = "plain"
    llm = "llm"


class GraderName(StrEnum):
    """The graders that `grade` can use."""

    embedding = "embedding"
    llm = "llm"


app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__)

ROOT = Path(__file__).resolve().parent.parent


@app.callback()
def _main() -> None:
    """Greenroom: mock interviews for people moving into machine-learning engineering."""


@app.command()
def check(content: Annotated[Path, typer.Option(help="folder with question_bank and rubrics")] = ROOT) -> None:
    """Check every content file; print all problems at once and exit 2 when there are any."""
    from app.content import load
    from app.content_lines import incomplete

    try:
        found = load(content, with_examples=True)
        problems = incomplete(found.examples)
    except InvalidContent as error:
        problems = list(error.problems)
    if problems:
        for problem in problems:
            typer.echo(str(problem), err=True)
        typer.echo(f"{len(problems)} problems", err=True)
        raise typer.Exit(2)
    answers = sum(map(len, found.examples.values()))
    typer.echo(f"{len(found.questions)} questions, {len(found.rubrics)} rubrics, {answers} labelled answers: all good")


@app.command()
def grade(
    jsonl: Annotated[Path, typer.Option(help="answers, one JSON object a line; - reads standard input")],
    out: Annotated[Path | None, typer.Option(help="file for the feedback; standard output when not given")] = None,
    level: Annotated[Level, typer.Option(help="the level whose scale gives the verdict")] = Level.mid,
    content: Annotated[Path, typer.Option(help="folder with question_bank and rubrics")] = ROOT,
    workers: Annotated[int, typer.Option(min=1, help="answers graded at the same time")] = os.cpu_count() or 1,
    grader: Annotated[GraderName, typer.Option(help="llm asks the language model of the GREENROOM_LLM_ settings")] = (
        GraderName.embedding
    ),
    dry_run: Annotated[bool, typer.Option(help="llm: write the exact requests instead of sending them")] = False,
    replay: Annotated[
        Path | None, typer.Option(help="llm: a dry run's file with each reply filled in; nothing is sent")
    ] = None,
) -> None:
    """Grade a file of answers, JSON lines in and out. A bad line is reported by number; the exit status is then 1."""
    from app.batch import Bank, grade_lines
    from app.settings import from_environment

    if (dry_run or replay) and grader is not GraderName.llm:
        raise typer.BadParameter("--dry-run and --replay go with --grader llm")
    settings = _or_exit(from_environment)
    lines = read_lines(jsonl, out)
    found = _content(content)
    bank = Bank(found.questions, found.rubrics, found.scale)
    with ExitStack() as until:
        if dry_run:
            from app.cli_llm import dry_run as requests

            outcomes = requests(settings, lines, bank, level)
        else:
            chosen = _grader(grader, settings, found, lines, bank, level, replay, until)
            limit = settings.answer_max_chars
            outcomes = grade_lines(lines, chosen, bank, level=level, answer_max_chars=limit, workers=workers)
        write_outcomes(outcomes, jsonl, lines, out)


def _grader(
    name: GraderName,
    settings: Settings,
    found: Content,
    lines: list[str],
    bank: Bank,
    level: Level,
    replay: Path | None,
    until: ExitStack,
) -> Grader:
    """The grader for `grade`, let go of with `until`; says first what is slow, or what leaves the computer."""
    if name is GraderName.llm:
        from app import cli_llm

        if replay:
            grader, kept = _or_exit(lambda: cli_llm.replayed(replay, settings, bank.scale, level))
            cli_llm.replay_by_id(grader, kept, lines, bank, settings.answer_max_chars)
            return grader
        asked = _or_exit(lambda: cli_llm.live(settings, bank.scale, level, until))
        typer.echo(cli_llm.warning(asked.connection, asked.grader, lines, bank, settings.answer_max_chars), err=True)
        return asked.grader
    from app.grading.embedding import load_embedding_grader

    banked = any('"question_id"' in line for line in lines)  # else the bank's vectors are not needed
    typer.echo("Loading the grader (the first time it also reads the rubrics, for about half a minute) ...", err=True)
    return _or_exit(lambda: load_embedding_grader(settings, found.known if banked else None))


@app.command()
def evaluate(
    grader: Annotated[Judgeable, typer.Option(help="plain is without trained layers, llm asks the language model")] = (
        Judgeable.embedding
    ),
    by: Annotated[list[Part] | None, typer.Option(help="figures for each part as well; may be given again")] = None,
    replay: Annotated[Path | None, typer.Option(help="llm: take the replies from this file; nothing is sent")] = None,
    exams: Annotated[
        bool, typer.Option("--exams", help="marked exam answers with their marking schemes instead")
    ] = False,
    json_file: Annotated[Path | None, typer.Option("--json", help="write the figures there too")] = None,
    plot_file: Annotated[Path | None, typer.Option("--plot", help="draw them there, as PNG or SVG")] = None,
    content: Annotated[Path, typer.Option(help="folder with question_bank and rubrics")] = ROOT,
) -> None:
    """How well our grader and three baselines agree with the labelled answers, as a Markdown table.

    Whatever is fitted is fitted without the question that it is judged on. Takes some minutes.
    """
    from app import cli_evaluate
    from app.settings import Settings

    draw = _plotter() if plot_file else None
    if exams and (grader is Judgeable.llm or by):
        raise typer.BadParameter("--exams goes with the embedding grader, and has parts of its own")
    found = _content(content, with_examples=True) if exams else _labelled_content(content)
    parts = [part.value for part in by or ()]
    trained = grader is Judgeable.embedding
    if exams:
        from app.cli_exams import evaluate_exams

        if not found.exams:
            typer.echo("needs marked exam answers: rubrics/exams.jsonl", err=True)
            raise typer.Exit(2)
        results = _or_exit(lambda: evaluate_exams(found.exams, Settings(), _progress, trained=trained))
    elif grader is Judgeable.llm:
        results = _or_exit(lambda: cli_evaluate.evaluate_llm(found, Settings(), parts, _progress, replay))
    else:
        results = _or_exit(lambda: cli_evaluate.evaluate(found, Settings(), parts, _progress, trained=trained))
    typer.echo(cli_evaluate.report(results))
    if plot_file and draw:
        draw({one.name: one.judged for one in results}, plot_file)
    if json_file:
        with writer(json_file) as stream:
            stream.write(json.dumps(cli_evaluate.as_json(results), indent=1) + "\n")


@app.command()
def calibrate(
    out: Annotated[Path | None, typer.Option(help="file to write; the shipped calibration when not given")] = None,
    content: Annotated[Path, typer.Option(help="folder with question_bank and rubrics")] = ROOT,
) -> None:
    """Fit the grader's calibration to all labelled answers (for developers: changes how everybody is graded)."""
    from app import cli_evaluate
    from app.grading.calibration import FILE
    from app.settings import Settings

    found = _labelled_content(content)
    made = _or_exit(lambda: cli_evaluate.calibrate(found, Settings(), _progress))
    with writer(out or FILE) as stream:
        stream.write(json.dumps(made.model_dump(), indent=2) + "\n")
    typer.echo(f"wrote {out or FILE}; python -m app evaluate gives the figures")


@app.command()
def train(
    data: Annotated[Path | None, typer.Option(help="folder with public graded answers; see the model card")] = None,
    out: Annotated[Path | None, typer.Option(help="folder for the layers; the shipped ones when not given")] = None,
    seed: Annotated[int, typer.Option(help="the same seed, data and machine give the same weights")] = 0,
    epochs: Annotated[int, typer.Option(min=0, help="passes over the data")] = 4,
    further: Annotated[int, typer.Option(min=0, help="passes after these, with words left out")] = 2,
    start: Annotated[
        Path | None, typer.Option(help="folder with layers to start from; the packaged ones when not given")
    ] = None,
    content: Annotated[Path, typer.Option(help="folder with question_bank and rubrics")] = ROOT,
) -> None:
    """Train the encoder's layers on rubrics, pairs and other claims (for developers); about an hour on four cores."""
    from app.grading.layers import FOLDER, find_layers

    if data is not None and not data.is_dir():
        typer.echo(f"There is no folder {data}: name the one with public graded answers, or leave --data out", err=True)
        raise typer.Exit(2)
    before = _or_exit(lambda: find_layers(start)) if start else None
    if start and not before:
        typer.echo(f"There are no layers in {start}: name a folder that train wrote, or leave --start out", err=True)
        raise typer.Exit(2)
    try:
        from app.training.sentences import Texts
        from app.training.train import train_and_save
    except ImportError as error:
        typer.echo(f"{error.name} is missing: pip install '.[train]'", err=True)
        raise typer.Exit(2) from None
    found, folder = _content(content, with_examples=True), out or FOLDER
    texts = Texts(list(found.rubrics.values()), found.claims, found.others)
    made = _or_exit(
        lambda: train_and_save(texts, data, folder, seed=seed, epochs=epochs, further=further, start=before)
    )
    typer.echo(f"wrote {made.file}, sha256 {made.sha256}; now run python -m app calibrate")


def _plotter() -> Callable[[Mapping[str, Sequence[Judged]], Path], None]:
    """The function that draws; exits 2 when what it draws with is missing."""
    try:
        from app.evaluation_plot import draw
    except ImportError as error:
        typer.echo(f"--plot needs {error.name}: pip install '.[plot]'", err=True)
        raise typer.Exit(2) from None
    return draw


def _labelled_content(root: Path) -> Content:
    """The content with labelled answers to at least two questions; exits 2 otherwise."""
    found = _content(root, with_examples=True)
    if sum(bool(answers) for answers in found.examples.values()) < 2:
        typer.echo(
            "needs labelled answers (rubrics/<domain>/<slug>.examples.jsonl) to at least two questions", err=True
        )
        raise typer.Exit(2)
    return found


def _progress(items: Sequence[T], label: str) -> Iterator[T]:
    """`items`, with a bar on standard error."""
    with typer.progressbar(items, label=label, file=sys.stderr) as bar:
        yield from bar


def _content(root: Path, *, with_examples: bool = False) -> Content:
    """The checked content; exits 2 with every problem when there are any."""
    from app.content import load

    try:
        return load(root, with_examples=with_examples)
    except InvalidContent as error:
        for problem in error.problems:
            typer.echo(str(problem), err=True)
        typer.echo("mend these first; python -m app check shows them again", err=True)
        raise typer.Exit(2) from None


def _or_exit(make: Callable[[], T]) -> T:
    """What `make` gives; exits 2 with the reason when it can't."""
    try:
        return make()
    except GreenroomError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None


@app.command()
def serve() -> None:
    """Migrate the database and serve the pages until interrupted."""
    gc.disable()  # what gets imported stays: looking for garbage in it takes a sixth of the start
    from app.main import run

    run()


@app.command()
def schemas() -> None:
    """Write the JSON Schemas of the content files, for editors that complete YAML."""
    from app.content import json_schemas

    for name, schema in json_schemas().items():
        (ROOT / name).write_text(json.dumps(schema, indent=2) + "\n", "utf-8")
        typer.echo(name)
