"""Other providers in a program that the pytest plugin runs."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pulumi_truto.testing import cli_version
from tests.support.commands import REPOSITORY
from tests.support.user_project import UserProject

OTHER_PROVIDER = """
import pulumi, pulumi_truto as truto

class Pet(pulumi.CustomResource):
    name: pulumi.Output[str]
    def __init__(self, resource_name, length):
        super().__init__("random:index/randomPet:RandomPet", resource_name, {"length": length, "name": None},
                         pulumi.ResourceOptions(version="4.0.0"))

pet = Pet("pet", int(pulumi.Config().get("length") or 2))
found = pulumi.runtime.invoke("random:index:lookup", {"key": "value"}).value
hook = truto.Webhook("orders", target_url=pet.name.apply(lambda name: f"https://{name}.example.com/"))
pulumi.export("name", pet.name)
pulumi.export("found", found)
"""
INSTALLED_PLUGIN = """
import pulumi

class Hook(pulumi.CustomResource):
    def __init__(self, name, url):
        super().__init__("truto:index:Webhook", name, {"targetUrl": url}, pulumi.ResourceOptions(version="9.9.9"))

pulumi.export("id", Hook("orders", "https://hooks.example.com/truto").id)
"""


def test_other_providers_are_mocked_on_the_local_engine(tmp_path: Path) -> None:
    """Resources and functions of another provider come from Pulumi's mocks, by type token; webhooks stay real."""
    output = UserProject(tmp_path, OTHER_PROVIDER).run_tests(
        """
        import pulumi

        class Mocks(pulumi.runtime.Mocks):
            def new_resource(self, args):
                assert args.typ == "random:index/randomPet:RandomPet"
                return args.name + "-id", {"name": "rex" * args.inputs["length"]}

            def call(self, args):
                return {"value": args.args["key"] + "!"}

        def test_it(pulumi_stack, truto_sandbox):
            stack = pulumi_stack(".", mocks=Mocks())
            assert stack.engine == "local"
            stack.preview()
            up = stack.up()
            assert up.outputs["name"].value == "rexrex"
            assert up.outputs["found"].value == {"value": "value!"}
            assert truto_sandbox.webhooks()[0].target_url == "https://rexrex.example.com/"
            stack.up(expect_no_changes=True)
            stack.set_config({"length": 1})
            assert stack.up().outputs["name"].value == "rex"
            stack.refresh(expect_no_changes=True)
            stack.destroy()
            assert truto_sandbox.webhooks() == []
        """,
        "auto",
    )
    assert "1 passed" in output


def test_installed_plugins_are_used_on_the_cli(tmp_path: Path) -> None:
    """On the CLI a program has the plugins that its user has installed, and they are not changed."""
    if cli_version() is None:
        pytest.skip("no Pulumi CLI on PATH")
    user = UserProject(tmp_path, INSTALLED_PLUGIN)
    plugin = user.home / ".pulumi" / "plugins" / "resource-truto-v9.9.9" / "pulumi-resource-truto"
    plugin.parent.mkdir(parents=True)
    plugin.write_text(f'#!/bin/sh\nPYTHONPATH="{REPOSITORY}" exec "{sys.executable}" -m pulumi_truto "$@"\n')
    plugin.chmod(0o755)
    old_digest = user.digest()
    output = user.run_tests(
        """
        def test_it(pulumi_stack, truto_sandbox):
            up = pulumi_stack(".").up()
            assert up.outputs["id"].value == truto_sandbox.webhooks()[0].id
        """,
        "cli",
    )
    assert "1 passed" in output
    assert user.digest() == old_digest


def test_other_providers_without_a_mock_are_named(tmp_path: Path) -> None:
    """Without a mock the error names the provider and both ways out."""
    output = UserProject(tmp_path, OTHER_PROVIDER.replace(', pulumi.ResourceOptions(version="4.0.0")', "")).run_tests(
        """
        def test_it(pulumi_stack):
            pulumi_stack(".").up()
        """,
        "local",
        check=False,
    )
    text = " ".join(output.split())
    assert "the local engine cannot run the provider 'random'" in text
    assert "Pass `mocks`" in text
    assert "Pulumi CLI" in text
