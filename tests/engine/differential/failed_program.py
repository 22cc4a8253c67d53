"""A program that raises an exception fails the run: its new webhook stays, and nothing is deleted."""

from tests.engine.differential.steps import up

STEPS = [
    up('truto.Webhook("a", URL + "/a")'),
    up("""
        b = truto.Webhook("b", URL + "/b")
        def fail(id):
            raise RuntimeError("of the program")
        pulumi.export("b", b.id.apply(fail))
    """),
]
