"""Vectors kept on disk, so that a rubric's are computed once. A file that can't be used counts as absent."""

from __future__ import annotations

import contextlib
import logging
import os
import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt

log = logging.getLogger(__name__)


class VectorCache:
    """A folder of .npy files, one for each bundle of texts, below a folder for the model."""

    def __init__(self, root: Path, fingerprint: str) -> None:
        self._folder = root / "vectors" / fingerprint[:16]

    def path(self, key: str) -> Path:
        """Where the vectors under `key` are kept."""
        return self._folder / f"{key}.npy"

    def load(self, key: str, shape: tuple[int, int]) -> npt.NDArray[np.float32] | None:
        """The vectors under `key`, or None when they are absent, corrupt or of another shape."""
        try:
            found = np.load(self.path(key), allow_pickle=False)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, EOFError) as error:
            log.warning("cached vectors can't be read (%s): computing them again", type(error).__name__)
            return None
        usable = isinstance(found, np.ndarray) and found.shape == shape and found.dtype == np.float32
        return found if usable and bool(np.isfinite(found).all()) else None

    def save(self, key: str, vectors: npt.NDArray[np.float32]) -> None:
        """Keep `vectors`; a reader sees the whole file or none. A full disk costs time, not the grading."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=self._folder, suffix=".tmp")
            try:
                with os.fdopen(handle, "wb") as stream:
                    np.save(stream, vectors, allow_pickle=False)
                Path(name).replace(self.path(key))
            except BaseException:
                with contextlib.suppress(OSError):
                    Path(name).unlink()
                raise
        except OSError as error:
            log.warning("vectors can't be cached (%s): they will be computed again", type(error).__name__)
