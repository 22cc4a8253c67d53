"""The workflows, and the hooks of pre-commit, keep the project's promises."""

from __future__ import annotations

import re
from typing import Any, Final

import yaml

from tests.support.commands import REPOSITORY

WORKFLOWS: Final = REPOSITORY / ".github" / "workflows"


def test_pre_commit_runs_what_make_lint_runs() -> None:
    """Each part of `make lint` is a hook of pre-commit."""
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    [targets] = re.findall(r"^lint: (.*)$", makefile, re.MULTILINE)
    config = yaml.safe_load((REPOSITORY / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    hooks = [hook["entry"] for repository in config["repos"] for hook in repository["hooks"]]
    assert hooks == [f"make {target}" for target in targets.split()]


def workflow(name: str) -> dict[str, Any]:
    """A workflow."""
    content: dict[str, Any] = yaml.safe_load((WORKFLOWS / name).read_text(encoding="utf-8"))
    return content


def test_workflow_tests_every_supported_python() -> None:
    """The workflow tests the versions of Python that the package declares."""
    pyproject = (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
    matrix = workflow("test.yml")["jobs"]["linux"]["strategy"]["matrix"]
    assert matrix["python"] == re.findall(r'"Programming Language :: Python :: (3\.\d+)"', pyproject)
    assert matrix["pulumi"] == ["oldest", "newest"]


def test_workflows_have_few_permissions() -> None:
    """Only the job that publishes gets an identity, and only the job for the GitHub release may write."""
    granted = {
        (name, job): set(content.get("permissions", workflow(name)["permissions"]).items())
        for name in ("test.yml", "release.yml")
        for job, content in workflow(name)["jobs"].items()
    }
    publishing = {
        ("release.yml", "publish"): {("id-token", "write")},
        ("release.yml", "github-release"): {("contents", "write")},
    }
    reading = {job: {("contents", "read")} for job in granted.keys() - publishing.keys()}
    assert granted == {**reading, **publishing}
    assert workflow("release.yml")["jobs"]["publish"]["environment"] == "pypi"
