"""The encoder, its checks and its cache."""

from __future__ import annotations

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from app.core.errors import GradingFailed
from app.grading import encoder as module
from app.grading.cache import VectorCache
from app.grading.encoder import Encoder, load_encoder, text_key


def test_vectors_are_unit_length_and_repeatable(encoder: Encoder) -> None:
    texts = ["one thing", "quite another, and longer, thing", ""]
    first = encoder.encode(texts)
    assert first.shape == (3, encoder.width) == (3, 384)
    assert np.allclose(np.linalg.norm(first, axis=1), 1, atol=1e-5)
    assert np.array_equal(first, encoder.encode(texts))
    assert encoder.encode([]).shape == (0, 384)


def test_a_bundle_is_computed_once_and_a_corrupt_file_again(encoder: Encoder, tmp_path: Path) -> None:
    texts = ["kept on disk", "both of them"]
    mine = Encoder(encoder._model, "mine", "f" * 64, tmp_path)
    vectors = mine.bundle(texts)
    file = VectorCache(tmp_path, "f" * 64).path(text_key(texts))
    assert np.array_equal(np.load(file), vectors)
    assert mine.bundle(texts) is vectors
    for broken in (b"", b"rubbish", file.read_bytes()[:200]):
        file.write_bytes(broken)
        again = Encoder(encoder._model, "mine", "f" * 64, tmp_path).bundle(texts)
        assert np.array_equal(again, vectors)
        assert np.array_equal(np.load(file), vectors)
    assert [path.suffix for path in file.parent.iterdir()] == [".npy"]


def test_a_text_of_a_bundle_in_memory_is_not_computed_again_for_another(
    encoder: Encoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = Encoder(encoder._model, "mine", "f" * 64, tmp_path)
    first = mine.bundle(["one text", "another", "a third"])
    computed: list[str] = []
    encode = mine.encode
    monkeypatch.setattr(mine, "encode", lambda texts: computed.extend(texts) or encode(texts))
    second = mine.bundle(["a third", "a new one", "one text"])
    assert computed == ["a new one"]
    assert (second[[0, 2]] == first[[2, 0]]).all()
    assert (second[1] == encode(["a new one"])[0]).all()
    assert len(list(tmp_path.rglob("*.npy"))) == 1, "most of the second lay in the first"
    assert mine.bundle([]).shape == (0, 384)


def test_who_asks_for_a_bundle_in_the_making_waits_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = load_encoder()
    computed: list[list[str]] = []
    encode = encoder.encode

    def slowly(texts: list[str]) -> npt.NDArray[np.float32]:
        computed.append(texts)
        time.sleep(0.3)
        return encode(texts)

    monkeypatch.setattr(encoder, "encode", slowly)
    with ThreadPoolExecutor(4) as pool:
        first, *others = pool.map(encoder.bundle, [["one text", "another"]] * 4)
    assert len(computed) == 1
    assert all(other is first for other in others)


def test_a_folder_that_can_not_be_written_costs_nothing_but_time(encoder: Encoder, tmp_path: Path) -> None:
    (tmp_path / "vectors").write_text("a file where the folder should be")
    assert Encoder(encoder._model, "mine", "f" * 64, tmp_path).bundle(["text"]).shape == (1, 384)


def test_keys_depend_on_texts_and_their_borders() -> None:
    assert len({text_key(["ab", "c"]), text_key(["a", "bc"]), text_key(["c", "ab"]), text_key([])}) == 4


def test_a_wrong_model_file_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PACKAGED_SHA256", "0" * 64)
    with pytest.raises(GradingFailed, match="--force-reinstall"):
        load_encoder()


def test_a_missing_or_empty_model_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(GradingFailed, match="GREENROOM_EMBEDDING_MODEL"):
        load_encoder(str(tmp_path / "none"))
    with pytest.raises(GradingFailed, match=r"model\.safetensors"):
        load_encoder(str(tmp_path))
    (tmp_path / "model.safetensors").write_bytes(b"not a model")
    with pytest.raises(GradingFailed, match="can't be loaded"):
        load_encoder(str(tmp_path))


def test_importing_the_graders_loads_no_torch() -> None:
    code = (
        "import sys, app.grading.embedding, app.grading.fit, app.grading.baselines, app.batch, app.evaluation\n"
        "import app.cli.commands\n"
        "sys.exit(any(name in sys.modules for name in ('torch', 'sentence_transformers', 'transformers', 'sklearn')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
