"""The API token and the base URL come from several places, and errors name the place."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pulumi.automation import ConfigValue

from pulumi_truto.api.client import TrutoClient
from pulumi_truto.api.transport import RequestPolicy
from pulumi_truto.config import resolve_settings
from pulumi_truto.errors import ConnectError
from tests.support.project import Project


def test_changed_token_changes_no_webhook(project: Project) -> None:
    """Replacing the token in the stack's configuration changes no webhook."""
    project.webhook()
    project.up()
    new_token = project.sandbox.backend.add_token(project.sandbox.environment_id)
    project.sandbox.backend.revoke_token(project.sandbox.token)
    project.set_token(new_token)
    outcome = project.up()
    assert outcome.changes == {"same": 2}
    assert outcome.calls == []
    assert project.refresh().changes == {"same": 2}


def test_token_fingerprint_is_never_a_change(project: Project) -> None:
    """A new token for the same environment gives another fingerprint. It is not a change, and no output shows it."""
    project.webhook()
    project.up()
    project.set_token(project.sandbox.backend.add_token(project.sandbox.environment_id))
    assert project.preview().changes == {"same": 2}
    assert project.up().changes == {"same": 2}
    assert project.refresh().changes == {"same": 2}
    (managed,) = project.managed
    assert len(managed["outputs"]["__fingerprint"]) == 8
    assert "__fingerprint" not in managed["inputs"]
    assert "__fingerprint" not in project.output_text


def test_refresh_with_a_revoked_token_names_the_remedy(project: Project) -> None:
    """A refresh uses the token of the last up. If that was revoked, the error names the cause and the remedy."""
    project.webhook()
    project.up()
    project.set_token(project.sandbox.backend.add_token(project.sandbox.environment_id))
    project.sandbox.backend.revoke_token(project.sandbox.token)
    text = project.fails(project.refresh).text
    assert "401" in text
    assert "--run-program" in text
    assert len(project.managed) == 1


def test_recorded_base_url_that_is_wrong_names_the_remedy() -> None:
    """A refresh uses the base URL of the last up. If nothing responds there, the error says how to use another one."""
    config = {"truto:apiToken": "token", "truto:baseUrl": "http://127.0.0.1:9"}
    client = TrutoClient(resolve_settings(config.get, {}), RequestPolicy(total_seconds=1))
    with pytest.raises(ConnectError) as error_info:
        client.webhooks.list_page()
    assert "no connection to http://127.0.0.1:9" in str(error_info.value)
    assert "if you have just changed truto:baseUrl" in str(error_info.value)
    assert "--run-program" in str(error_info.value)


def test_token_from_the_environment_is_not_in_the_state(new_project: Callable[..., Project]) -> None:
    """A token from TRUTO_API_TOKEN works, and neither the state nor the output contains it."""
    sandbox = new_project().sandbox
    project = new_project(TRUTO_API_TOKEN=sandbox.token, TRUTO_BASE_URL=sandbox.base_url)
    project.set_token(None)
    project.stack.remove_config("truto:baseUrl")
    project.webhook()
    assert project.up().calls == ["create", "update"]
    assert sandbox.token not in project.state + project.output_text


def test_missing_token_fails_the_preview(project: Project) -> None:
    """Without a token the preview fails. The error names both places where a token can be set."""
    project.set_token(None)
    project.webhook()
    outcome = project.fails(project.preview)
    assert "truto:apiToken" in outcome.text
    assert "TRUTO_API_TOKEN" in outcome.text
    assert "pulumi_truto/" not in outcome.text  # no traceback
    assert outcome.calls == []


def test_plain_http_base_url_fails_the_preview(project: Project) -> None:
    """The preview rejects a base URL that would send the token unencrypted."""
    project.stack.set_config("truto:baseUrl", ConfigValue("http://api.truto.one"))
    project.webhook()
    outcome = project.fails(project.preview)
    assert "truto:baseUrl must start with https://" in outcome.text
    assert "pulumi_truto/" not in outcome.text  # no traceback


def test_rejected_token_names_its_source(project: Project) -> None:
    """The error of a 401 says whether the token comes from the configuration or from an argument of the provider."""
    project.webhook()
    project.set_token("wrong-token")
    text = project.fails(project.up).text
    assert "comes from the stack's configuration, truto:apiToken" in text
    assert "--run-program" in text
    project.program(f"""
        staging = truto.Provider("staging", api_token="another-wrong-token", base_url={project.sandbox.base_url!r})
        truto.Webhook("orders", target_url=URL, opts=pulumi.ResourceOptions(provider=staging))
    """)
    text = project.fails(project.up).text
    argument = "apiToken" if project.provider_kind == "native" else "api_token"
    assert f'comes from the argument {argument} of the provider "staging"' in text


def test_rejected_token_names_the_environment_variable(new_project: Callable[..., Project]) -> None:
    """The error of a 401 names TRUTO_API_TOKEN, without the advice for tokens that the state records."""
    sandbox = new_project().sandbox
    project = new_project(TRUTO_API_TOKEN="wrong-token", TRUTO_BASE_URL=sandbox.base_url)
    project.set_token(None)
    project.webhook()
    text = project.fails(project.up).text
    assert "comes from the environment variable TRUTO_API_TOKEN" in text
    assert "--run-program" not in text


def test_rejected_token_names_the_lookup_argument(local_project: Project) -> None:
    """The error of a lookup names the argument api_token, and does not contain the lookup's other arguments."""
    local_project.program("""truto.get_webhook("some-id", api_token="wrong-token")""")
    text = local_project.fails(local_project.preview).text
    assert "(the token in use comes from the argument api_token)" in text
    assert "--run-program" not in text
    local_project.program("""truto.get_webhooks(target_url=["https://h.example/s3cr3t" + "-path"])""")
    text = local_project.fails(local_project.preview).text
    assert "it must be a string, not a list" in text
    assert "s3cr3t-path" not in text


def test_explicit_plugin_provider_needs_its_own_token(native_project: Project) -> None:
    """An explicit provider of the plugin does not use the stack's token. The error says that it has no token."""
    native_project.program("""
        staging = pulumi.ProviderResource("truto", "staging", {})
        truto.Webhook("orders", target_url=URL, opts=pulumi.ResourceOptions(provider=staging))
    """)
    text = native_project.fails(native_project.preview).text
    assert 'the provider "staging" has no API token' in text
    assert "Give it apiToken" in text


def test_misspelt_setting_fails_the_preview(project: Project) -> None:
    """The preview refuses a key that looks like a setting, before anything reaches another Truto."""
    project.stack.set_config("truto:base_url", ConfigValue("http://127.0.0.1:9"))
    project.webhook()
    outcome = project.fails(project.preview)
    assert "truto:base_url is not a setting: did you mean truto:baseUrl?" in outcome.text
    assert outcome.calls == []


def test_token_of_another_environment_creates_nothing(project: Project) -> None:
    """With truto:environmentId, the token of another environment is refused, and both environments are named."""
    project.webhook()
    project.up()
    [webhook] = old_webhooks = project.sandbox.backend.webhooks()
    other = project.sandbox.add_environment("other")
    project.stack.set_config("truto:environmentId", ConfigValue(webhook.environment_id))
    project.set_token(other.token)
    project.program("""
        for name in ["orders", "invoices"]:
            truto.Webhook(name, target_url=URL)
    """)
    outcome = project.fails(project.up)
    assert webhook.environment_id in outcome.text
    assert other.id in outcome.text
    assert project.sandbox.backend.webhooks() == old_webhooks
    assert outcome.calls == ["create", "delete"]
