"""`pulumi.log.error` alone fails no run: deletes are done, outputs are kept."""

from tests.local_engine.differential.steps import preview, up

STEPS = [
    up('truto.Webhook("a", URL + "/a")'),
    preview('pulumi.log.error("careful")'),
    up("""
        pulumi.log.error("careful")
        pulumi.export("here", True)
    """),
]
