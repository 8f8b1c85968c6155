"""Which module may know of which: read off the source, so that it stays so."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import artist_nst

ROOT = Path(artist_nst.__file__).parent
MODULES = sorted(
    ".".join(path.relative_to(ROOT.parent).with_suffix("").parts).removesuffix(
        ".__init__"
    )
    for path in ROOT.rglob("*.py")
)
LOWEST = ("corpus", "image", "nst")


@cache
def source(module: str) -> ast.Module:
    path = ROOT.parent.joinpath(*module.split("."))
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return ast.parse(file.read_text("utf-8"), str(file))


def imported(module: str) -> set[str]:
    """All that ``module`` imports anywhere in it, by full name."""
    names = set()
    for node in ast.walk(source(module)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports relative to itself"
            assert node.module is not None
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                names.add(full if full in MODULES else node.module)
    return names


def within(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def modules_in(*packages: str) -> list[str]:
    return [
        module
        for module in MODULES
        if any(within(module, f"artist_nst.{package}") for package in packages)
    ]


def outside_cli() -> list[str]:
    own = "artist_nst.cli", "artist_nst.__main__"
    return [one for one in MODULES if not any(within(one, cli) for cli in own)]


def calls(module: str) -> Iterator[ast.Call]:
    return (node for node in ast.walk(source(module)) if isinstance(node, ast.Call))


def test_modules_are_found() -> None:
    assert "artist_nst" in MODULES
    assert "artist_nst.nst.objective" in MODULES
    assert "artist_nst.nst.recipe" in imported("artist_nst.canvas")
    assert "artist_nst.image.color" in imported("artist_nst.canvas")
    assert "skimage.color" in imported("artist_nst.image.color")
    assert all(modules_in(package) for package in (*LOWEST, "cli"))


@pytest.mark.parametrize("module", modules_in(*LOWEST))
def test_the_lowest_packages_stand_alone(module: str) -> None:
    own = ".".join(module.split(".")[:2])
    for name in imported(module):
        if within(name, "artist_nst"):
            assert within(name, own) or name == "artist_nst.errors"


def test_errors_know_of_nothing() -> None:
    assert imported("artist_nst.errors") <= {"collections.abc", "difflib"}


@pytest.mark.parametrize(
    ("packages", "barred"),
    [
        (("nst",), ("PIL", "typer", "rich", "skimage")),
        (("corpus", "image"), ("torch", "torchvision", "safetensors", "typer", "rich")),
    ],
)
def test_libraries_that_are_not_their_business(
    packages: tuple[str, ...], barred: tuple[str, ...]
) -> None:
    for module in modules_in(*packages):
        for name in imported(module):
            assert name.split(".")[0] not in barred, f"{module} imports {name}"


@pytest.mark.parametrize("module", outside_cli())
def test_only_the_cli_talks(module: str) -> None:
    for name in imported(module):
        assert not within(name, "artist_nst.cli")
        assert name.split(".")[0] not in ("typer", "rich", "click")
    printed = [
        call.lineno
        for call in calls(module)
        if isinstance(call.func, ast.Name) and call.func.id in ("print", "input")
    ]
    assert not printed, f"{module} prints in lines {printed}"


def test_gradients_are_computed_where_losses_are_and_in_strips() -> None:
    found = set()
    for module in MODULES:
        for node in ast.walk(source(module)):
            if isinstance(node, ast.Attribute) and (
                node.attr == "backward" or ast.unparse(node).endswith("autograd.grad")
            ):
                found.add(module)
        if any(within(name, "torch.autograd") for name in imported(module)):
            found.add(module)
    assert found == {"artist_nst.nst.objective", "artist_nst.nst.strips"}


@pytest.mark.parametrize("module", MODULES)
def test_no_star_imports(module: str) -> None:
    for node in ast.walk(source(module)):
        if isinstance(node, ast.ImportFrom):
            assert all(alias.name != "*" for alias in node.names), node.lineno


def is_public(module: str) -> bool:
    return not any(part.startswith("_") for part in module.split("."))


@pytest.mark.parametrize("module", [one for one in MODULES if is_public(one)])
def test_what_is_public_says_what_it_is(module: str) -> None:
    tree = source(module)
    assert ast.get_docstring(tree), f"{module} has no docstring"
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            documented = node.name.startswith("_") or ast.get_docstring(node)
            assert documented, f"{module}.{node.name} has no docstring"


def test_help_does_not_wait_for_torch() -> None:
    heavy = ("torch", "torchvision", "scipy", "skimage", "numpy", "PIL", "requests")
    code = (
        "import sys, artist_nst.cli\n"
        "assert 'typer' in sys.modules\n"
        f"print(*(name for name in {heavy} if name in sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []


def test_every_public_name_is_there() -> None:
    for name in artist_nst.__all__:
        assert getattr(artist_nst, name).__doc__
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = artist_nst.nothing
