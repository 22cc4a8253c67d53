"""After a failed delete, the stack has the new outputs and the old ones that are no longer exported."""

from tests.engine.differential.steps import Fault, up

STEPS = [
    up("""
        truto.Webhook("a", URL + "/a")
        pulumi.export("old", 1)
        pulumi.export("both", 1)
    """),
    Fault("delete", fields={"status": 403, "message": "refused"}),
    up("""
        pulumi.export("both", 2)
        pulumi.export("new", 2)
    """),
    up('pulumi.export("both", 3)'),
]
