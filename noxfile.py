"""Every check of this project in one list: `nox --list` shows it, `nox` runs the quick ones.

`.ci/run` runs the same sessions. Exact versions come from `.ci/constraints.txt`, so that only a
change of ours can turn a session red. The session `newest` is the exception: it installs what users
get today.
"""

import shutil
from collections.abc import Sequence
from pathlib import Path
from shutil import which
from typing import Final

import nox

ROOT: Final = Path(__file__).parent
PYTHONS: Final = ("3.11", "3.12", "3.13", "3.14")
BUILD: Final = ("python", "-m", "build", "--no-isolation")
PYTEST: Final = ("-m", "pytest", "--quiet", "--numprocesses", "auto", "--dist", "worksteal")
# These start processes, browsers or hundreds of servers; `quick` leaves them out.
SLOW: Final = (
    "tests/cli",
    "tests/rate_limit",
    "tests/reliability",
    "tests/sandbox",
    "tests/stores",
    "tests/test_docs.py",
    "tests/test_examples.py",
    "tests/test_many_machines.py",
    "tests/test_readme.py",
    "tests/test_workers.py",
    "tests/testing",
)
# These look at files, or run processes on what other tests cover. The README's command runs them,
# with the pinned versions.
VERSIONS_DO_NOT_MATTER: Final = (
    "tests/processes",
    "tests/test_benchmarks.py",
    "tests/test_builds.py",
    "tests/test_docs.py",
    "tests/test_examples.py",
    "tests/test_gate.py",
    "tests/test_layers.py",
    "tests/test_many_machines.py",
    "tests/test_public_annotations.py",
    "tests/test_published_site.py",
    "tests/test_readme.py",
    "tests/test_release.py",
    "tests/test_workers.py",
)
# The same for our own rules: of the local Sikoia, the rate limit and batches. What a version
# breaks, others find: the tests of sockets, event loops, codecs, frameworks and stores.
OUR_RULES: Final = (
    "tests/batch",
    "tests/cli",
    "tests/rate_limit",
    "tests/sandbox",
    "tests/test_public_api.py",
)
# The same for a version of a library: these use only what the tests of calls, codecs, event loops
# and sockets use, too. `tests/codec` decodes the responses of all methods.
THROUGH_OTHER_TESTS: Final = (
    "tests/observers",
    "tests/operations",
    "tests/resources",
    "tests/retry",
    "tests/settings",
    "tests/test_bad_arguments.py",
    "tests/test_environments.py",
    "tests/test_errors.py",
    "tests/test_methods.py",
    "tests/test_suggestions.py",
    "tests/test_validation.py",
)

# These need the extra `sandbox` and no other one.
WITHOUT_EXTRAS: Final = (
    "tests/auth",
    "tests/calls",
    "tests/codec",
    "tests/operations",
    "tests/retry",
    "tests/schema",
    "tests/webhooks",
)
TOOLS: Final = (
    "freezegun",
    "hypothesis",
    "pytest",
    "pytest-xdist",
    "pyyaml",
    "time-machine",
    "trio",
)

PINNED: Final = ".ci/constraints.txt"
HASHES: Final = ".ci/hashes.txt"
"""Of the files of those versions. uv checks them; pip would refuse to install this folder."""

nox.needs_version = ">=2025.5.1"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_venv = "yes"
nox.options.sessions = ["quick"]


@nox.session
def quick(session: nox.Session) -> None:
    """Lint, types and the fast tests: run it before every commit."""
    _install(session, "--editable", ".[dev]")
    _lint(session)
    _types(session)
    _pytest(session, *_without(SLOW))


@nox.session
def lint(session: nox.Session) -> None:
    """Ruff, its formatter, spelling, and phrases that we do not use."""
    _install(session, "--editable", ".[dev]")
    _lint(session)


@nox.session
def types(session: nox.Session) -> None:
    """Pyright and mypy, both strict."""
    _install(session, "--editable", ".[dev]")
    _types(session)


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """All tests, or those that you name: nox -s tests-3.12 -- tests/calls."""
    _install(session, "--editable", ".[dev]")
    _pytest(session)


@nox.session(python="3.13")
def newest(session: nox.Session) -> None:
    """The tests that versions matter for, on the newest that our ranges allow, with the coverage.

    Not on Python 3.11, which loses track of lines that run after an event loop.
    """
    _install(session, "--upgrade", "--editable", ".[dev]", constraints=None)
    session.run("coverage", "erase")
    session.run("coverage", "run", *PYTEST, *_without(VERSIONS_DO_NOT_MATTER), *session.posargs)
    session.run("coverage", "combine", "--quiet")
    session.run("coverage", "report", *_without_servers())


@nox.session(python="3.12")
def lowest(session: nox.Session) -> None:
    """The tests that versions matter for, on the lowest versions that our ranges allow."""
    exporters = ("otlp-proto-http", "prometheus>=0.51b0")
    telemetry = (
        "opentelemetry-instrumentation-httpx>=0.51b0",
        "opentelemetry-sdk",
        "opentelemetry-semantic-conventions>=0.51b0",
        *(f"opentelemetry-exporter-{name}" for name in exporters),
    )
    _install(
        session,
        "--editable",
        ".[sandbox,fastapi,aiohttp,litestar,otel,encryption,redis,postgres,pandas,polars,arrow]",
        *TOOLS,
        *telemetry,
        constraints=".ci/lowest.txt",
    )
    _pytest(session, *_without(VERSIONS_DO_NOT_MATTER + OUR_RULES + THROUGH_OTHER_TESTS))


@nox.session(python=["3.14"])
def newer(session: nox.Session) -> None:
    """The tests that versions matter for, on a Python that not every machine has."""
    _install(session, "--editable", ".[dev]")
    _pytest(session, *_without(VERSIONS_DO_NOT_MATTER + OUR_RULES))


@nox.session(python=["3.13t", "3.14t"])
def free_threaded(session: nox.Session) -> None:
    """The tests of calls without the global interpreter lock."""
    _install(session, "--editable", ".[sandbox]", *TOOLS)
    tests = session.posargs or WITHOUT_EXTRAS
    session.run("python", *PYTEST, *tests, env={"PYTHON_GIL": "0"})


@nox.session
def docs(session: nox.Session) -> None:
    """The documentation: no warning, no broken link or anchor, nothing loaded from elsewhere.

    Two versions are built and opened in a browser. To see that the check of links works,
    tests/test_gate.py plants each kind.
    """
    _install(session, "packaging", "playwright", "--editable", ".[docs]")
    folder = Path(session.create_tmp()).resolve()
    published = folder / "published"
    shutil.rmtree(published, ignore_errors=True)
    for version in ("0.1.0", "0.2.0"):
        built = _site(session, folder / "site", "https://docs.example", version)
        session.run("python", ".ci/publish_site.py", str(built), str(published), version)
    session.run("python", ".ci/check_site.py", str(published))
    session.run("python", ".ci/check_browser.py", str(published))


@nox.session
def site(session: nox.Session) -> None:
    """Build the documentation as it is published, into build/site."""
    _install(session, "--editable", ".[docs]")
    urls = nox.project.load_toml(ROOT / "pyproject.toml")["project"]["urls"]
    version = session.run(
        "python", "-c", "import sikoia_async; print(sikoia_async.__version__)", silent=True
    )
    _site(session, ROOT / "build" / "site", urls.get("Documentation", ""), str(version))


@nox.session
def security(session: nox.Session) -> None:
    """Known vulnerabilities of what we depend on, and secrets in the repository."""
    _install(session, "pip-audit", "detect-secrets", "--editable", ".[dev]")
    session.run("python", ".ci/audit.py", _python(session))
    session.run("python", ".ci/scan_secrets.py")


@nox.session
def conformance(session: nox.Session) -> None:
    """Hold the local Sikoia to the vendor's specification, where that lies beside this folder."""
    pinned = ("--constraint", ".ci/conformance.txt")
    _install(session, *pinned, "--editable", ".[sandbox]", "schemathesis")
    session.run("python", ".ci/conformance")


@nox.session
def benchmarks(session: nox.Session) -> None:
    """See that every benchmark runs; `-- --full` measures."""
    _install(session, "--editable", ".[dev,benchmarks]")
    options = () if "--full" in session.posargs else ("--quick",)
    session.run("python", "benchmarks/run.py", *options)


@nox.session(reuse_venv=False)
def wheel(session: nox.Session) -> None:
    """Build the wheel and use it as a new user would: with nothing else, away from this folder."""
    folder = Path(session.create_tmp()).resolve()
    built, python = _build(session, folder / "dist", folder)
    session.chdir(folder)
    version = "from sikoia_async import Sikoia, __version__; print(__version__)"
    session.run(python, "-c", version, external=True)
    session.run(python, "-m", "sikoia_async", "docs", "--all", external=True, silent=True)
    _install(session, f"{built}[sandbox,mcp,fastapi,aiohttp,litestar,otel]", "pip")
    session.run("sikoia", "demo")
    session.run("pip", "check")
    session.run("python", "-c", _INSPECTOR)
    _install(session, "pyright[nodejs]")
    # Every public name has a type that no checker needs to infer.
    session.run("pyright", "--verifytypes", "sikoia_async", "--ignoreexternal", silent=True)


@nox.session(reuse_venv=False)
def release(session: nox.Session) -> None:
    """Check that this commit can be published; build the files into dist, and the SBOM into build.

    `-- --check` only checks.
    """
    _install(session, "packaging")
    session.run("python", ".ci/release.py")
    if "--check" in session.posargs:
        return
    shutil.rmtree(ROOT / "dist", ignore_errors=True)
    shutil.rmtree(ROOT / "build", ignore_errors=True)
    _build(session, ROOT / "dist", ROOT / "build")


@nox.session
def sdist(session: nox.Session) -> None:
    """The fast tests from the unpacked sdist, or those that you name: `-- tests/calls`."""
    folder = Path(session.create_tmp()).resolve()
    _install(session, "build", "hatchling")
    shutil.rmtree(folder / "sdist", ignore_errors=True)
    session.run(*BUILD, "--sdist", "--outdir", str(folder / "sdist"), silent=True)
    (built,) = (folder / "sdist").glob("*.tar.gz")
    shutil.unpack_archive(built, folder / "sdist", filter="data")
    session.chdir(folder / "sdist" / built.name.removesuffix(".tar.gz"))
    _install(session, "--editable", ".[dev]")
    named = session.posargs or [f"--ignore={path}" for path in SLOW]
    session.run("python", *PYTEST, *named)


_INSPECTOR: Final = """
from httpx import get
from sikoia_async.sandbox import Sandbox
with Sandbox(inspector=True) as sandbox:
    get(f"{sandbox.inspector_url}script.js").raise_for_status()
"""


def _build(session: nox.Session, dist: Path, work: Path) -> tuple[Path, str]:
    """Build into `dist`, and write the SBOM to `work`.

    Return the wheel, and the Python of an environment with it and what it depends on only.
    """
    _install(session, "build", "hatchling", "cyclonedx-bom", "pip")
    shutil.rmtree(dist, ignore_errors=True)
    session.run("python", ".ci/build.py", str(dist))
    (wheel,) = dist.glob("*.whl")
    clean = work / "clean"
    session.run("python", "-m", "venv", "--without-pip", "--clear", str(clean))
    python = str(clean / "bin" / "python")
    pip = ("python", "-m", "pip", "--python", python, "install", "--quiet")
    session.run(*pip, "--constraint", str(ROOT / PINNED), str(wheel))
    sbom = work / f"{'-'.join(wheel.name.split('-')[:2])}.cdx.json"
    session.run("python", ".ci/sbom.py", str(wheel), python, str(sbom))
    return wheel, python


def _site(session: nox.Session, folder: Path, url: str, version: str) -> Path:
    """Build the documentation of a version, for a site at this URL if it is not empty."""
    minor = ".".join(version.split(".")[:2])
    env = {
        "SITE_URL": f"{url.rstrip('/')}/{minor}/" if url else "",
        "VERSION_PROVIDER": "mike",
        "NO_MKDOCS_2_WARNING": "1",
    }
    build = ("mkdocs", "build", "--strict", "--config-file", "docs/mkdocs.yml")
    session.run(*build, "--site-dir", str(folder), env=env)
    return folder


def _without_servers() -> list[str]:
    """Leave out of the coverage what was not tested, because its server is not installed."""
    has_postgres = any(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    servers = {"redis": which("redis-server"), "postgres": which("postgres") or has_postgres}
    missing = [f"sikoia_async/stores/{name}/*" for name, found in servers.items() if not found]
    return ["--omit", ",".join(missing)] if missing else []


def _install(session: nox.Session, *what: str, constraints: str | None = PINNED) -> None:
    files = [constraints] if constraints else []
    if constraints == PINNED and session.virtualenv.venv_backend == "uv":
        files.append(HASHES)
    options = [option for file in files for option in ("--constraint", str(ROOT / file))]
    session.install("--quiet", *options, *what)


def _lint(session: nox.Session) -> None:
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("codespell")
    session.run("python", ".ci/check_words.py")


def _types(session: nox.Session) -> None:
    session.run("mypy")
    session.run("pyright", "--pythonpath", _python(session))


def _pytest(session: nox.Session, *options: str) -> None:
    session.run("python", *PYTEST, *options, *session.posargs)


def _without(paths: Sequence[str]) -> list[str]:
    return [f"--ignore={path}" for path in paths]


def _python(session: nox.Session) -> str:
    return str(Path(session.bin) / "python")
