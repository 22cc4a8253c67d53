"""Other providers in a program that the pytest plugin runs."""

from __future__ import annotations

import sys
import textwrap
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


ALL_KINDS = """
import pulumi

class Cloud(pulumi.CustomResource):
    arn: pulumi.Output[str]
    def __init__(self, name, props, opts=None):
        super().__init__("cloud:index:Function", name, {"arn": None, **props}, opts)

class Network(pulumi.ComponentResource):
    size: pulumi.Output[int]
    def __init__(self, name, props):
        super().__init__("cloud:index:Network", name, {"size": None, **props}, remote=True)

account = pulumi.ProviderResource("cloud", "account", {"region": "here"}, pulumi.ResourceOptions(version="2.0.0"))
code = pulumi.AssetArchive({"main.py": pulumi.StringAsset("pass"), "lib": pulumi.FileArchive("lib")})
function = Cloud("function", {"code": code}, pulumi.ResourceOptions(provider=account))
pulumi.export("function", function.arn)
pulumi.export("existing", Cloud("existing", {}, pulumi.ResourceOptions(id="i-1")).arn)
pulumi.export("network", Network("network", {"zones": 2}).size)
pulumi.export("other", pulumi.StackReference("organization/network/dev").get_output("url"))
"""
ALL_MOCKS = """
import pulumi
import pytest
from pulumi.automation import CommandError

class Mocks(pulumi.runtime.Mocks):
    def new_resource(self, args):
        if args.typ == "cloud:index:Network":
            assert not args.custom
            return None, {"size": 8 * args.inputs["zones"]}
        if args.typ == "pulumi:pulumi:StackReference":
            return args.name, {"outputs": {"url": "https://dev.example.com"}}
        if args.resource_id:
            return args.resource_id, {"arn": f"arn of {args.resource_id}"}
        assets = args.inputs["code"].assets
        assert assets["main.py"].text == "pass", "another program"
        assert isinstance(assets["lib"], pulumi.FileArchive)
        return "f-1", {"arn": "arn of the function"}

    def call(self, args):
        return {}

"""


def test_every_kind_of_resource_can_be_mocked(tmp_path: Path) -> None:
    """Explicit providers, archives, reads, remote components and references to other stacks work with mocks."""
    output = UserProject(tmp_path, ALL_KINDS).run_tests(
        ALL_MOCKS
        + textwrap.dedent("""
        def test_it(pulumi_stack):
            stack = pulumi_stack(".", mocks=Mocks())
            stack.preview()
            assert {name: output.value for name, output in stack.up().outputs.items()} == {
                "function": "arn of the function",
                "existing": "arn of i-1",
                "network": 16,
                "other": "https://dev.example.com",
            }
            stack.up(expect_no_changes=True)
            stack.refresh(expect_no_changes=True)
            stack.destroy()
        """),
        "auto",
    )
    assert "1 passed" in output


def test_failed_mock_fails_the_run_with_its_message(tmp_path: Path) -> None:
    """An assertion in a mock is an error of the resource, as a line of its own."""
    output = UserProject(tmp_path, ALL_KINDS.replace('"pass"', '"fail"')).run_tests(
        ALL_MOCKS
        + textwrap.dedent("""
        def test_it(pulumi_stack):
            with pytest.raises(CommandError, match="the mock of cloud:index:Function .*another program"):
                pulumi_stack(".", mocks=Mocks()).up()

        class ReturnsNothing(Mocks):
            def new_resource(self, args):
                pass

        def test_without_a_result(pulumi_stack):
            with pytest.raises(CommandError, match="the mock of .* raised TypeError"):
                pulumi_stack(".", mocks=ReturnsNothing()).up()
        """),
        "auto",
    )
    assert "2 passed" in output


def test_other_providers_without_a_mock_are_named(tmp_path: Path) -> None:
    """Without a mock the error names the resource to mock, and the other way out."""
    only_a_pet = OTHER_PROVIDER.partition("found =")[0]
    output = UserProject(tmp_path, only_a_pet).run_tests(
        """
        def test_it(pulumi_stack):
            pulumi_stack(".").up()
        """,
        "local",
        check=False,
    )
    assert "pass mocks= for random:index/randomPet:RandomPet, or use --pulumi-engine=cli" in " ".join(output.split())
