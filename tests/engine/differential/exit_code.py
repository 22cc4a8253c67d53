"""A program that exits with a code or raises `RunError` fails the run, and deletes nothing."""

from tests.engine.differential.steps import up

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
