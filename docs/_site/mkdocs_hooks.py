"""Gives the documentation site the pages whose files are outside docs/, and makes links between files work in it."""

from __future__ import annotations

import os
import re
import textwrap
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element

from markdown import Extension, Markdown
from markdown.treeprocessors import Treeprocessor
from markdown.util import AtomicString
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.utils import get_relative_url

from pulumi_truto.version import REPOSITORY

#: Files that become pages under another path than in docs/. Every examples/*/README.md becomes a page too.
_PAGES: Final = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "benchmarks/README.md": "performance.md",
    "docs/_index.md": "languages.md",
    "docs/_site/site.css": "site.css",
}
#: Code that a section describes.
_DESCRIBED: Final = {
    "pulumi_truto/errors.py": "api/index.md#errors",
    "pulumi_truto/sandbox/faults.py": "api/index.md#sandbox",
    "pulumi_truto/sandbox/settings.py": "api/index.md#sandbox",
}
_LANGUAGES: Final = {"csharp": "C#", "go": "Go", "java": "Java", "python": "Python", "typescript": "TypeScript"}
_CHOOSER: Final = re.compile(r"{{< /?chooser.*?>}}\n?")
_CHOICE: Final = re.compile(r"{{% choosable language (\w+) %}}\n(.*?){{% /choosable %}}", re.DOTALL)


def on_config(config: MkDocsConfig) -> None:
    """Adds the parts that depend on the address of the repository."""
    config.markdown_extensions.append(_RepositoryLinks())  # type: ignore[arg-type]  # Markdown takes objects too
    if address := _repository_address():
        # Not `repo_url` because the theme then asks GitHub's API for the number of stars.
        config.extra["social"] = [{"icon": "material/source-repository", "link": address, "name": "Repository"}]


def on_files(files: Files, config: MkDocsConfig) -> None:
    """Adds the pages whose files are outside docs/."""
    root = _root(config)
    readmes = [path.relative_to(root).as_posix() for path in sorted(root.glob("examples/*/README.md"))]
    examples = {readme: readme.replace("/README.md", ".md") for readme in readmes}
    for source, page in {**_PAGES, **examples}.items():
        if (root / source).is_file():
            files.append(File.generated(config, page, abs_src_path=str(root / source)))


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Turns the choosers of Pulumi's registry into tabs."""
    return _CHOICE.sub(_tab, _CHOOSER.sub("", markdown))


def _tab(choice: re.Match[str]) -> str:
    language, content = choice.groups()
    return f'=== "{_LANGUAGES.get(language, language.upper())}"\n\n' + textwrap.indent(content.strip(), "    ")


class _RepositoryLinks(Extension):
    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802  # the name that Markdown calls
        # Directly before mkdocs' own, which checks links to pages and has the priority 0.
        md.treeprocessors.register(_LinkRewriter(md), "repository_links", 1)


class _LinkRewriter(Treeprocessor):
    """Lets each link to a file lead to the page made of it, otherwise to the repository, otherwise nowhere."""

    def run(self, root: Element) -> None:
        mkdocs: Any = self.md.treeprocessors["relpath"]  # mkdocs' own, which knows the page and all files
        repository = _root(mkdocs.config)
        pages = {Path(file.abs_src_path): file.src_uri for file in mkdocs.files if file.abs_src_path}
        pages |= {repository / source: page for source, page in _DESCRIBED.items()}
        folder = Path(mkdocs.file.abs_src_path).parent
        for element in [*root.iter("a"), *root.iter("img")]:
            attribute = "href" if element.tag == "a" else "src"
            url = urlsplit(element.get(attribute, ""))
            if url.scheme or url.netloc or not url.path:
                continue
            target = Path(os.path.normpath(folder / url.path))
            page, _, section = (pages.get(target) or pages.get(target / "README.md") or "").partition("#")
            if page:
                relative = get_relative_url(page, mkdocs.file.src_uri)
                element.set(attribute, url._replace(path=relative, fragment=url.fragment or section).geturl())
            elif element.tag == "a" and target.is_relative_to(repository) and target.exists():
                _link_to_repository(element, target.relative_to(repository).as_posix(), is_folder=target.is_dir())


def _link_to_repository(link: Element, path: str, *, is_folder: bool) -> None:
    """Lets a link lead to the repository. Without an address it becomes the path, as code."""
    if address := _repository_address():
        link.set("href", f"{address}/{'tree' if is_folder else 'blob'}/HEAD/{path}")
        return
    tail = link.tail
    link.clear()
    link.tag, link.text, link.tail = "code", AtomicString(path), tail


def _root(config: MkDocsConfig) -> Path:
    return Path(config.config_file_path).absolute().parent


def _repository_address() -> str:
    return REPOSITORY.rstrip("/")
