"""The trained upper layers that go over the packaged encoder: where they lie, and that they are what they should be."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from app.core.errors import GradingFailed

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

FOLDER = Path(__file__).with_name("trained")
WEIGHTS, MANIFEST = "layers.safetensors", "manifest.json"
FROZEN = 3
"""Layers, from the bottom, that stay as packaged. The others, in half precision, are 10.7 MB."""

_LAYER = re.compile(r"encoder\.layer\.(\d+)\.")


class Made(NamedTuple):
    """Trained layers on disk: their file, its sha256, and what the manifest says of them."""

    file: Path
    sha256: str
    manifest: dict[str, Any]


def is_trained(parameter: str) -> bool:
    """Whether the parameter of this name belongs to a layer that is trained."""
    match = _LAYER.search(parameter)
    return match is not None and int(match.group(1)) >= FROZEN


def find_layers(folder: Path = FOLDER) -> Made | None:
    """The trained layers in `folder`; None where there are none. Raises GradingFailed when they are damaged."""
    file = folder / WEIGHTS
    if not file.exists() or not (folder / MANIFEST).exists():
        return None
    manifest = json.loads((folder / MANIFEST).read_text("utf-8"))
    with file.open("rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    if sha256 != manifest["sha256"]:
        raise GradingFailed(
            f"The trained layers at {file} are damaged: their sha256 is {sha256[:12]}… and not "
            f"{manifest['sha256'][:12]}…. Restore the file, or delete it to grade without them."
        )
    return Made(file, sha256, manifest)


def apply_layers(model: SentenceTransformer, made: Made) -> None:
    """Put the trained layers into the packaged `model`. Raises GradingFailed when they don't fit it."""
    from safetensors.torch import load_file

    weights = {name: value.float() for name, value in load_file(made.file).items()}
    wanted = {name for name in model.state_dict() if is_trained(name)}
    if set(weights) != wanted:
        raise GradingFailed(f"The trained layers at {made.file} don't fit the packaged sentence model.")
    model.load_state_dict(weights, strict=False)


def save_layers(model: SentenceTransformer, folder: Path, made_by: dict[str, Any]) -> Made:
    """Write the trained layers of `model` in half precision, and a manifest with their sha256 and `made_by`."""
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    file = folder / WEIGHTS
    save_file({name: value.half().contiguous() for name, value in model.state_dict().items() if is_trained(name)}, file)
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    manifest = {"sha256": sha256, **made_by}
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", "utf-8")
    return Made(file, sha256, manifest)
