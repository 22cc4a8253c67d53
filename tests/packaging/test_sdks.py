"""The SDKs that the Pulumi CLI generates have the schema's names, version and examples.

The tests of the native plugin use the one for Python, which `pytest tests/packaging/test_sdks.py --record` replaces.
"""

from __future__ import annotations

import html
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from pulumi_truto import __version__
from pulumi_truto.plugin.schema import schema
from tests.support.commands import REPOSITORY, run
from tests.support.http_server import file_server
from tests.support.language_hosts import cli_environment, skip_without
from tests.support.plugin import SDK
from tests.support.schema_examples import code_block, descriptions


class Generated(NamedTuple):
    """A generated SDK.

    Attributes:
        name: Its name for the CLI.
        manifest: The file with its name and version.
        contents: Patterns that the manifest matches.
        suffix: The suffix of its code.
        unfiltered: Files whose comments have the examples of every language.
    """

    name: str
    manifest: str
    contents: tuple[str, ...]
    suffix: str
    unfiltered: tuple[str, ...] = ()


VERSION: Final = re.escape(__version__)

SDKS: Final = {
    "python": Generated(
        "python", "pyproject.toml", (r'name = "pulumi_truto_native"', rf'version = "{VERSION}"'), ".py"
    ),
    "typescript": Generated("nodejs", "package.json", (rf'"name": "pulumi-truto",\s+"version": "{VERSION}"',), ".ts"),
    "go": Generated("go", "truto/pulumi-plugin.json", (rf'"name": "truto",\s+"version": "{VERSION}"',), ".go"),
    "csharp": Generated(
        "dotnet",
        "PulumiTruto.Truto.csproj",
        (rf"<Version>{VERSION}</Version>",),
        ".cs",
        # Pulumi's generator for C# chooses the language for resources, and not yet for functions.
        ("GetWebhook.cs", "GetWebhooks.cs"),
    ),
}


@pytest.fixture
def logo() -> Iterator[str]:
    """The URL of a picture on loopback: the generator for C# downloads the logo, otherwise one of Pulumi's."""
    with file_server(REPOSITORY / "docs") as url:
        yield f"{url}/console.png"


def generate(sdk: Generated, logo: str, folder: Path) -> Path:
    """Generates the SDK from the schema and returns its folder."""
    source = folder / "schema.json"
    source.write_text(json.dumps({**schema(), "logoUrl": logo}))
    command = ("pulumi", "package", "gen-sdk", source, "--language", sdk.name, "--out", folder / "sdk")
    run(*command, cwd=folder, env=cli_environment(folder))
    return folder / "sdk" / sdk.name


def documentation(sdk: Generated, folder: Path) -> str:
    """The code of the SDK without the marks of its comments."""
    files = sorted(path for path in folder.rglob(f"*{sdk.suffix}") if path.name not in sdk.unfiltered)
    code = html.unescape("\n".join(path.read_text() for path in files))
    return re.sub(r"^[ \t]*(?:///|//|\*)? ?", "", code, flags=re.MULTILINE)


def contents(folder: Path) -> dict[str, str]:
    """The text of every file in a folder, by its path."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    return {str(path.relative_to(folder)): path.read_text(encoding="utf-8") for path in files}


def without_whitespace(code: str) -> str:
    """The code in one line: gofmt and the generators indent it."""
    return "".join(code.split())


@pytest.mark.parametrize("language", SDKS)
def test_generated_sdk(language: str, logo: str, tmp_path: Path) -> None:
    """The SDK has the name and version of the schema, and each example in its language below its heading."""
    skip_without(language)
    sdk = SDKS[language]
    folder = generate(sdk, logo, tmp_path)
    manifest = (folder / sdk.manifest).read_text()
    for pattern in sdk.contents:
        assert re.search(pattern, manifest), manifest

    page = documentation(sdk, folder)
    assert set(re.findall(r"^## Example Usage\n\n(.*)$", page, re.MULTILINE)) == {f"```{language}"}
    assert "{{%" not in page
    for token in descriptions() if not sdk.unfiltered else schema()["resources"]:
        example = f"```{language}\n{code_block(token, language)}```"
        assert without_whitespace(example) in without_whitespace(page)


def test_sdk_of_the_tests_is_generated(logo: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """The SDK in the programs of the tests is the one that Pulumi generates now; `--record` replaces it."""
    skip_without("python")
    generated = generate(SDKS["python"], logo, tmp_path) / SDK.name
    (generated / "README.md").unlink()
    if request.config.getoption("--record"):
        shutil.rmtree(SDK, ignore_errors=True)
        shutil.copytree(generated, SDK)
    assert contents(SDK) == contents(generated)
