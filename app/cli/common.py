"""What the commands share: checked content, and problems that end a command with a reason."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import typer

from app.core.errors import GreenroomError, InvalidContent

if TYPE_CHECKING:
    from app.content import Content

T = TypeVar("T")

ROOT = Path(__file__).resolve().parent.parent.parent
"""Where question_bank and rubrics are."""


def content_or_exit(root: Path, *, whole: bool = False) -> Content:
    """The checked content; exits 2 with every problem when there are any."""
    from app.content import load

    try:
        return load(root, whole=whole)
    except InvalidContent as error:
        for problem in error.problems:
            typer.echo(str(problem), err=True)
        typer.echo("mend these first; python -m app check shows them again", err=True)
        raise typer.Exit(2) from None


def labelled_content_or_exit(root: Path) -> Content:
    """The content with labelled answers to at least two questions; exits 2 otherwise."""
    found = content_or_exit(root, whole=True)
    if sum(bool(answers) for answers in found.examples.values()) < 2:
        typer.echo(
            "needs labelled answers (rubrics/<domain>/<slug>.examples.jsonl) to at least two questions", err=True
        )
        raise typer.Exit(2)
    return found


def or_exit(make: Callable[[], T]) -> T:
    """What `make` gives; exits 2 with the reason when it can't."""
    try:
        return make()
    except GreenroomError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None


def with_progress(items: Sequence[T], label: str) -> Iterator[T]:
    """`items`, with a bar on standard error."""
    with typer.progressbar(items, label=label, file=sys.stderr) as bar:
        yield from bar
