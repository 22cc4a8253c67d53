"""Outputs can be numbers, strings, booleans, nulls, and nested lists and objects."""

from tests.engine.differential.steps import up

STEPS = [
    up("""
        for name, value in {"whole": 1, "float": 1.0, "part": 1.5, "big": 12345678901, "text": "", "false": False,
                            "none": None, "list": [1, None, []], "object": {"a": None, "b": {}}}.items():
            pulumi.export(name, value)
    """),
    up('pulumi.export("whole", "now a text")'),
]
