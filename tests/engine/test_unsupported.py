"""Programs, options and providers that the local engine refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from pulumi_truto.sandbox import Sandbox
from pulumi_truto.testing import cli_version, open_stack
from tests.support.project import URL, Project


@pytest.mark.parametrize(
    ("opts", "name"),
    [
        ('custom_timeouts=pulumi.CustomTimeouts(create="1d")', "a custom timeout of '1d'"),
        ('deleted_with=pulumi.ComponentResource("a:b:c", "other")', "deleted_with"),
        ('replace_with=[pulumi.ComponentResource("a:b:c", "other")]', "replace_with"),
        ("transforms=[lambda args: None]", "transforms"),
        ('env_var_mappings={"A": "B"}', "env_var_mappings"),
        ('hide_diffs=["secret"]', "hide_diffs"),
    ],
)
def test_unsupported_option_is_refused(local_project: Project, opts: str, name: str) -> None:
    """An option that the local engine does not support is refused by name, not ignored."""
    local_project.webhook(opts=f"pulumi.ResourceOptions({opts})")
    text = local_project.fails(local_project.preview).text
    assert "the local engine does not support the option" in text
    assert name in text


def test_stack_transform_and_hook_are_refused(local_project: Project) -> None:
    """Transforms of a whole stack and hooks are refused by name."""
    local_project.program("""
        pulumi.runtime.register_resource_transform(lambda args: None)
        truto.Webhook("orders", target_url=URL)
    """)
    assert "the local engine does not support transforms" in local_project.fails(local_project.preview).text
    local_project.program("""
        hook = pulumi.ResourceHook("notify", lambda args: None)
        options = pulumi.ResourceOptions(hooks=pulumi.ResourceHookBinding(after_create=[hook]))
        truto.Webhook("orders", target_url=URL, opts=options)
    """)
    assert "the local engine does not support the hook notify" in local_project.fails(local_project.preview).text


@pytest.mark.parametrize(
    ("declaration", "token"),
    [
        ('pulumi.CustomResource("random:index/id:Id", "id", {}, OPTIONS)', "random:index/id:Id"),
        ('pulumi.CustomResource("random:index:Id", "id", {}, pulumi.ResourceOptions(id="1"))', "random:index:Id"),
        ('pulumi.ComponentResource("awsx:ec2:Vpc", "vpc", {}, OPTIONS, remote=True)', "awsx:ec2:Vpc"),
        ('pulumi.ProviderResource("random", "mine", {}, OPTIONS)', "pulumi:providers:random"),
        ('pulumi.export("found", pulumi.runtime.invoke("random:index:find", {}).value)', "random:index:find"),
        ('pulumi.StackReference("organization/network/dev")', "pulumi:pulumi:StackReference"),
    ],
)
def test_what_no_provider_serves_needs_mocks(local_project: Project, declaration: str, token: str) -> None:
    """The error names the token to mock, and the other way out, not an option that the SDK happens to send."""
    local_project.program(f"""
        OPTIONS = pulumi.ResourceOptions(version="4.1.0", deleted_with=pulumi.ComponentResource("a:b:c", "other"))
        {declaration}
    """)
    for run in (local_project.preview, local_project.up):
        text = local_project.fails(run).text
        assert f"pass mocks= for {token}, or use --pulumi-engine=cli" in text
        assert "does not support" not in text


ASSETS = """
    import pulumi.dynamic

    class Things(pulumi.dynamic.ResourceProvider):
        def create(self, props):
            return pulumi.dynamic.CreateResult("thing", props)

    class Page(pulumi.dynamic.Resource):
        pass

"""


@pytest.mark.parametrize("asset", ['pulumi.StringAsset("x")', 'pulumi.FileArchive("lib")', 'pulumi.RemoteAsset("x:y")'])
def test_assets_are_refused(local_project: Project, asset: str) -> None:
    """Assets and archives are refused by name: in a dynamic resource they fail on the CLI too, in its second run."""
    for declaration in (
        'Page(Things(), "page", {"a": [%s]})',
        'pulumi.ComponentResource("app:index:Page", "page", {"a": {"b": pulumi.Output.secret(%s)}})',
    ):
        local_project.program(f"{ASSETS}    {declaration % asset}")
        text = local_project.fails(local_project.preview).text
        assert "does not support assets and archives in the resource 'page'" in text
    local_project.program(f'pulumi.export("page", {asset})')
    assert "does not support assets and archives in outputs" in local_project.fails(local_project.up).text


def test_asset_in_a_dynamic_resource_fails_on_the_cli(sandbox: Sandbox, tmp_path: Path) -> None:
    """That is why the local engine refuses one at once."""
    if cli_version() is None:
        pytest.skip("no Pulumi CLI on PATH")
    project = Project("cli", sandbox, tmp_path)
    project.program(f"""{ASSETS}    Page(Things(), "page", {{"a": pulumi.StringAsset("x")}})""")
    project.up()
    assert "Invalid asset" in project.fails(project.up).text


def test_import_is_refused_for_the_dynamic_provider(local_project: Project) -> None:
    """`import_` does not work with a dynamic provider, and the error names the command that does."""
    local_project.webhook(opts='pulumi.ResourceOptions(import_="00000000-0000-4000-8000-000000000000")')
    assert "use `pulumi-truto import-file`" in local_project.fails(local_project.preview).text


def test_duplicate_names_are_refused(project: Project) -> None:
    """Two webhooks with the same name are an error, and none is left behind when one of them is renamed."""
    project.program("""
        truto.Webhook("same", target_url=URL)
        truto.Webhook("same", target_url=URL + "/2")
    """)
    for run in (project.preview, project.up):
        outcome = project.fails(run)
        assert "Duplicate resource URN" in outcome.text
        # Without a preview before it, an engine may have started to create one of them.
        assert run != project.preview or outcome.calls == []
    project.program("""
        truto.Webhook("same", target_url=URL)
        truto.Webhook("second", target_url=URL + "/2")
    """)
    project.up()
    assert sorted(str(webhook.target_url) for webhook in project.sandbox.webhooks()) == [URL, URL + "/2"]


def test_folder_without_a_python_program_is_refused(tmp_path: Path) -> None:
    """A folder without a Pulumi program, or with a program in another language, is refused with the reason."""
    with pytest.raises(ValueError, match=r"Pulumi\.yaml"):
        open_stack("local", tmp_path, tmp_path)
    (tmp_path / "Pulumi.yaml").write_text("name: x\nruntime: nodejs\n")
    with pytest.raises(ValueError, match="only Python programs"):
        open_stack("local", tmp_path, tmp_path)
