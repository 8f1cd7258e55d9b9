"""The trained layers: where they lie, that they are what they should be, how they take the packaged ones' place.

They are all six transformer layers of the packaged model, trained further; its token embeddings stay. Stored are whole
numbers of 8 bits with a scale for each row, 10.8 MB in all: half of what the layers take in half precision.
"""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from app.core.errors import GradingFailed

if TYPE_CHECKING:
    import torch
    from sentence_transformers import SentenceTransformer

FOLDER = Path(__file__).with_name("trained")
WEIGHTS, MANIFEST = "layers.safetensors", "manifest.json"
SCALE = ".scale"
"""Ends the name of the scales of a matrix's rows, which stand beside it."""
LARGEST = 127
"""Of the numbers stored; the largest of a row becomes this."""

_LAYER = re.compile(r"encoder\.layer\.\d+\.")


class Made(NamedTuple):
    """Trained layers on disk: their file, its sha256, and what the manifest says of them."""

    file: Path
    sha256: str
    manifest: dict[str, Any]


def is_trained(parameter: str) -> bool:
    """Whether the parameter of this name belongs to a transformer layer: those are trained, the embeddings are not."""
    return bool(_LAYER.search(parameter))


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


def put_layers(model: SentenceTransformer, made: Made) -> None:
    """Put the trained layers in place of the model's own. Raises GradingFailed when they don't fit it."""
    from safetensors.torch import load_file

    own = {name: value for name, value in model.state_dict().items() if is_trained(name)}
    trained = restored(load_file(made.file))
    if {name: value.shape for name, value in own.items()} != {name: value.shape for name, value in trained.items()}:
        raise GradingFailed(f"The trained layers at {made.file} don't fit the packaged sentence model.")
    model.load_state_dict(trained, strict=False)


def save_layers(model: SentenceTransformer, folder: Path, made_by: dict[str, Any]) -> Made:
    """Write the trained layers of `model` in 8 bits, and a manifest with their sha256 and `made_by`."""
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    file = folder / WEIGHTS
    stored: dict[str, torch.Tensor] = {}
    for name, value in model.state_dict().items():
        if is_trained(name):
            stored |= _in_8_bits(name, value)
    save_file(stored, file)
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    manifest = {"sha256": sha256, **made_by}
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", "utf-8")
    return Made(file, sha256, manifest)


def _in_8_bits(name: str, value: torch.Tensor) -> dict[str, torch.Tensor]:
    """A matrix as rounded numbers from -LARGEST to LARGEST and a scale for each row; a vector in half precision."""
    if value.dim() < 2:
        return {name: value.half().contiguous()}
    scale = (value.abs().amax(dim=1) / LARGEST).clamp(min=1e-12)
    return {name: (value / scale[:, None]).round().char().contiguous(), name + SCALE: scale.contiguous()}


def restored(stored: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The parameters in full precision, from what was stored of them."""
    return {
        name: value.float() * stored[name + SCALE][:, None] if name + SCALE in stored else value.float()
        for name, value in stored.items()
        if not name.endswith(SCALE)
    }
