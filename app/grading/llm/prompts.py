"""The prompts' texts from their files, with the candidate's words fenced in."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from app.core.feedback import Answer
from app.core.llm import Prompt
from app.core.segment import sentences
from app.grading.flags import is_injection

_CONTROL = re.compile(
    r"<[|｜]|[|｜]>|</?(?:s|think|im_start|im_end|system|user|assistant|start_of_turn|end_of_turn)>"
    r"|<</?SYS>>|\[/?INST\]",
    re.I,
)
"""Words and parts of words that some models take for the start of another speaker."""
_THOUGHTS = re.compile(r"<think>.*", re.S)


def fill(name: str, schema: dict[str, Any] | None = None, **values: Any) -> Prompt:
    """The prompt in the file `name`.jinja with `values`."""
    module = _environment().get_template(f"{name}.jinja").make_module(values)
    return Prompt(module.system().strip(), module.user().strip(), schema)  # type: ignore[attr-defined]


def fence(texts: Sequence[str]) -> str:
    """A mark for the fences around `texts` that none of them can contain: it is a hash of them."""
    return hashlib.sha256("\0".join(texts).encode("utf-8", "replace")).hexdigest()[:16]


def harmless(answer: Answer) -> Answer:
    """The answer without sentences to the grader, and without control words; the rest as it stands, blanks aside."""
    text = answer.text.encode("utf-8", "replace").decode("utf-8")
    kept = bytearray(b"\1" * len(text))
    for window in sentences(text):  # those of a transcript overlap
        if is_injection(window.text):
            kept[window.start : window.end] = bytes(window.end - window.start)
    left = "".join(character for character, stays in zip(text, kept, strict=True) if stays)
    return answer.model_copy(update={"text": _CONTROL.sub(" ", left).strip()})


def without_thoughts(text: str) -> str:
    """A reply without what a reasoning model thought aloud before it, also while it is still thinking."""
    return _THOUGHTS.sub("", text.rpartition("</think>")[2])


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=False,  # noqa: S701 - plain text for a model, no page
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
