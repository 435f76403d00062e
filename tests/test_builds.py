"""The builds of a release: the same twice, with all that git tracks, and listed in an SBOM."""

import json
import re
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import pytest
from ci_scripts import run_script

_BUILDER: Final = """
import gzip, io, os, sys, tarfile, zipfile
from pathlib import Path

out, source = Path(sys.argv[2]), Path(sys.argv[3])
out.mkdir(exist_ok=True)
with zipfile.ZipFile(out / "one-1.0-py3-none-any.whl", "w") as wheel:
    for name, content in WHEEL.items():
        wheel.writestr(zipfile.ZipInfo(name), content)
content = io.BytesIO()
with tarfile.open(fileobj=content, mode="w") as sdist:
    for name in ("one.py", "pyproject.toml"):
        data = (source / name).read_bytes()
        member = tarfile.TarInfo(f"one-1.0/{name}")
        member.size = len(data)
        member.mtime = int(SECONDS)
        sdist.addfile(member, io.BytesIO(data))
(out / "one-1.0.tar.gz").write_bytes(gzip.compress(content.getvalue(), mtime=0))
"""
_SURROUNDINGS: Final = """{
    "same": "",
    "folder": os.path.abspath(source),
    "hashes": str(hash("x")),
    "time zone": os.environ.get("TZ", ""),
    "umask": str(os.umask(0)),
}"""


def _build(folder: Path, wheel: str, seconds: str, *more: str) -> subprocess.CompletedProcess[str]:
    """Build a small project in a repository with a script that writes these contents and times."""
    builder = folder / "builder.py"
    builder.write_text(_BUILDER.replace("WHEEL", wheel).replace("SECONDS", seconds))
    source = folder / "source"
    source.mkdir()
    for name in ("one.py", "pyproject.toml", *more):
        (source / name).touch()
    for arguments in (["init", "--quiet"], ["add", "."]):
        command = ["git", *arguments]
        subprocess.run(command, cwd=source, check=True)
    return run_script("build.py", source, str(folder / "dist"), sys.executable, str(builder))


def test_builds_that_are_the_same_pass(tmp_path: Path) -> None:
    """Their hashes are printed, so that anyone can compare them."""
    built = _build(tmp_path, "{'one.py': ''}", "os.environ['SOURCE_DATE_EPOCH']")

    assert built.returncode == 0, built.stderr
    assert re.findall(r"^[0-9a-f]{64}  (.+)$", built.stdout, re.MULTILINE) == [
        "one-1.0-py3-none-any.whl",
        "one-1.0.tar.gz",
    ]


def test_builds_that_differ_are_refused(tmp_path: Path) -> None:
    """Each member that depends on where or when it was built is named."""
    built = _build(tmp_path, _SURROUNDINGS, "(source / 'one.py').stat().st_mtime")

    assert built.returncode == 1
    wheel = "one-1.0-py3-none-any.whl: the second build has another"
    sdist = "one-1.0.tar.gz: the second build has another"
    assert built.stderr.splitlines() == [
        f"{wheel} folder",
        f"{wheel} hashes",
        f"{wheel} time zone",
        f"{wheel} umask",
        f"{sdist} one-1.0/one.py",
        f"{sdist} one-1.0/pyproject.toml",
    ]


def test_an_sdist_that_lacks_a_tracked_file_is_refused(tmp_path: Path) -> None:
    """Otherwise its tests could not run."""
    built = _build(tmp_path, "{}", "0", "test_one.py")

    assert built.returncode == 1
    assert built.stderr == "one-1.0.tar.gz lacks test_one.py\n"


def test_a_build_that_fails_shows_why(tmp_path: Path) -> None:
    """Its own output is the error."""
    built = _build(tmp_path, "{}", "missing")

    assert built.returncode == 1
    assert "NameError: name 'missing' is not defined" in built.stderr


def test_the_sbom_has_the_version_and_the_hash_of_the_wheel(tmp_path: Path) -> None:
    """Also what identifies it on the index; the packages are those of the environment."""
    found = {"metadata": {"component": {"name": "one"}}, "components": [{"name": "httpx"}]}
    (tmp_path / "cyclonedx_py.py").write_text(f"print({json.dumps(found)!r})")
    (tmp_path / "one-1.0-py3-none-any.whl").write_bytes(b"wheel")

    made = run_script(
        "sbom.py", tmp_path, "one-1.0-py3-none-any.whl", sys.executable, "one.cdx.json"
    )

    assert (made.returncode, made.stdout) == (0, "one.cdx.json: one 1.0 and 1 packages\n")
    sbom: dict[str, Any] = json.loads((tmp_path / "one.cdx.json").read_text())
    assert sbom["components"] == found["components"]
    assert sbom["metadata"]["component"] == {
        "name": "one",
        "version": "1.0",
        "purl": "pkg:pypi/one@1.0",
        "hashes": [{"alg": "SHA-256", "content": sha256(b"wheel").hexdigest()}],
    }


_README: Final = (
    "[One](docs/pages/one.md#two), [`x.py`](examples/x.py) and [three](https://x.test).\n"
)
_REST: Final = (
    "[`x.py`](https://code.test/one/blob/v1.2.3/examples/x.py) and [three](https://x.test).\n"
)


@pytest.mark.parametrize(
    ("urls", "text"),
    [
        ({}, "One, `x.py` and [three](https://x.test).\n"),
        (
            {"Documentation": "https://docs.test/", "Source": "https://code.test/one"},
            f"[One](https://docs.test/1.2/one.html#two), {_REST}",
        ),
        (
            {"Source": "https://code.test/one"},
            f"[One](https://code.test/one/blob/v1.2.3/docs/pages/one.md#two), {_REST}",
        ),
    ],
    ids=["no URLs", "documentation and source", "source"],
)
def test_the_readme_on_the_index_has_no_relative_links(
    urls: dict[str, str], text: str, tmp_path: Path
) -> None:
    """They lead to the files of this version, or are only text while the project has no URLs."""
    hook = Path(__file__).parents[1] / ".ci" / "long_description.py"
    listed = "".join(f'{name} = "{url}"\n' for name, url in urls.items())
    (tmp_path / "README.md").write_text(_README, "utf-8")
    (tmp_path / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
        '[project]\nname = "one"\nversion = "1.2.3"\ndynamic = ["readme"]\n'
        f"[project.urls]\n{listed}"
        f"[tool.hatch.metadata.hooks.custom]\npath = '{hook}'\n",
        "utf-8",
    )

    shown = subprocess.run(
        [sys.executable, "-m", "hatchling", "metadata"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )

    readme = json.loads(shown.stdout)["readme"]
    assert readme == {"content-type": "text/markdown", "text": text}
