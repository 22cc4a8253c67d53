"""A program that ends with an exit code fails the run, and nothing is deleted."""

from tests.local_engine.differential.steps import up

STEPS = [
    up('truto.Webhook("a", URL + "/a")'),
    up("""
        import sys
        sys.exit(3)
    """),
    up("""
        raise pulumi.RunError("not today")
    """),
]
