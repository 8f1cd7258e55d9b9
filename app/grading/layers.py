"""The trained upper layers: where they lie, that they are what they should be, how they run beside the packaged."""

from __future__ import annotations

import copy
import hashlib
import json
import re
import threading
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


class SecondHead:
    """The trained layers over the packaged model's lower ones, beside its own upper layers and in the same pass.

    Safe to call from several threads.
    """

    def __init__(self, model: SentenceTransformer, made: Made) -> None:
        """Listens to `model` from now on. Raises GradingFailed when the layers don't fit it."""
        from safetensors.torch import load_file

        own = {name: value for name, value in model.state_dict().items() if is_trained(name)}
        trained = {name: value.float() for name, value in load_file(made.file).items()}
        if {name: value.shape for name, value in own.items()} != {name: value.shape for name, value in trained.items()}:
            raise GradingFailed(f"The trained layers at {made.file} don't fit the packaged sentence model.")
        network: Any = model[0]
        packaged = network.auto_model.encoder.layer[FROZEN:]
        self._layers = copy.deepcopy(packaged)
        self._layers.load_state_dict({_within(name): value for name, value in trained.items()})
        self._pooling = model[1]
        self._heard = threading.local()
        packaged[0].register_forward_pre_hook(self._listen, with_kwargs=True)

    def __call__(self, features: dict[str, Any]) -> Any:
        """Sentence vectors, a tensor (texts, width), for `features` that this thread has just had the model read."""
        (hidden, *more), named = self._heard.call
        for layer in self._layers:
            hidden = layer(hidden, *more, **named)
        read = {"token_embeddings": hidden, "attention_mask": features["attention_mask"]}
        return self._pooling(read)["sentence_embedding"]

    def _listen(self, _: Any, args: tuple[Any, ...], named: dict[str, Any]) -> None:
        self._heard.call = (args, named)


def _within(name: str) -> str:
    """A parameter's name among the trained layers: 0.model.encoder.layer.4.x -> 1.x."""
    match = _LAYER.search(name)
    assert match is not None
    return f"{int(match.group(1)) - FROZEN}.{name[match.end() :]}"


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
