"""An output that the program no longer exports disappears from the stack."""

from tests.engine.differential.steps import preview, up

STEPS = [
    up("""
        pulumi.export("a", 1)
        pulumi.export("b", 2)
    """),
    preview('pulumi.export("a", 1)'),
    up('pulumi.export("a", 1)'),
]
