"""The documentation is true: links lead somewhere, and commands and tests that it names exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.commands import REPOSITORY
from tests.support.picture import PICTURE, picture_lines

PATTERNS = ("*.md", "docs/**/*.md", "examples/*/README.md", "benchmarks/README.md")
PAGES = sorted(page for pattern in PATTERNS for page in REPOSITORY.glob(pattern))
LINK = re.compile(r"\]\(([^)#\s]*)(?:#([^)\s]*))?\)")


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_links_lead_somewhere(page: Path) -> None:
    """Every relative link names a file or folder, and every anchor a heading in it."""
    for path, anchor in LINK.findall(page.read_text(encoding="utf-8")):
        if "://" in path:
            continue
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{path} does not exist"
        if anchor:
            assert anchor in anchors(target), f"{path} has no heading {anchor}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_files_of_the_repository_that_a_page_names_exist(page: Path) -> None:
    """A path of the package, the tests, the examples or the documentation that a page names exists."""
    named = re.findall(
        r"`((?:pulumi_truto|tests|examples|docs|benchmarks)/[\w./-]*)`", page.read_text(encoding="utf-8")
    )
    for path in named:
        assert path == "benchmarks/results" or (REPOSITORY / path).exists(), f"{path} does not exist"


def test_readme_is_short() -> None:
    """The README fits in 60 lines: details are in docs/."""
    assert len((REPOSITORY / "README.md").read_text(encoding="utf-8").splitlines()) <= 60


def test_every_page_is_linked() -> None:
    """Every page of docs/ can be reached from the README; Pulumi's registry reads the two pages with a layout."""
    linked = {
        (page.parent / path).resolve()
        for page in PAGES
        for path, _ in LINK.findall(page.read_text(encoding="utf-8"))
        if path and "://" not in path
    }
    registry = {REPOSITORY / "docs" / name for name in ("_index.md", "installation-configuration.md")}
    assert {page for page in PAGES if page.is_relative_to(REPOSITORY / "docs")} - registry <= linked


def test_picture_of_a_rotation() -> None:
    """The picture shows the commands of the page and that no event was lost. It is small, and loads nothing."""
    page = (REPOSITORY / "examples" / "rotation" / "README.md").read_text(encoding="utf-8")
    [commands] = re.findall(r"^```sh\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    _title, *lines = picture_lines()
    assert [line.removeprefix("$ ") for line in lines if line.startswith("$")] == commands.splitlines()
    assert re.fullmatch(r"[1-9]\d* events were sent, and 0 were lost\.", lines[-1])
    svg = PICTURE.read_text(encoding="utf-8")
    assert len(svg) < 60_000
    assert set(re.findall(r"(?:href=|src|url\(|@import).", svg)) == {"url(#"}
    assert re.findall(r"[0-9a-f]{8}-|/(?:home|root|tmp|Users|work)\b", svg) == []
