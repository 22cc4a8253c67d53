"""Numbers that a double cannot hold, that JSON does not have, or that differ in their sign or type only."""

from tests.engine.differential.steps import destroy, preview, up

THINGS = """
    import pulumi.dynamic

    class Things(pulumi.dynamic.ResourceProvider):
        def create(self, props):
            return pulumi.dynamic.CreateResult("thing", {"value": props["value"], "seen": repr(props["value"])})

        def update(self, id_, old, new):
            return pulumi.dynamic.UpdateResult({"value": new["value"], "seen": repr((old["value"], new["value"]))})

    class Thing(pulumi.dynamic.Resource):
        def __init__(self, name, value):
            super().__init__(Things(), name, {"value": value, "seen": None})
            pulumi.export(name, [self.value, self.seen, value])

    inf = float("inf")
    for number, (old, new) in enumerate(%s):
        Thing(f"{number}", %s)
"""
#: The value of each resource before and after a change.
VALUES = """[
    (2**53 + 1, 2**53), (2**64, 2**64 + 1), (10**20, 10**21), (1e21, 10**21 + 1), (123456789012345678901234, 1.5),
    (10**300, -(10**300)), (0.1 + 0.2, 0.3), (-0.0, 0), (0, 5e-324), (1.7976931348623157e308, 1e400), (-inf, -inf),
    ([1, 2.5, 1e-7], [1.0, 2.5, 1e-7]), ({"a": 2**60}, {"a": 2**60}), (1, True), (False, 0), ("1", 1), (inf - inf, 0),
    (pulumi.Output.secret(2**70), inf), (pulumi.Output.secret([-inf]), pulumi.Output.secret([-inf])),
]"""
THINGS %= (" ".join(VALUES.split()), "%s")

STEPS = [
    up('pulumi.export("too_large", 10**400)'),
    up(THINGS % "old"),
    preview(THINGS % "old"),
    up(THINGS % "new"),
    destroy(),
]
