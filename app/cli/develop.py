"""The commands for who works on grading: evaluate, calibrate, train."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.common import ROOT, content_or_exit, labelled_content_or_exit, or_exit, with_progress
from app.cli.files import writer

if TYPE_CHECKING:
    from app.evaluation import Judged


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
    from app.cli import evaluate as evaluation
    from app.settings import Settings

    draw = _plotter() if plot_file else None
    if exams and (grader is Judgeable.llm or by):
        raise typer.BadParameter("--exams goes with the embedding grader, and has parts of its own")
    found = content_or_exit(content, whole=True) if exams else labelled_content_or_exit(content)
    parts = [part.value for part in by or ()]
    trained = grader is Judgeable.embedding
    if exams:
        from app.cli.exams import evaluate_exams

        if not found.exams:
            typer.echo("needs marked exam answers: rubrics/exams.jsonl", err=True)
            raise typer.Exit(2)
        results = or_exit(lambda: evaluate_exams(found.exams, Settings(), with_progress, trained=trained))
    elif grader is Judgeable.llm:
        results = or_exit(lambda: evaluation.evaluate_llm(found, Settings(), parts, with_progress, replay))
    else:
        results = or_exit(lambda: evaluation.evaluate(found, Settings(), parts, with_progress, trained=trained))
    typer.echo(evaluation.report(results))
    if plot_file and draw:
        draw({one.name: one.judged for one in results}, plot_file)
    if json_file:
        with writer(json_file) as stream:
            stream.write(json.dumps(evaluation.as_json(results), indent=1) + "\n")


def calibrate(
    out: Annotated[Path | None, typer.Option(help="file to write; the shipped calibration when not given")] = None,
    content: Annotated[Path, typer.Option(help="folder with question_bank and rubrics")] = ROOT,
) -> None:
    """Fit the grader's calibration to all labelled answers (for developers: changes how everybody is graded)."""
    from app.cli import evaluate as evaluation
    from app.grading.calibration import FILE
    from app.settings import Settings

    found = labelled_content_or_exit(content)
    made = or_exit(lambda: evaluation.calibrate(found, Settings(), with_progress))
    with writer(out or FILE) as stream:
        stream.write(json.dumps(made.model_dump(), indent=2) + "\n")
    typer.echo(f"wrote {out or FILE}; python -m app evaluate gives the figures")


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
    """Train the encoder's layers on rubrics, pairs and other claims (for developers); 44 minutes on four cores."""
    from app.grading.layers import FOLDER, find_layers

    if data is not None and not data.is_dir():
        typer.echo(f"There is no folder {data}: name the one with public graded answers, or leave --data out", err=True)
        raise typer.Exit(2)
    before = or_exit(lambda: find_layers(start)) if start else None
    if start and not before:
        typer.echo(f"There are no layers in {start}: name a folder that train wrote, or leave --start out", err=True)
        raise typer.Exit(2)
    try:
        from app.training.sentences import Texts
        from app.training.train import train_and_save
    except ImportError as error:
        typer.echo(f"{error.name} is missing: pip install '.[train]'", err=True)
        raise typer.Exit(2) from None
    found, folder = content_or_exit(content, whole=True), out or FOLDER
    texts = Texts(list(found.written.values()), found.claims, found.others)
    made = or_exit(lambda: train_and_save(texts, data, folder, seed=seed, epochs=epochs, further=further, start=before))
    typer.echo(f"wrote {made.file}, sha256 {made.sha256}; now run python -m app calibrate")


def _plotter() -> Callable[[Mapping[str, Sequence[Judged]], Path], None]:
    """The function that draws; exits 2 when what it draws with is missing."""
    try:
        from app.evaluation.plot import draw
    except ImportError as error:
        typer.echo(f"--plot needs {error.name}: pip install '.[plot]'", err=True)
        raise typer.Exit(2) from None
    return draw
