"""Files in and out for the commands: what can't be read or written is said at once."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import typer

if TYPE_CHECKING:
    from app.batch import Outcome


def read_lines(jsonl: Path, out: Path | None) -> list[str]:
    """The lines of a file or of standard input; exits 2 when they can't be read."""
    try:
        if str(jsonl) == "-":
            data = sys.stdin.buffer.read()
        elif out and out.exists() and out.samefile(jsonl):
            raise typer.BadParameter("--out is the input file itself: name another one")
        else:
            data = jsonl.read_bytes()
    except OSError as error:
        raise typer.BadParameter(f"{jsonl} can't be read: {error.strerror}") from None
    return data.decode("utf-8-sig", "replace").split("\n")


@contextmanager
def writer(out: Path | None) -> Iterator[TextIO]:
    """The stream that results go to: the file `out`, or standard output."""
    if out is None:
        yield sys.stdout
        sys.stdout.flush()
        return
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        stream = out.open("w", encoding="utf-8")
    except OSError as error:
        raise typer.BadParameter(f"{out} can't be written: {error.strerror}") from None
    with stream:
        yield stream


def write_outcomes(outcomes: Iterator[Outcome], jsonl: Path, lines: list[str], out: Path | None) -> None:
    """Write the lines out as they come and report the bad ones; exits 1 when there were any."""
    bad = 0
    with writer(out) as stream, typer.progressbar(length=len(lines), label="Grading", file=sys.stderr) as bar:
        for outcome in outcomes:
            bar.update(outcome.number - bar.pos)
            if outcome.result is None:
                bad += 1
                typer.echo(f"{jsonl}: line {outcome.number}: {outcome.problem}", err=True)
            else:
                stream.write(json.dumps(outcome.result, ensure_ascii=False) + "\n")
    if bad:
        typer.echo(f"{bad} of {sum(map(bool, map(str.strip, lines)))} lines could not be graded", err=True)
        raise typer.Exit(1)
