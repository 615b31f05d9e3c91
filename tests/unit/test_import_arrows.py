"""The house rules on packages: who may import whom, what may be imported where, which module names are refused.

``violations`` is the rule as a pure function of one module; it is tried on bad modules and then on all of ours.
"""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest

_ROOT = Path(__file__).parents[2]

_LEAVES = ("context", "model_zoo", "fl_protocol", "fl_runtime")
_ALLOWED_BY_PACKAGE: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(_LEAVES, ()),
    "fl_client": _LEAVES,
    "fl_server": _LEAVES,
    "simulation": (*_LEAVES, "fl_client", "fl_server"),
    "deploy": _LEAVES,
}
_ALLOWED_BY_MODULE: dict[str, tuple[str, ...]] = {"model_zoo/__main__.py": ("fl_runtime",)}  # docs/adr/0007
_OURS = {*_ALLOWED_BY_PACKAGE, "tests", "benchmarks"}

_FLOWER = (
    "fl_server/strategy.py",
    "fl_server/grid_exchange.py",
    "fl_server/robust_update.py",
    "fl_server/secure_rounds.py",
    "fl_server/server_app.py",
    "fl_server/chosen_strategy.py",
    "fl_server/training_run.py",
    "fl_client/client_app.py",
    "simulation/run.py",
    "simulation/local_grid.py",
)
_HTTP = (
    "fl_server/api/",
    "fl_client/uplink/",
    "fl_client/releases/",
    "fl_client/status/",
    "model_zoo/fetching.py",  # docs/adr/0007
    "simulation/operator_feedback.py",
)
_TORCH = ("model_zoo/", "fl_client/training/", "simulation/")
_ONLY_HERE: dict[str, tuple[str, ...]] = {
    "flwr": _FLOWER,
    **dict.fromkeys(("fastapi", "starlette", "uvicorn", "httpx", "requests", "aiohttp", "urllib3"), _HTTP),
    **dict.fromkeys(("urllib.request", "http.client", "http.server"), _HTTP),
    **dict.fromkeys(("torch", "torchvision", "timm", "torchmetrics", "captum"), _TORCH),
    "cryptography": ("fl_protocol/", "deploy/"),
    "dp_accounting": ("fl_server/rounds/",),
}
_REFUSED_NAMES = {"utils", "common", "helpers", "misc", "base"}
_NOT_WATCHING = ("fl_client.training", "fl_client.client_app", "fl_client.__main__")


def violations(path: str, source: str) -> list[str]:
    """The rules that one module breaks.

    Args:
        path: Where the module is, relative to the project, with forward slashes.
        source: Its text.
    """
    package = PurePosixPath(path).parts[0]
    names = {part.removesuffix(".py") for part in PurePosixPath(path).parts}
    found = [f"{path}: {name!r} names no concept" for name in sorted(names & _REFUSED_NAMES)]
    for line, module in _imported_modules(path, ast.parse(source)):
        target = module.partition(".")[0]
        if target in _OURS - {package, *_ALLOWED_BY_PACKAGE[package], *_ALLOWED_BY_MODULE.get(path, ())}:
            found.append(f"{path}:{line}: {package} must not import {target}")
        for library, places in _ONLY_HERE.items():
            if f"{module}.".startswith(f"{library}.") and not path.startswith(places):
                found.append(f"{path}:{line}: {library} may be imported only in {', '.join(places)}")
    return list(dict.fromkeys(found))


def _imported_modules(path: str, tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Line and absolute name of everything imported, inside functions and by name too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents = PurePosixPath(path).parts[: -node.level] if node.level else ()
            module = ".".join(filter(None, [*parents, node.module]))
            yield from {(node.lineno, f"{module}.{alias.name}") for alias in node.names}
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("import_module", "__import__")):
            yield from ((node.lineno, ast.literal_eval(name)) for name in node.args if isinstance(name, ast.Constant))


def _modules_of(package: str) -> list[Path]:
    return sorted((_ROOT / package).rglob("*.py"))


@pytest.mark.parametrize("package", sorted(_ALLOWED_BY_PACKAGE))
def test_every_module_keeps_the_arrows(package: str) -> None:
    found = [
        broken
        for module in _modules_of(package)
        for broken in violations(module.relative_to(_ROOT).as_posix(), module.read_text(encoding="utf-8"))
    ]
    assert found == []


def test_every_package_of_the_project_is_checked() -> None:
    packages = {path.parent.name for path in _ROOT.glob("*/__init__.py")}
    assert packages <= _OURS
    assert set(_LEAVES) < packages


@pytest.mark.parametrize(
    ("path", "source", "expected"),
    [
        ("context/zone.py", "import model_zoo.errors", "context/zone.py:1: context must not import model_zoo"),
        ("fl_client/app.py", "\nfrom fl_server import app", "fl_client/app.py:2: fl_client must not import fl_server"),
        ("fl_client/app.py", "def f():\n  import fl_server", "fl_client/app.py:2: fl_client must not import fl_server"),
        ("fl_server/app.py", "from simulation import run", "fl_server/app.py:1: fl_server must not import simulation"),
        ("context/zone.py", "from ..fl_client import app", "context/zone.py:1: context must not import fl_client"),
        ("simulation/run.py", "import tests.fakes", "simulation/run.py:1: simulation must not import tests"),
        (
            "model_zoo/registry.py",
            "import importlib\nimportlib.import_module('fl_client.app')",
            "model_zoo/registry.py:2: model_zoo must not import fl_client",
        ),
        (
            "fl_client/inference/pipeline.py",
            "import torch.nn as nn",
            f"fl_client/inference/pipeline.py:1: torch may be imported only in {', '.join(_TORCH)}",
        ),
        (
            "simulation/world/person.py",
            "from flwr.app import Message",
            f"simulation/world/person.py:1: flwr may be imported only in {', '.join(_FLOWER)}",
        ),
        (
            "fl_client/inference/pipeline.py",
            "from urllib import request",
            f"fl_client/inference/pipeline.py:1: urllib.request may be imported only in {', '.join(_HTTP)}",
        ),
        (
            "fl_server/storage/alerts.py",
            "import cryptography",
            "fl_server/storage/alerts.py:1: cryptography may be imported only in fl_protocol/, deploy/",
        ),
        (
            "model_zoo/__main__.py",
            "import fl_runtime, fl_client",
            "model_zoo/__main__.py:1: model_zoo must not import fl_client",
        ),
        ("model_zoo/errors.py", "import fl_runtime", "model_zoo/errors.py:1: model_zoo must not import fl_runtime"),
        ("context/utils.py", "", "context/utils.py: 'utils' names no concept"),
        ("model_zoo/helpers/crop.py", "", "model_zoo/helpers/crop.py: 'helpers' names no concept"),
    ],
)
def test_a_module_that_breaks_a_rule_is_found(path: str, source: str, expected: str) -> None:
    assert violations(path, source) == [expected]


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("fl_client/app.py", "import context.zone, fl_runtime\nfrom fl_client import config\nfrom . import pipeline"),
        ("fl_client/training/local.py", "import torch"),
        ("fl_client/app.py", "from urllib.parse import urlsplit\nimport torchlike"),
        ("simulation/run.py", "import flwr, fl_client, fl_server, torch"),
        ("fl_server/api/alerts.py", "import fastapi"),
        ("model_zoo/backbones/basement.py", ""),
    ],
)
def test_a_module_that_keeps_the_rules_is_let_through(path: str, source: str) -> None:
    assert violations(path, source) == []


_FIRST_IMPORTER = """
import importlib, sys
refused, *modules = sys.argv[1:]
for name in modules:
    importlib.import_module(name)
    if refused in sys.modules:
        sys.exit(f"importing {name} imports {refused}")
"""


def _importer_of(refused: str, modules: list[str]) -> str:
    command = [sys.executable, "-c", _FIRST_IMPORTER, refused, *modules]
    return subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=False, timeout=120).stderr


def test_watching_a_camera_never_imports_torch() -> None:
    names = [".".join(module.relative_to(_ROOT).with_suffix("").parts) for module in _modules_of("fl_client")]
    watching = [name.removesuffix(".__init__") for name in names if not name.startswith(_NOT_WATCHING)]
    assert "fl_client" in watching
    assert _importer_of("torch", watching) == ""


def test_the_check_for_torch_names_the_module_that_imports_it() -> None:
    assert _importer_of("decimal", ["json", "fractions", "wave"]) == "importing fractions imports decimal\n"
