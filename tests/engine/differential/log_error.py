"""`pulumi.log.error` alone does not fail a run: webhooks are deleted, and outputs are saved."""

from tests.engine.differential.steps import preview, up

STEPS = [
    up('truto.Webhook("a", URL + "/a")'),
    preview('pulumi.log.error("careful")'),
    up("""
        pulumi.log.error("careful")
        pulumi.export("here", True)
    """),
]
