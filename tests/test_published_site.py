"""Several versions of the documentation side by side, as .ci/publish_site.py arranges them."""

import json
import subprocess
from pathlib import Path

import pytest
from ci_scripts import run_script


def _publish(folder: Path, version: str) -> subprocess.CompletedProcess[str]:
    site = folder / "site"
    site.mkdir(exist_ok=True)
    (site / "index.html").write_text(version)
    (site / f"new-in-{version}.html").touch()
    completed = run_script("publish_site.py", folder, "site", "published", version)
    (site / f"new-in-{version}.html").unlink()
    return completed


def _folders(folder: Path) -> dict[str, str]:
    """Return the version of the pages in each folder."""
    return {
        path.parent.name: path.read_text() for path in sorted(folder.glob("published/*/index.html"))
    }


def _listed(folder: Path) -> list[tuple[str, str, list[str]]]:
    entries = json.loads((folder / "published" / "versions.json").read_text())
    return [(one["version"], one["title"], one["aliases"]) for one in entries]


def test_minor_versions_are_side_by_side_and_patches_replace_each_other(tmp_path: Path) -> None:
    """Pages that a patch has removed are gone, and the home page leads to the newest version."""
    for version in ("0.9.0", "0.10.0", "0.10.1"):
        assert _publish(tmp_path, version).returncode == 0

    assert _folders(tmp_path) == {"0.9": "0.9.0", "0.10": "0.10.1", "latest": "0.10.1"}
    assert _listed(tmp_path) == [("0.10", "0.10.1", ["latest"]), ("0.9", "0.9.0", [])]
    assert not (tmp_path / "published" / "0.10" / "new-in-0.10.0.html").exists()
    assert 'url=latest/index.html"' in (tmp_path / "published" / "index.html").read_text()


@pytest.mark.parametrize("version", ["0.9.1", "0.11.0rc1"])
def test_the_latest_version_is_the_newest_final_one(version: str, tmp_path: Path) -> None:
    """Not a fix of an older one, and not a release candidate."""
    _publish(tmp_path, "0.9.0")
    _publish(tmp_path, "0.10.0")

    _publish(tmp_path, version)

    assert _folders(tmp_path)["latest"] == "0.10.0"
    assert version in [title for _, title, _ in _listed(tmp_path)]


def test_a_release_candidate_is_the_latest_while_nothing_else_is_published(tmp_path: Path) -> None:
    """The final release replaces it."""
    _publish(tmp_path, "0.1.0rc1")
    assert _listed(tmp_path) == [("0.1", "0.1.0rc1", ["latest"])]

    _publish(tmp_path, "0.1.0")
    assert _listed(tmp_path) == [("0.1", "0.1.0", ["latest"])]


def test_an_older_patch_does_not_replace_a_newer_one(tmp_path: Path) -> None:
    """As when the workflow of an older release runs once more."""
    _publish(tmp_path, "0.1.1")

    refused = _publish(tmp_path, "0.1.0")

    assert refused.returncode == 1
    assert "the pages of 0.1.1 are newer than those of 0.1.0" in refused.stderr
    assert _folders(tmp_path) == {"0.1": "0.1.1", "latest": "0.1.1"}
