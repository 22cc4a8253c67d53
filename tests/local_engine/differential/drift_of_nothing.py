"""A refresh of a webhook that was touched by hand, with nothing changed that the program declares, finds no drift."""

from tests.local_engine.differential.steps import Edit, refresh, up

HOOK = """
    pulumi.export("updated", truto.Webhook("a", URL + "/a", event_types=["record:created"]).updated_at)
"""

STEPS = [up(HOOK), Edit("/a", {"event_types": ["record:created"]}), refresh(), up(HOOK)]
