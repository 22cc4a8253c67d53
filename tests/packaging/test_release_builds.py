"""`python -m release` finds what is wrong with the files that it builds."""

from __future__ import annotations

import re
from pathlib import Path

from tests.support.release import commit, failures, release, replace, write


def test_build_that_depends_on_the_time_is_found(copy: Path) -> None:
    """Without --quick the package is built twice, and a difference is found; the checks of its content pass."""
    code = "Path('pulumi_truto/built.py').write_text(f'TIME = {time.time_ns()}')"
    replace("setup.py", "\nsetup()", f"\nimport time\nfrom pathlib import Path\n{code}\nsetup()")(copy)
    write("pulumi_truto/built.py", "TIME = 0")(copy)
    commit(copy)
    process = release(copy)
    failed = failures(process)
    assert list(failed) == ["reproducible"]
    assert "pulumi_truto/built.py" in failed["reproducible"]
    passed = re.findall(r"^ok +(\w+)", process.stdout, re.MULTILINE)
    assert passed[-4:] == ["description", "licence", "contents", "installation"]
    assert not (copy / "dist").exists()


def test_faulty_package_is_found(copy: Path) -> None:
    """Each mistake in the package is found, also after another one: description, licence, content, requirements."""
    for old, new in {
        'readme = "README.md"\n': "",
        'license-files = ["LICENSE"]': "license-files = []",
        'include = ["pulumi_truto",': 'include = ["release", "pulumi_truto",',
        '"pydantic>=': '"pydantic>=9999.',
    }.items():
        replace("pyproject.toml", old, new)(copy)
    commit(copy)
    failed = failures(release(copy))
    assert list(failed) == ["description", "licence", "contents", "installation"]
    assert "long_description" in failed["description"]
    assert "LICENSE" in failed["licence"]
    assert "also contains" in failed["contents"]
    assert "release/__init__.py" in failed["contents"]
    assert "pydantic" in failed["installation"]


def test_incomplete_package_is_found(copy: Path) -> None:
    """A wheel without the files that it reads, and a licence without its text, are found."""
    replace("pyproject.toml", '"plugin/descriptions/*.md", ', "")(copy)
    write("LICENSE", "")(copy)
    commit(copy)
    failed = failures(release(copy))
    assert list(failed) == ["licence", "contents", "installation"]
    assert "put its text back" in failed["licence"]
    assert "lacks 4 files: pulumi_truto/plugin/descriptions/get_webhook.md" in failed["contents"]
    assert "FileNotFoundError" in failed["installation"]
