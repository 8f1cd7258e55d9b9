"""Content files as they lie on disk: YAML and JSON lines below a root -> strict values, and what is wrong with them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from app.core.errors import Problem
from app.core.question import Domain

File = TypeVar("File", bound=BaseModel)
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml is about ten times faster, where it was built


class Files:
    """Reads files below a root and keeps the problems."""

    def __init__(self, root: Path) -> None:
        """`problems` has what was found so far."""
        self.root = root
        self.problems: list[Problem] = []

    def problem(self, file: str, field: str, reason: str) -> None:
        """Note one; `file` is relative to the root, `field` empty where the whole file is meant."""
        self.problems.append(Problem(file=file, field=field, reason=reason))

    def file(self, name: str, model: type[File]) -> File | None:
        """One YAML file as `model`, or None with its problems noted."""
        try:
            text = (self.root / name).read_text("utf-8")
            data = yaml.load(text, Loader=_UniqueKeyLoader)  # noqa: S506  (a safe loader, made stricter)
        except FileNotFoundError:
            self.problem(name, "", "the file is missing")
        except (yaml.YAMLError, ValueError) as error:  # bad UTF-8 and impossible dates are ValueErrors
            self.problem(name, "", f"not readable as YAML: {' '.join(str(error).split())}")
        else:
            return self.value(name, data, model)
        return None

    def value(self, name: str, data: object, model: type[File], prefix: str = "") -> File | None:
        """`data` as `model`, or None with its problems noted."""
        try:
            return model.model_validate(data)
        except ValidationError as error:
            for detail in error.errors(include_url=False, include_input=False):
                field = ".".join(str(part) for part in detail["loc"])
                self.problem(name, prefix + field, _reason(detail))
            return None

    def names(self, folder: str) -> Iterator[tuple[str, str]]:
        """(file name relative to the root, id that its place gives) of each YAML file of a domain folder."""
        for path in sorted((self.root / folder).glob("**/*.y*ml")):
            relative = path.relative_to(self.root / folder)
            name = path.relative_to(self.root).as_posix()
            if folder == "rubrics" and len(relative.parts) == 1 and path.stem in {"signals", "scale"}:
                continue
            if len(relative.parts) != 2 or relative.parts[0] not in list(Domain) or path.suffix != ".yaml":
                self.problem(
                    name, "", f"belongs at {folder}/<domain>/<slug>.yaml, with a domain of {', '.join(Domain)}"
                )
                continue
            yield name, f"{relative.parts[0]}/{path.stem}"

    def lines(self, name: str, path: Path, model: type[File]) -> Iterator[tuple[int, File]]:
        """(line number, value) of each line of JSON that is what it should be."""
        try:
            lines = path.read_text("utf-8").split("\n")  # splitlines() also cuts at characters that JSON text may hold
        except UnicodeDecodeError as error:
            self.problem(name, "", f"not readable as UTF-8: {error}")
            return
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                data = json.loads(line)
            except json.JSONDecodeError as error:
                self.problem(name, f"line {number}", f"not JSON: {error}")
                continue
            if (value := self.value(name, data, model, prefix=f"line {number}: ")) is not None:
                yield number, value

    def some(self, name: str, model: type[File]) -> tuple[File, ...]:
        """The lines of a file of JSON lines; none where there is no such file."""
        path = self.root / name
        return tuple(one for _, one in self.lines(name, path, model)) if path.exists() else ()


def _reason(detail: Any) -> str:
    if detail["type"] == "extra_forbidden":
        return "unknown key: remove it or mend its spelling"
    if detail["type"] == "missing":
        return "is missing"
    return str(detail["msg"]).removeprefix("Value error, ")


class _UniqueKeyLoader(_Loader):  # type: ignore[misc]
    """YAML's own rule is that the last of two equal keys wins silently; an author wants to hear of it."""

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        twice = {key for key in keys if keys.count(key) > 1}
        if twice:
            raise yaml.constructor.ConstructorError(
                None, None, f"duplicate key {', '.join(sorted(twice))}", node.start_mark
            )
        return super().construct_mapping(node, deep)
