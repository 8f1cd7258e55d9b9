"""The command line: serve, check, grade, evaluate, calibrate, train."""

from __future__ import annotations

import gc
import json
import os
from contextlib import ExitStack
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.common import ROOT, content_or_exit, or_exit
from app.cli.develop import calibrate, evaluate, train
from app.cli.files import read_lines, write_outcomes
from app.core.errors import InvalidContent
from app.core.question import Level

if TYPE_CHECKING:
    from app.batch import Bank
    from app.content import Content
    from app.core.grader import Grader
    from app.settings import Settings


class GraderName(StrEnum):
    """The graders that `grade` can use."""

    embedding = "embedding"
    llm = "llm"


app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__)


@app.callback()
def _main() -> None:
    """Greenroom: mock interviews for people moving into machine-learning engineering."""


@app.command()
def check(content: Annotated[Path, typer.Option(help="folder with question_bank and rubrics")] = ROOT) -> None:
    """Check every content file; print all problems at once and exit 2 when there are any."""
    from app.content import load
    from app.content.lines import incomplete, unheard

    try:
        found = load(content, whole=True)
        problems = [*incomplete(found.examples), *unheard(found.twins, found.examples)]
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
    settings = or_exit(from_environment)
    lines = read_lines(jsonl, out)
    found = content_or_exit(content)
    bank = Bank(found.questions, found.rubrics, found.scale)
    with ExitStack() as until:
        if dry_run:
            from app.cli.llm import dry_run as requests

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
        from app.cli import llm

        if replay:
            grader, kept = or_exit(lambda: llm.replayed(replay, settings, bank.scale, level))
            llm.replay_by_id(grader, kept, lines, bank, settings.answer_max_chars)
            return grader
        asked = or_exit(lambda: llm.live(settings, bank.scale, level, until))
        typer.echo(llm.warning(asked.connection, asked.grader, lines, bank, settings.answer_max_chars), err=True)
        return asked.grader
    from app.grading.embedding import load_embedding_grader

    banked = any('"question_id"' in line for line in lines)  # else the bank's vectors are not needed
    typer.echo("Loading the grader (the first time it also reads the rubrics, for about half a minute) ...", err=True)
    return or_exit(lambda: load_embedding_grader(settings, found.known if banked else None))


for _command in (evaluate, calibrate, train):
    app.command()(_command)


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
