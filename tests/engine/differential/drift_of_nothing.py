"""A refresh detects no drift in a webhook that was edited by hand without a change of a declared property."""

from tests.engine.differential.steps import Edit, refresh, up

HOOK = """
    pulumi.export("updated", truto.Webhook("a", URL + "/a", event_types=["record:created"]).updated_at)
"""

STEPS = [up(HOOK), Edit("/a", {"event_types": ["record:created"]}), refresh(), up(HOOK)]
