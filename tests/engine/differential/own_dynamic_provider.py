"""For a dynamic provider without a `diff` method, the engine compares the inputs itself."""

from tests.engine.differential.steps import destroy, up

THING = """
    import pulumi.dynamic

    class Things(pulumi.dynamic.ResourceProvider):
        def create(self, props):
            return pulumi.dynamic.CreateResult("thing", {"n": props["n"]})

    class Thing(pulumi.dynamic.Resource):
        def __init__(self, n, opts=None):
            super().__init__(Things(), "thing", {"n": n}, opts)

    pulumi.export("n", Thing(%s, pulumi.ResourceOptions(replace_on_changes=["n"])).n)
"""

STEPS = [up(THING % 1), up(THING % 1), up(THING % 2), destroy()]
