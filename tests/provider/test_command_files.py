"""The files that the commands read and write: wrong ones are an error of one line, and no secret is left anywhere."""

from __future__ import annotations

import json
import os
import socket
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

from pulumi_truto.sandbox import Sandbox
from tests.support.cli import run_cli
from tests.support.project import create_unmanaged

if sys.platform == "win32":
    pytest.skip("Windows has no such shell, sockets and permission bits", allow_module_level=True)

EMPTY_EXPORT: Final = '{"deployment": {"resources": []}}'
OPTIONS: Final = ("import-file", "--provider-kind", "native", "--all")


@pytest.fixture
def webhook(sandbox: Sandbox) -> dict[str, Any]:
    """A webhook to import."""
    return create_unmanaged(sandbox)


def contents(folder: Path) -> dict[str, object]:
    """Everything in a folder: the content of each plain file, and the kind of anything else."""
    return {
        str(path): path.read_bytes() if path.is_file() else stat.S_IFMT(path.lstat().st_mode)
        for path in sorted(folder.rglob("*"))
    }


def bind_socket(path: Path) -> None:
    """Makes a socket."""
    with socket.socket(socket.AF_UNIX) as server:
        os.chdir(path.parent)  # the address of a socket is short
        server.bind(path.name)


@pytest.mark.parametrize(
    "make",
    [
        Path.mkdir,
        os.mkfifo,
        bind_socket,
        lambda path: path.symlink_to("existing.json"),
        lambda path: path.symlink_to("missing.json"),
        lambda path: path.symlink_to("."),
        lambda path: path.symlink_to("/dev/stdout"),
    ],
    ids=["folder", "fifo", "socket", "link", "dangling link", "link to a folder", "link to a device"],
)
def test_secrets_are_written_to_plain_files_only(
    sandbox: Sandbox,
    webhook: dict[str, Any],
    tmp_path: Path,
    make: Callable[[Path], object],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nothing is written through a link or to something that is not a plain file, and nothing is left beside it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "existing.json").write_text("of the user")
    make(tmp_path / "output.json")
    before = contents(tmp_path)
    secrets = json.dumps({webhook["id"]: webhook["secret"]})
    process = run_cli(sandbox, *OPTIONS, "--secrets", "-", "--output", tmp_path / "output.json", stdin=secrets)
    assert process.returncode == 1
    assert process.stderr == f"error: {tmp_path}/output.json is not a plain file. Name a new file\n"
    assert process.stdout == ""
    assert contents(tmp_path) == before


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("-", "--output must be a file because the secrets in it must not be shown"),
        ("", ". is not a plain file"),
        ("missing/output.json", "cannot be written: No such file or directory"),
        ("existing.json/output.json", "Not a directory"),
        ("secrets.json", "secrets.json is an input of this command"),
        ("export.json", "export.json is an input of this command"),
    ],
)
def test_output_that_cannot_be_written_is_one_line(
    sandbox: Sandbox,
    webhook: dict[str, Any],
    tmp_path: Path,
    output: str,
    message: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An output that does not exist, or that is an input, gives an error of one line and changes no file."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "existing.json").write_text("of the user")
    (tmp_path / "secrets.json").write_text(json.dumps({webhook["id"]: webhook["secret"]}))
    (tmp_path / "export.json").write_text(EMPTY_EXPORT)
    before = contents(tmp_path)
    inputs = ("--secrets", "secrets.json", "--stack-export", "export.json")
    process = run_cli(sandbox, *OPTIONS, *inputs, "--output", output)
    assert process.returncode == 1
    assert message in process.stderr
    assert process.stderr.count("\n") == 1
    assert contents(tmp_path) == before


def test_plain_file_is_replaced(sandbox: Sandbox, webhook: dict[str, Any], tmp_path: Path) -> None:
    """A file that others could read is replaced by one that they cannot; a file with another name is not touched."""
    output, other = tmp_path / "output.json", tmp_path / "output.json.new"
    output.write_text("an earlier import file")
    output.chmod(0o644)
    other.write_text("of the user")
    assert run_cli(sandbox, *OPTIONS, "--output", output).returncode == 0
    assert webhook["id"] in output.read_text()
    assert stat.S_IMODE(output.stat().st_mode) == 0o600
    assert other.read_text() == "of the user"
    assert set(tmp_path.iterdir()) == {output, other}


def test_full_disk_leaves_nothing(sandbox: Sandbox, webhook: dict[str, Any], tmp_path: Path) -> None:
    """If the file cannot be written to its end, nothing is left, and an earlier file is unchanged."""
    for number in range(30):
        create_unmanaged(sandbox, target_url=f"https://hooks.example.com/{number}")
    output = tmp_path / "output.json"
    output.write_text("an earlier import file")
    before = contents(tmp_path)
    # A limit of the size of files, here of some KB, fails like a full disk.
    process = run_cli(sandbox, *OPTIONS, "--output", output, script='ulimit -f 4; exec "$@"')
    assert process.returncode == 1
    assert f"error: {output} cannot be written: File too large\n" in process.stderr
    assert webhook["id"] not in process.stdout
    assert contents(tmp_path) == before


@pytest.mark.parametrize("signal_name", ["SIGINT", "SIGTERM"])
@pytest.mark.parametrize("event", ["open", "os.rename"])
def test_signal_leaves_nothing(
    sandbox: Sandbox, webhook: dict[str, Any], tmp_path: Path, signal_name: str, event: str
) -> None:
    """Ctrl-C, or the signal of a cancelled CI job, while the file is written leaves nothing."""
    folder, hook = tmp_path / "folder", tmp_path / "hook"
    folder.mkdir()
    hook.mkdir()
    # The signal comes when the new file is opened or renamed. Python imports this module when it starts.
    (hook / "sitecustomize.py").write_text(f"""
import signal, sys

signals = [signal.{signal_name}]

def audit(event, arguments):
    if signals and event == {event!r} and str(arguments[0]).startswith({str(folder)!r}):
        signal.raise_signal(signals.pop())

sys.addaudithook(audit)
""")
    secrets = json.dumps({webhook["id"]: webhook["secret"]})
    paths = os.pathsep.join([str(hook), *filter(None, [os.environ.get("PYTHONPATH")])])
    options = (*OPTIONS, "--secrets", "-", "--output", folder / "output.json")
    process = run_cli(sandbox, *options, stdin=secrets, env={"PYTHONPATH": paths})
    assert (process.returncode, process.stdout, process.stderr) == (130, "", "interrupted\n")
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("option", ["--secrets", "--stack-export"])
@pytest.mark.parametrize(
    "content", [b"[" * 100_000, b'{"a": "s3cr3t", "a": "s3cr3t"}', b'{"a": "s3cr3t\xff"}', b"s3cr3t"]
)
def test_wrong_json_is_one_line(sandbox: Sandbox, tmp_path: Path, option: str, content: bytes) -> None:
    """An input that is not JSON, or whose meaning is not certain, gives an error of one line without its content."""
    (tmp_path / "input.json").write_bytes(content)
    process = run_cli(sandbox, *OPTIONS, option, tmp_path / "input.json", "--output", tmp_path / "output.json")
    assert process.returncode == 1
    assert process.stderr.startswith("error: ")
    assert process.stderr.count("\n") == 1
    assert ("--secrets must be" if option == "--secrets" else "input.json cannot be read: ") in process.stderr
    assert "s3cr3t" not in process.stderr
    assert not (tmp_path / "output.json").exists()


@pytest.mark.parametrize(
    ("secret", "reason"),
    [
        ("s3cr3t\n", "has whitespace"),
        ('"s3cr3t"', "has quotation marks"),
        ('["s3cr3t"]', "is JSON text"),
        ("[secret]", "is masked"),
        ("", "is empty"),
    ],
)
def test_string_that_cannot_be_a_secret_is_named(
    sandbox: Sandbox, webhook: dict[str, Any], tmp_path: Path, secret: str, reason: str
) -> None:
    """A secret that was copied wrongly is named before it reaches a state, and is not shown."""
    secrets = json.dumps({webhook["id"]: secret})
    process = run_cli(sandbox, *OPTIONS, "--secrets", "-", "--output", tmp_path / "output.json", stdin=secrets)
    assert process.returncode == 1
    assert f"the secret of webhook {webhook['id']} in --secrets {reason}" in process.stderr
    assert "s3cr3t" not in process.stderr
    assert list(tmp_path.iterdir()) == []


def test_swapped_secrets_are_not_shown(sandbox: Sandbox, webhook: dict[str, Any], tmp_path: Path) -> None:
    """A file that maps secrets to ids is named, without a secret."""
    secrets = json.dumps({webhook["secret"]: webhook["id"]})
    process = run_cli(sandbox, *OPTIONS, "--secrets", "-", "--output", tmp_path / "output.json", stdin=secrets)
    assert process.returncode == 1
    assert "it must map webhook ids to secrets" in process.stderr
    assert webhook["secret"] not in process.stderr


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_inputs_written_by_windows_are_read(
    sandbox: Sandbox, webhook: dict[str, Any], tmp_path: Path, encoding: str
) -> None:
    """The files that a redirection in PowerShell writes are read."""
    (tmp_path / "secrets.json").write_text(json.dumps({webhook["id"]: webhook["secret"]}), encoding=encoding)
    (tmp_path / "export.json").write_text(EMPTY_EXPORT, encoding=encoding)
    output = tmp_path / "output.json"
    inputs = ("--secrets", tmp_path / "secrets.json", "--stack-export", tmp_path / "export.json")
    process = run_cli(sandbox, *OPTIONS, *inputs, "--output", output)
    assert (process.returncode, process.stderr) == (0, "")
    assert webhook["secret"] in output.read_text()
