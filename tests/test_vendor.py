from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
VENDOR = ROOT / "app/web/static/vendor"
ASSETS = json.loads((VENDOR / "manifest.json").read_text("utf-8"))["assets"]
LICENCES = {"0BSD": "Zero-Clause BSD", "OFL-1.1": "SIL OPEN FONT LICENSE Version 1.1"}


def test_the_manifest_lists_every_vendored_file_and_no_other() -> None:
    listed = {asset["file"] for asset in ASSETS} | {asset["licence_file"] for asset in ASSETS}
    assert {path.name for path in VENDOR.iterdir()} == listed | {"manifest.json"}
    assert len({asset["file"] for asset in ASSETS}) == len(ASSETS)


@pytest.mark.parametrize("asset", ASSETS, ids=lambda asset: asset["file"])
def test_a_vendored_file_is_the_one_that_was_published(asset: dict[str, str]) -> None:
    assert set(asset) == {"file", "package", "version", "licence", "licence_file", "sha256"}
    assert re.fullmatch(r"\d+\.\d+\.\d+", asset["version"])
    assert hashlib.sha256((VENDOR / asset["file"]).read_bytes()).hexdigest() == asset["sha256"]


@pytest.mark.parametrize("asset", ASSETS, ids=lambda asset: asset["file"])
def test_a_vendored_file_has_its_licence_beside_it(asset: dict[str, str]) -> None:
    text = (VENDOR / asset["licence_file"]).read_text("utf-8")
    assert LICENCES[asset["licence"]] in text


def test_the_name_of_the_script_carries_its_version() -> None:
    for asset in ASSETS:
        if asset["file"].endswith(".js"):
            assert asset["version"] in asset["file"]


def test_pages_load_nothing_from_elsewhere() -> None:
    for path in [*ROOT.glob("templates/**/*.html"), *ROOT.glob("app/web/static/*.css")]:
        found = re.findall(r"""(?:src=|<link[^>]*href=|url\(|@import)\s*["']?(?:https?:)?//""", path.read_text("utf-8"))
        assert found == [], path.name
