"""Adds the site of one version to a folder of published ones.

    python .ci/publish_site.py SITE FOLDER VERSION

The pages of 1.2.3 are in `1.2/`, and those of the newest version in `latest/` as well, to which the
folder's `index.html` leads. `versions.json` lists them for the selector of versions.
"""

import json
import shutil
import sys
from pathlib import Path
from typing import Final

from packaging.version import Version

_LATEST: Final = "latest"
_INDEX: Final = """<!doctype html>
<meta charset="utf-8">
<title>sikoia-async</title>
<meta http-equiv="refresh" content="0; url=latest/index.html">
<a href="latest/index.html">sikoia-async</a>
"""


def main() -> None:
    """Replace the pages of this minor version, unless those of a newer patch are there."""
    site, folder, version = Path(sys.argv[1]), Path(sys.argv[2]), Version(sys.argv[3])
    listed = folder / "versions.json"
    published = json.loads(listed.read_text("utf-8")) if listed.exists() else []
    versions = {one["version"]: Version(one["title"]) for one in published}
    minor = f"{version.major}.{version.minor}"
    if versions.get(minor, version) > version:
        sys.exit(f"not published: the pages of {versions[minor]} are newer than those of {version}")
    versions[minor] = version
    newest_first = sorted(versions, key=versions.__getitem__, reverse=True)
    final = [one for one in newest_first if not versions[one].is_prerelease]
    latest = (final or newest_first)[0]
    _replace(folder / minor, site)
    _replace(folder / _LATEST, folder / latest)
    entries = [
        {"version": one, "title": str(versions[one]), "aliases": [_LATEST] * (one == latest)}
        for one in newest_first
    ]
    listed.write_text(json.dumps(entries, indent=2) + "\n", "utf-8")
    (folder / "index.html").write_text(_INDEX, "utf-8")
    (folder / ".nojekyll").touch()  # GitHub Pages then serves all files as they are
    print(f"published {', '.join(str(versions[one]) for one in newest_first)}; latest is {latest}")


def _replace(folder: Path, source: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(source, folder)


main()
