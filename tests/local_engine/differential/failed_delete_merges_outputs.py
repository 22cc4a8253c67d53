"""When the program is through and a delete fails, new outputs are there, and old ones stay."""

from tests.local_engine.differential.steps import Fault, up

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
