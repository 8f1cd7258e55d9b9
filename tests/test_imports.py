"""Who may import whom (the table of the design), and that heavy libraries stay out until they are needed."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FILES = sorted((ROOT / "app").rglob("*.py"))

MAY_IMPORT = {
    "app.core": set[str](),
    "app.logs": set[str](),
    "app.settings": {"app.core"},
    "app.content": {"app.core"},
    "app.evaluation": {"app.core"},
    "app.training": {"app.core", "app.grading"},
    "app.batch": {"app.core"},
    "app.store": {"app.core"},
    "app.grading": {"app.core"},
    "app.grading_queue": {"app.core", "app.logs"},
    "app.live": {"app.core", "app.logs"},
    "app.opinions": {"app.core", "app.live", "app.store"},
    "app.practice": {"app.core", "app.store", "app.grading_queue", "app.logs", "app.opinions"},
    "app.web": {"app.practice", "app.core", "app.live", "app.store", "app.logs", "app.__version__"},
}
"""A part may import itself besides. The command line, `__main__` and `main` may import anything."""

ANYTHING = {"app", "app.__main__", "app.cli", "app.main"}
TYPES_ONLY = {"app.grading": {"app.settings"}}
"""What is imported for the type checker alone: a factory takes the settings."""

HEAVY = ("torch", "sentence_transformers", "transformers", "sklearn", "scipy", "openai")


def module(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def part(name: str) -> str:
    """`app.core.round` -> `app.core`."""
    return ".".join(name.split(".")[:2])


def imports(path: Path) -> Iterator[tuple[str, bool]]:
    """Each module of ours that a file imports anywhere in it, and whether for the type checker alone."""
    tree = ast.parse(path.read_text("utf-8"))
    checked = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for child in node.body
        for inner in ast.walk(child)
    }
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            base = node.module or ""
            names = [f"app.{alias.name}" for alias in node.names] if base == "app" else [base]
        for name in names:
            if name.split(".")[0] == "app":
                yield part(name), id(node) in checked


def test_the_table_has_a_row_for_every_module() -> None:
    parts = {part(module(path)) for path in FILES}
    assert parts - ANYTHING == set(MAY_IMPORT)


@pytest.mark.parametrize("path", FILES, ids=module)
def test_a_module_imports_only_what_its_row_allows(path: Path) -> None:
    mine = part(module(path))
    if mine in ANYTHING:
        return
    for name, types_only in imports(path):
        allowed = MAY_IMPORT[mine] | {mine} | (TYPES_ONLY.get(mine, set()) if types_only else set())
        assert name in allowed, f"{module(path)} imports {name}"


def test_the_reader_of_imports_sees_every_kind(tmp_path: Path) -> None:
    path = tmp_path / "some.py"
    path.write_text(
        "import app.web.parts\nfrom app import logs\nfrom app.core import round\nimport json\n"
        "if TYPE_CHECKING:\n    from app.settings import Settings\n"
        "def late():\n    from app.store.store import Store\n",
        "utf-8",
    )
    assert sorted(imports(path)) == [
        ("app.core", False),
        ("app.logs", False),
        ("app.settings", True),
        ("app.store", False),
        ("app.web", False),
    ]


def test_the_core_needs_nothing_but_the_standard_library_and_pydantic() -> None:
    for path in (ROOT / "app/core").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                assert name.split(".")[0] in {*sys.stdlib_module_names, "pydantic", "app"}, f"{path.name}: {name}"


def test_the_core_reads_no_clock_and_no_shared_randomness() -> None:
    for path in (ROOT / "app/core").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                call = ast.unparse(node)
                assert not call.endswith((".now", ".utcnow", ".today")), f"{path.name}: {call}"
                assert not call.startswith(("time.", "secrets.", "os.")), f"{path.name}: {call}"
                assert call == "random.Random" or not call.startswith("random."), f"{path.name}: {call}"


def writes(tree: ast.AST) -> list[str]:
    """Uses of the store's writing methods and of its engine that don't go through practice."""
    store = ast.parse((ROOT / "app/store/store.py").read_text("utf-8"))
    methods = {
        node.name
        for node in ast.walk(store)
        if isinstance(node, ast.FunctionDef) and node.name.startswith(("add_", "save_", "delete_"))
    }
    assert {"add_round", "add_moves", "save_draft", "delete_round"} <= methods
    return [
        ast.unparse(node)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and node.attr in {*methods, "engine"}
        and ast.unparse(node.value).split(".")[-1] != "practice"
    ]


@pytest.mark.parametrize("path", sorted((ROOT / "app/web").glob("*.py")), ids=module)
def test_pages_read_through_the_store_and_write_through_practice(path: Path) -> None:
    text = path.read_text("utf-8")
    assert writes(ast.parse(text)) == []
    assert "sqlmodel" not in text
    assert "sqlalchemy" not in text


def test_a_write_past_practice_would_be_seen() -> None:
    code = "wired.store.delete_round(x); wired.practice.delete_round(x); wired.store.engine.connect()"
    assert writes(ast.parse(code)) == ["wired.store.delete_round", "wired.store.engine"]


def loaded_after(code: str) -> set[str]:
    """The top-level modules that a fresh interpreter has loaded after `code`."""
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport json, sys\nprint(json.dumps(list(sys.modules)))"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return {name.split(".")[0] for name in json.loads(done.stdout.splitlines()[-1])}


def test_importing_the_core_loads_no_framework_and_no_model_library() -> None:
    names = [module(path) for path in (ROOT / "app/core").glob("*.py")]
    loaded = loaded_after("\n".join(f"import {name}" for name in names))
    assert "pydantic" in loaded
    assert not loaded & {
        "fastapi",
        "starlette",
        "sqlmodel",
        "sqlalchemy",
        "yaml",
        "jinja2",
        "numpy",
        "structlog",
        *HEAVY,
    }


def test_the_command_line_loads_no_framework_and_no_model_library() -> None:
    assert not loaded_after("import app.cli.commands") & {"fastapi", "sqlmodel", "numpy", *HEAVY}


def test_importing_and_making_the_application_loads_no_model_library(tmp_path: Path) -> None:
    code = (
        "from pathlib import Path\nfrom app.main import create_app\nfrom app.settings import Settings\n"
        f"create_app(Settings(data_dir=Path({str(tmp_path)!r})))"
    )
    loaded = loaded_after(code)
    assert "fastapi" in loaded
    assert not loaded & set(HEAVY)
