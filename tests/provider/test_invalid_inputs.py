"""The preview rejects invalid inputs, with messages that say how to fix them."""

from __future__ import annotations

from tests.support.project import Project

#: The arguments of a webhook, and a part of the message that rejects them.
INVALID_ARGUMENTS = {
    "target_url=pulumi.Output.from_input(None)": "is required",
    'target_url=""': "is required",
    "target_url=1": "must be a string",
    'target_url="hooks.example.com"': "It has no scheme",
    'target_url="http://hooks.example.com"': "must start with https://",
    'target_url="https://"': "must name a host",
    'target_url="https://user:pass@hooks.example.com"': "must not contain a user name or password",
    'target_url="https://hooks.example.com/#x"': "must not have a fragment",
    'target_url=" https://hooks.example.com"': "must not contain whitespace",
    'target_url="https://hooks.example.com:port"': "is not a URL",
    'target_url=URL, event_types="record:created"': 'put it in brackets, as in ["record:created"]',
    'target_url=URL, event_types=["record"]': 'the form "resource:event"',
    'target_url=URL, event_types=[""]': 'the form "resource:event"',
    "target_url=URL, event_types=[1]": "must be a string",
    'target_url=URL, event_types={"record": "created"}': "not an object",
    'target_url=URL, is_active="true"': "get_bool()",
    "target_url=URL, is_active=1": "must be true or false",
}


def test_invalid_input_fails_the_preview_with_a_remedy(project: Project) -> None:
    """The preview rejects every invalid input, says how to fix it, and makes no API call."""
    lines = [f'truto.Webhook("bad-{number}", {arguments})' for number, arguments in enumerate(INVALID_ARGUMENTS)]
    if project.engine == "local":
        # One at a time, because the local engine stops the program at the first failure.
        for line, message in zip(lines, INVALID_ARGUMENTS.values(), strict=True):
            project.program(line)
            outcome = project.fails(project.preview)
            assert message in outcome.text, line
            assert "pulumi_truto/" not in outcome.text  # no traceback
    else:
        # All at once, because a run of the CLI is slow. It reports only some of the failures before it stops.
        project.program("\n".join(lines))
        outcome = project.fails(project.preview)
        assert any(message in outcome.text for message in INVALID_ARGUMENTS.values())
        assert "pulumi_truto/" not in outcome.text  # no traceback
        assert outcome.calls == []
    assert project.sandbox.calls == []


def test_all_errors_of_one_webhook_are_reported_together(project: Project) -> None:
    """All errors of one webhook are reported in the same run."""
    project.webhook('target_url="ftp://user@h/#x", event_types=["a", 2], is_active="yes"')
    text = project.fails(project.preview).text
    for message in (
        "must start with https://",
        "must not contain a user name",
        "must not have a fragment",
        "[0] is not an event type",
        "[1] must be a string, not a number",
        "must be true or false",
    ):
        assert message in text


def test_invalid_value_is_not_shown(project: Project) -> None:
    """The message does not contain the invalid value because that may be a secret or contain a password."""
    project.webhook('target_url=pulumi.Output.secret("http://hooks.example.com/?key=S3CRET"), is_active=73313')
    text = project.fails(project.preview).text
    assert "must start with https://" in text
    assert project.name_of("is_active") + " must be true or false, not a number" in text
    assert "S3CRET" not in text
    assert "73313" not in text
    project.webhook('target_url="https://user:hunter2@hooks.example.com"')
    assert "hunter2" not in project.fails(project.preview).text


def test_misspelled_property_or_type_fails_the_preview(native_project: Project) -> None:
    """The plugin rejects a misspelled property and suggests the right one. It also rejects an unknown resource type."""
    native_project.program(
        """pulumi.CustomResource("truto:index:Webhook", "orders", {"targetUrl": URL, "isactive": False})"""
    )
    text = native_project.fails(native_project.preview).text
    assert "isactive is not an input of a Webhook. Did you mean isActive?" in text
    native_project.program("""pulumi.CustomResource("truto:index:Webhok", "orders", {"targetUrl": URL})""")
    text = native_project.fails(native_project.preview).text
    assert "there is no resource truto:index:Webhok" in text
