"""`truto.SigningSecrets`: the secrets that a receiver has to accept, without any API call."""

from __future__ import annotations

import json
import time

import pytest

from tests.support.project import Project

#: An overlap of about one second. Only this makes the tests wait.
SHORT = 0.0003


def declare(project: Project, current: str, arguments: str = "", opts: str = "None") -> None:
    """Replaces the program with one that accepts a secret and exports the outputs."""
    project.program(f"""
        secrets = truto.SigningSecrets("orders", current={current}{arguments}, opts={opts})
        pulumi.export("accepted", secrets.accepted)
        pulumi.export("rotatedAt", secrets.rotated_at)
    """)


def test_rotation_and_the_end_of_the_overlap(project: Project) -> None:
    """A new secret is accepted beside the earlier one until the first update after the overlap; no call, ever."""
    declare(project, '"secret-1"')
    assert project.preview().changes == {"create": 2}
    assert project.up().changes == {"create": 2}
    assert project.outputs["accepted"] == ["secret-1"]
    assert project.up().changes == {"same": 2}

    declare(project, '"secret-2"')
    assert project.preview().changes == {"same": 1, "update": 1}
    assert project.up().changes == {"same": 1, "update": 1}
    rotated_at = project.outputs["rotatedAt"]
    assert project.outputs["accepted"] == ["secret-2", "secret-1"]
    assert project.up().changes == {"same": 2}

    # A shorter overlap, which is over by the time of the next preview.
    declare(project, '"secret-2"', f", overlap_hours={SHORT}")
    time.sleep(SHORT * 3600)
    assert project.preview().changes == {"same": 1, "update": 1}
    project.up()
    assert project.outputs == {"accepted": ["secret-2"], "rotatedAt": rotated_at}
    assert project.destroy().changes == {"delete": 2}
    assert project.sandbox.calls == []
    assert "secret-" not in project.output_text


def test_overlap_that_ends_is_a_change(project: Project) -> None:
    """An update without any other change removes a secret whose overlap is over; a refresh does not."""
    declare(project, '"secret-1"', f", overlap_hours={SHORT}")
    project.up()
    declare(project, '"secret-2"', f", overlap_hours={SHORT}")
    project.up()
    assert project.outputs["accepted"] == ["secret-2", "secret-1"]
    time.sleep(SHORT * 3600)
    project.refresh()
    assert project.outputs["accepted"] == ["secret-2", "secret-1"]
    assert project.preview().changes == {"same": 1, "update": 1}
    assert project.up().changes == {"same": 1, "update": 1}
    assert project.outputs["accepted"] == ["secret-2"]
    assert project.preview().changes == {"same": 2}
    assert project.sandbox.calls == []


def test_secrets_are_always_secret(project: Project) -> None:
    """A plain secret is encrypted in inputs and outputs, also after an update and a refresh."""
    declare(project, '"secret-1"')
    project.up()
    declare(project, '"secret-2"')
    project.up()
    project.refresh()
    assert project.stack.outputs()["accepted"].secret
    assert "secret-1" not in project.state
    assert "secret-2" not in project.state


def test_new_secret_is_unknown_in_a_preview(project: Project) -> None:
    """In the preview of a replacement, `accepted` is unknown; afterwards it has both secrets."""
    body = """
        orders = truto.Webhook("orders", target_url=URL, opts=pulumi.ResourceOptions(replacement_trigger="TRIGGER"))
        secrets = truto.SigningSecrets("orders", current=orders.secret)
        secrets.accepted.apply(lambda accepted: print("known:", len(accepted)))
        pulumi.export("accepted", secrets.accepted)
    """
    project.program(body.replace("TRIGGER", "1"))
    project.up()
    first = project.only_webhook
    project.program(body.replace("TRIGGER", "2"))
    outcome = project.preview()
    assert outcome.changes == {"same": 1, "replace": 1, "update": 1}
    assert "known:" not in outcome.text
    assert "known: 2" in project.up().text
    assert project.outputs["accepted"] == [project.only_webhook.secret, first.secret]


def test_null_secret_fails_the_preview(project: Project) -> None:
    """A secret that this stack does not know fails with what to do about it, as `require_secret()` does."""
    declare(project, "pulumi.Output.from_input(None)")
    outcome = project.fails(project.preview)
    assert "current is null" in outcome.text
    assert "pulumi-truto import-file --help" in " ".join(outcome.text.split())


def test_secret_cannot_be_replaced_by_an_invalid_one(project: Project) -> None:
    """An invalid input is named as the program has it, and its value is not shown."""
    declare(project, "73313", ", overlap_hours=-1")
    text = project.fails(project.preview).text
    assert "current must be a string, not a number" in text
    assert f"{project.name_of('overlap_hours')} must be a number of hours, 0 or more" in text
    assert "73313" not in text


def test_changing_the_provider_kind_keeps_the_secrets(project: Project) -> None:
    """The accepted secrets move to the other provider kind and back, without a call and still encrypted."""
    if project.provider_kind == "dynamic":
        pytest.skip("the project has the plugin in the other case only")
    declare(project, '"secret-1"')
    project.up()
    declare(project, '"secret-2"')
    project.up()
    program = (project.work_dir / "__main__.py").read_text()
    for module in ("pulumi_truto", "pulumi_truto_native"):
        (project.work_dir / "__main__.py").write_text(program.replace("import pulumi_truto_native", f"import {module}"))
        assert project.up().changes == {"same": 1, "update": 1}
        assert project.up().changes == {"same": 2}
        assert project.outputs["accepted"] == ["secret-2", "secret-1"]
        assert "secret-1" not in project.state
    assert project.sandbox.calls == []


def test_import_is_refused(native_project: Project) -> None:
    """A resource that no API has cannot be imported, and the error says what to do."""
    declare(native_project, '"secret-1"', opts='pulumi.ResourceOptions(import_="x")')
    assert "a SigningSecrets cannot be imported: declare it" in " ".join(
        native_project.fails(native_project.up).text.split()
    )


def test_state_has_times_of_earlier_secrets(local_project: Project) -> None:
    """The state has one hidden time for each earlier secret."""
    for number in (1, 2, 3):
        declare(local_project, f'"secret-{number}"')
        local_project.up()
    [resource] = [each for each in json.loads(local_project.state)["resources"] if "SigningSecrets" in each["type"]]
    assert len(resource["outputs"]["__replaced_at"]) == 2
