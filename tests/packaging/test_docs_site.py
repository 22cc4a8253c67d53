"""The documentation site builds without a warning, is complete, and loads nothing from elsewhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.support.browser import open_browser
from tests.support.commands import REPOSITORY, format_output, run
from tests.support.http_server import file_server

pytest.importorskip("mkdocs", reason="needs the extra docs")

_SECONDS = 60  # a limit for a busy machine; a quiet one needs about one
_CONFIG = """
INHERIT: {inherited}
docs_dir: docs
hooks: [{hook}]
watch: []
nav: {nav}
"""


def build(project: Path, site: Path) -> subprocess.CompletedProcess[str]:
    """Builds the site of a project as `make lint` does."""
    env = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    command = (sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", site)
    return run(*command, cwd=project, env=env, check=False)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site of this repository."""
    site = tmp_path_factory.mktemp("docs") / "site"
    process = build(REPOSITORY, site)
    assert process.returncode == 0, format_output(process)
    assert [line for line in process.stderr.splitlines() if not line.startswith("INFO ")] == []
    return site


def pages(site: Path) -> list[Path]:
    """The pages of a site."""
    return sorted(site.rglob("*.html"))


class Elements(HTMLParser):
    """The elements of a page, as tags with attributes."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keeps one element."""
        self.found.append((tag, {name: value or "" for name, value in attrs}))

    def values(self, tag: str, attribute: str) -> list[str]:
        """The values of an attribute of all elements with a tag."""
        return [attributes[attribute] for name, attributes in self.found if name == tag and attribute in attributes]


def test_site_has_every_page(site: Path) -> None:
    """Every page of the repository is a page of the site with one heading of the first level.

    The exception is only for Pulumi's registry: the site says the same on other pages.
    """
    sources = ["docs/**/*.md", "examples/*/README.md", "benchmarks/README.md"]
    sources += ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"]
    expected = {path for pattern in sources for path in REPOSITORY.glob(pattern)}
    expected.remove(REPOSITORY / "docs" / "installation-configuration.md")
    html_pages = [page for page in pages(site) if page.name != "404.html"]
    assert len(html_pages) == len(expected)
    for page in html_pages:
        assert len(re.findall("<h1", page.read_text(encoding="utf-8"))) == 1, page


def test_pages_load_nothing_from_elsewhere(site: Path) -> None:
    """Every script, style, image and font is a file of the site."""
    loaded = []
    for page in pages(site):
        elements = Elements(page)
        for tag in ("script", "img", "iframe", "source", "audio", "video", "embed"):
            loaded += elements.values(tag, "src")
        loaded += elements.values("link", "href") + elements.values("object", "data")
        loaded += re.findall(r"@import\s+\S+|url\([^)]*\)", page.read_text(encoding="utf-8"))
    for style in site.rglob("*.css"):
        loaded += re.findall(r"@import\s+\S+|url\([^)]*\)", style.read_text(encoding="utf-8"))
    assert any(url.endswith("site.css") for url in loaded)
    external_urls = {url for url in loaded if "//" in url and not re.match(r"url\([\"']?data:", url)}
    assert external_urls == set()


def test_api_pages_describe_the_public_names(site: Path) -> None:
    """The API reference has every public name of the package, its exceptions and the fixtures, with a description."""
    import pulumi_truto
    from pulumi_truto import errors, signature

    names = {f"pulumi_truto.{name}" for name in pulumi_truto.__all__} - {
        "pulumi_truto.__version__",
        "pulumi_truto.signature",
    }
    names |= {f"pulumi_truto.errors.{name}" for name in errors.__all__ if name.endswith("Error")}
    names |= {f"pulumi_truto.signature.{name}" for name in signature.__all__}
    names |= {f"pulumi_truto.testing.plugin.{name}" for name in ("pulumi_mocks", "pulumi_stack", "truto_sandbox")}
    api = "".join(page.read_text(encoding="utf-8") for page in pages(site / "api"))
    assert {name for name in names if f'id="{name}"' not in api} == set()
    # Markup of other formats than Markdown shows as it is.
    text = re.sub(r"<pre.*?</pre>|<code.*?</code>|<[^>]*>", "", api, flags=re.DOTALL)
    assert re.findall(r":(?:class|func|meth|mod|param|returns?):|``|^\s*::|====|^\s*\.\. ", text, re.MULTILINE) == []


@pytest.fixture
def project(tmp_path: Path) -> Callable[..., Path]:
    """A function that makes a small repository, which has this repository's configuration and hook."""

    def create(files: dict[str, str], nav: str, address: str = "") -> Path:
        hook = REPOSITORY / "docs" / "_site" / "mkdocs_hooks.py"
        config = _CONFIG.format(inherited=REPOSITORY / "mkdocs.yml", hook=hook, nav=nav)
        version = f'__version__ = "1"\nREPOSITORY = "{address}"\n'
        package = {"pulumi_truto/__init__.py": "", "pulumi_truto/version.py": version}
        for name, content in {"mkdocs.yml": config, **package, **files}.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(content, encoding="utf-8")
        return tmp_path

    return create


@pytest.mark.parametrize(
    ("address", "file", "folder"),
    [
        ("", "<code>examples/gate/__main__.py</code>", "<code>examples/gate</code>"),
        (
            "https://git.example.com/truto/",
            '<a href="https://git.example.com/truto/blob/HEAD/examples/gate/__main__.py">the program</a>',
            '<a href="https://git.example.com/truto/tree/HEAD/examples/gate"><code>gate</code></a>',
        ),
    ],
)
def test_links_to_files_lead_to_pages_or_to_the_repository(
    project: Callable[..., Path], address: str, file: str, folder: str
) -> None:
    """A link to a file leads to the page made of it, otherwise to the repository; without an address it is a path."""
    files = {
        "README.md": "# Start\n\n[Rotate](examples/rotation#steps), [`gate`](examples/gate), [changes](CHANGELOG.md)",
        "CHANGELOG.md": "# Changes\n\n[the program](examples/gate/__main__.py), [errors](pulumi_truto/errors.py)",
        "examples/gate/__main__.py": "",
        "examples/rotation/README.md": "# Rotation\n\n## Steps\n\n[Back](../../README.md)",
        "docs/api/index.md": "# API\n\n## Errors",
    }
    root = project(files, "[index.md, changelog.md, examples/rotation.md, api/index.md]", address)
    process = build(root, root / "site")
    assert process.returncode == 0, format_output(process)
    start = (root / "site" / "index.html").read_text(encoding="utf-8")
    changes = (root / "site" / "changelog" / "index.html").read_text(encoding="utf-8")
    assert '<a href="examples/rotation/#steps">Rotate</a>' in start
    assert '<a href="changelog/">changes</a>' in start
    assert folder in start
    assert file in changes
    assert '<a href="../api/#errors">errors</a>' in changes
    assert bool(address) == (f'href="{address.rstrip("/")}"' in start)
    loaded = Elements(root / "site" / "index.html").values("script", "src")
    assert [url for url in loaded if urlsplit(url).netloc] == []


@pytest.mark.parametrize(
    ("page", "message"),
    [
        ("[lost](missing.md)", "missing.md"),
        ("[lost](../missing/file.py)", "missing/file.py"),
        ("[lost](#nowhere)", "#nowhere"),
        ("::: pulumi_truto.Missing", "pulumi_truto.Missing"),
    ],
)
def test_mistake_fails_the_build(project: Callable[..., Path], page: str, message: str) -> None:
    """A link, an anchor or a name that leads nowhere fails the build, and the output names it."""
    root = project({"README.md": "# Start", "docs/page.md": f"# Page\n\n{page}\n"}, "[index.md, page.md]")
    process = build(root, root / "site")
    assert process.returncode != 0
    assert message in format_output(process)


def test_page_outside_the_navigation_fails_the_build(project: Callable[..., Path]) -> None:
    """Every page can be found in the navigation."""
    root = project({"README.md": "# Start", "docs/forgotten.md": "# Forgotten"}, "[index.md]")
    process = build(root, root / "site")
    assert process.returncode != 0
    assert "forgotten.md" in format_output(process)


def test_choosers_of_the_registry_are_tabs(site: Path) -> None:
    """A reader chooses a language with a tab, and no shortcode of Pulumi's registry is left."""
    page = (site / "languages" / "index.html").read_text(encoding="utf-8")
    tabs = re.findall(r'<label for="__tabbed_\d+_\d+">(.*?)</label>', page)
    assert {"TypeScript", "Python", "YAML"} <= set(tabs)
    assert "{{" not in page
    assert "choosable" not in page


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    """The address at which the site is served."""
    with file_server(site) as url:
        yield url


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A Chromium with a small screen."""
    with open_browser(tmp_path_factory.mktemp("chromium")) as browser:
        screen = {"width": 400, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
        yield browser


def test_pages_work_on_a_small_screen(browser: Any, address: str, site: Path) -> None:
    """Each page loads without an error, from this site alone, and is no wider than a screen of 400 pixels."""
    tables = 0
    for page in pages(site):
        browser.get(f"{address}/{page.relative_to(site).as_posix()}")
        assert browser.execute_script("return document.documentElement.scrollWidth") <= 400, page
        loaded = browser.execute_script("return performance.getEntriesByType('resource').map(entry => entry.name)")
        assert [url for url in loaded if not url.startswith(address)] == []
        assert browser.get_log("browser") == []
        tables += len(browser.find_elements("css selector", "article table"))
    assert tables > 10


def test_search_finds_pages(browser: Any, address: str) -> None:
    """The search finds a page by a word of it."""
    from selenium.webdriver.support.ui import WebDriverWait

    browser.get(f"{address}/")
    browser.find_element("css selector", "label.md-header__button[for=__search]").click()
    browser.find_element("css selector", "[data-md-component=search-query]").send_keys("rotation")

    def results(_: Any) -> list[str]:
        links = browser.find_elements("css selector", ".md-search-result__item a")
        return [link.get_attribute("href") for link in links]

    urls = WebDriverWait(browser, _SECONDS).until(results)
    assert any("/examples/rotation/" in url for url in urls)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_follow_the_system(browser: Any, address: str, scheme: str) -> None:
    """A light system gets dark text on white, a dark one the opposite."""
    media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    browser.get(f"{address}/")
    background = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    brightness = sum(int(value) for value in re.findall(r"\d+", background)[:3]) / 3
    assert brightness > 200 if scheme == "light" else brightness < 60
