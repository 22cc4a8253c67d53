"""The pytest plugin, as a user's tests see it."""

from __future__ import annotations

import os
import re
import sys
import textwrap
from pathlib import Path

import pytest

from pulumi_truto.testing import Engine, cli_version
from tests.support.commands import REPOSITORY, run
from tests.support.user_project import UserProject


@pytest.fixture
def user(tmp_path: Path) -> UserProject:
    """A user's project."""
    return UserProject(tmp_path)


def test_program_runs_on_a_sandbox_and_leaves_the_user_alone(user: UserProject, engine: Engine) -> None:
    """The program runs on the test's sandbox, with its configuration, and no file of the user changes."""
    old_digest = user.digest()
    output = user.run_tests(
        """
        def test_it(pulumi_stack, truto_sandbox):
            stack = pulumi_stack("..", config={"url": "https://mine.example.com/"})
            up = stack.up()
            [webhook] = truto_sandbox.webhooks()
            assert webhook.id == up.outputs["id"].value
            assert webhook.target_url == "https://mine.example.com/"
            truto_sandbox.publish("record:created")
            assert stack.preview().change_summary
            assert stack.refresh().summary.result == "succeeded"
            stack.destroy()
            assert truto_sandbox.webhooks() == []

        def test_that_stack_files_are_ignored(pulumi_stack, truto_sandbox):
            pulumi_stack("..", name="dev").up()
            assert truto_sandbox.webhooks()[0].target_url == "https://hooks.example.com/truto"
        """,
        engine,
    )
    assert "2 passed" in output
    assert user.digest() == old_digest


def test_expect_no_changes(user: UserProject, engine: Engine) -> None:
    """`expect_no_changes` passes for a stack without changes, and fails otherwise."""
    output = user.run_tests(
        """
        import pytest
        from pulumi.automation import CommandError

        def test_it(pulumi_stack, truto_sandbox):
            stack = pulumi_stack(".")
            with pytest.raises(CommandError):
                stack.preview(expect_no_changes=True)
            stack.up()
            stack.preview(expect_no_changes=True)
            stack.up(expect_no_changes=True, refresh=True)
            stack.preview(expect_no_changes=True, refresh=True)
            truto_sandbox.backend.edit(truto_sandbox.webhooks()[0].id, {"is_active": False})
            stack.preview(expect_no_changes=True)  # without a refresh, drift is not seen
            with pytest.raises(CommandError):
                stack.preview(expect_no_changes=True, refresh=True)
            assert not truto_sandbox.webhooks()[0].is_active
            stack.set_config({"url": "https://other.example.com"})
            stack.up(refresh=True)
            assert truto_sandbox.webhooks()[0].is_active
            stack.set_config({"url": None})
            stack.up()
            assert truto_sandbox.webhooks()[0].target_url == "https://hooks.example.com/truto"
            truto_sandbox.backend.remove(truto_sandbox.webhooks()[0].id)
            with pytest.raises(CommandError):
                stack.refresh(expect_no_changes=True)
        """,
        engine,
    )
    assert "1 passed" in output


def test_later_version_of_a_program(user: UserProject, engine: Engine) -> None:
    """A stack runs a later version with its state and configuration, and a preview names the resources that change."""
    later = user.folder / "later"
    later.mkdir()
    (later / "Pulumi.yaml").write_text("name: mine\nruntime: python\n")
    (later / "__main__.py").write_text(
        "import pulumi, pulumi_truto as truto\n"
        "options = pulumi.ResourceOptions(replacement_trigger=pulumi.Config().get('trigger'))\n"
        "truto.Webhook('orders', target_url=pulumi.Config().require('url'), opts=options)\n"
        "truto.Webhook('billing', target_url='https://hooks.example.com/billing', opts=options)\n"
    )
    (user.folder / "other").mkdir()
    (user.folder / "other" / "Pulumi.yaml").write_text("name: other\nruntime: python\n")
    output = user.run_tests(
        """
        import pytest

        def test_it(pulumi_stack, truto_sandbox):
            stack = pulumi_stack("..", config={"url": "https://mine.example.com", "trigger": 1})
            assert stack.preview().changes == {"create": ["orders"]}
            stack.up()
            assert stack.preview().changes == {}
            webhook_id = truto_sandbox.webhooks()[0].id
            stack.set_program("../later")
            assert stack.preview().changes == {"create": ["billing"]}
            stack.up()
            assert truto_sandbox.webhooks()[0].id == webhook_id
            stack.set_config({"url": "https://other.example.com"})
            assert stack.preview().changes == {"update": ["orders"]}
            stack.set_config({"trigger": 2})
            assert stack.preview().changes == {"replace": ["billing", "orders"]}
            stack.set_program("..")
            assert stack.preview().changes == {"delete": ["billing"], "update": ["orders"]}
            with pytest.raises(ValueError, match="has the project 'other', but this stack belongs to 'mine'"):
                stack.set_program("../other")
            with pytest.raises(FileNotFoundError, match="nowhere"):
                stack.set_program("nowhere")
        """,
        engine,
    )
    assert "1 passed" in output


def test_expected_failures_have_their_messages(user: UserProject, engine: Engine) -> None:
    """`pytest.raises` matches the message of a failed run: of the program, of its inputs, and of Truto."""
    program = user.folder / "__main__.py"
    check = "if not pulumi.Config().get('url'): raise ValueError('there is no url')"
    program.write_text(program.read_text().replace("hook =", f"{check}\nhook ="))
    output = user.run_tests(
        """
        import pytest
        from pulumi.automation import CommandError

        @pytest.mark.parametrize(
            ("url", "message"),
            [
                ("http://hooks.example.com/truto", "target_url.*must.*https"),
                ("https://hooks.example.com/truto", "could not be switched on.*400 Bad Request"),
                ("", "ValueError: there is no url"),
            ],
        )
        def test_it(pulumi_stack, truto_sandbox, url, message):
            truto_sandbox.inject("status", "update", status=400)
            with pytest.raises(CommandError, match=message):
                pulumi_stack("..", config={"url": url}).up()
        """,
        engine,
    )
    assert "3 passed" in output


def test_local_engine_names_arguments_that_it_does_not_support(user: UserProject) -> None:
    """An argument of Pulumi's Stack that the local engine lacks is refused by name, with the way out."""
    output = user.run_tests(
        """
        import pytest

        def test_it(pulumi_stack):
            stack = pulumi_stack(".")
            for run in (stack.up, stack.preview, stack.refresh, stack.destroy):
                with pytest.raises(TypeError, match="does not support on_event, target of Stack.*Pulumi CLI"):
                    run(target=["urn"], on_event=print)
        """,
        "local",
    )
    assert "1 passed" in output


def test_engine_that_is_missing_is_reported(user: UserProject) -> None:
    """`--pulumi-engine=cli` without a CLI fails with the reason."""
    if cli_version() is not None:
        pytest.skip("there is a Pulumi CLI on PATH")
    output = user.run_tests("def test_it(pulumi_stack):\n    pulumi_stack('.')\n", "cli", check=False)
    assert "--pulumi-engine=cli: there is no Pulumi CLI on PATH" in output


def test_program_that_does_not_exist_is_reported(user: UserProject) -> None:
    """A folder without a Pulumi.yaml is named."""
    output = user.run_tests("def test_it(pulumi_stack):\n    pulumi_stack('nowhere')\n", "local", check=False)
    assert "there is no Pulumi.yaml in" in output
    assert "nowhere" in output


def test_inline_programs_are_refused(user: UserProject) -> None:
    """A function instead of a folder is refused by name, with the way out."""
    output = user.run_tests("def test_it(pulumi_stack):\n    pulumi_stack(lambda: None)\n", "local", check=False)
    assert "pulumi_stack runs no inline programs. Put the program into a folder" in output


def test_example_project(engine: Engine, tmp_path: Path) -> None:
    """The tests of examples/testing pass on both engines."""
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"}
    command = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--pulumi-engine={engine}")
    process = run(*command, cwd=REPOSITORY / "examples" / "testing", env=env)
    assert "6 passed" in process.stdout


def test_code_of_the_guide(user: UserProject) -> None:
    """The code in docs/testing.md passes as it is written there."""
    guide = (REPOSITORY / "docs" / "testing.md").read_text(encoding="utf-8")
    units, program, behaviour, releases, mocks = re.findall(r"```python\n(.*?)```", guide, re.DOTALL)
    for folder, text in ("infra", program), ("infra-next", program.replace("record:created", "record:updated")):
        (user.folder / folder).mkdir()
        (user.folder / folder / "Pulumi.yaml").write_text("name: infra\nruntime: python\n")
        (user.folder / folder / "__main__.py").write_text(text)
    (user.folder / "pytest.ini").write_text("[pytest]\n")
    (user.folder / "tests" / "test_units.py").write_text(units)
    (user.folder / "tests" / "test_mocks.py").write_text("import pulumi\n" + mocks)
    assert "7 passed" in user.run_tests(behaviour + releases, "local")


def test_plugin_loads_little(tmp_path: Path) -> None:
    """In an empty project, the plugin adds three small modules to those that pytest loads: no pulumi, no sandbox."""
    code = "import sys, pytest; pytest.main(['--collect-only', *sys.argv[1:]]); print(*sys.modules)"

    def loaded(*arguments: str) -> set[str]:
        return set(run(sys.executable, "-c", code, *arguments, cwd=tmp_path).stdout.splitlines()[-1].split())

    added = loaded() - loaded("-p", "no:pulumi_truto")
    assert added == {"pulumi_truto", "pulumi_truto.testing", "pulumi_truto.testing.plugin"}


def test_lookups_honour_mocks(tmp_path: Path) -> None:
    """`get_webhook` and `get_webhooks` return the webhooks of a unit test's mocks, without a request."""
    (tmp_path / "program.py").write_text(
        textwrap.dedent(
            """
            import pulumi, pulumi_truto as truto

            class Mocks(pulumi.runtime.Mocks):
                def new_resource(self, args):
                    return args.name + "-id", args.inputs
                def call(self, args):
                    webhook = {"id": "a", "targetUrl": "https://a.example.com", "eventTypes": ["record:*"]}
                    if args.token == "truto:index:getWebhook":
                        return {**webhook, "id": args.args["id"]}
                    assert (args.token, args.args) == ("truto:index:getWebhooks", {"isActive": True}), args.args
                    return {"webhooks": [webhook]}

            pulumi.runtime.set_mocks(Mocks())
            one = truto.get_webhook("x")
            assert (one.id, one.target_url) == ("x", "https://a.example.com")
            assert (one.event_types, one.is_active) == (["record:*"], True)
            assert [webhook.id for webhook in truto.get_webhooks(is_active=True)] == ["a"]
            print("passed")
            """
        )
    )
    assert "passed" in run(sys.executable, tmp_path / "program.py", cwd=REPOSITORY).stdout
