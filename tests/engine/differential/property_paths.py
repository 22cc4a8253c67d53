"""`ignore_changes` and `replace_on_changes` with paths into lists and objects, some of which are secret."""

from tests.engine.differential.steps import destroy, up

THINGS = """
    import json
    import pulumi.dynamic

    class Things(pulumi.dynamic.ResourceProvider):
        def create(self, props):
            return pulumi.dynamic.CreateResult("thing", {"value": props["value"], "created_with": props["value"]["s"]})

        def update(self, id_, old, new):
            return pulumi.dynamic.UpdateResult({"value": new["value"], "created_with": old["created_with"]})

    class Thing(pulumi.dynamic.Resource):
        def __init__(self, name, value, **options):
            opts = pulumi.ResourceOptions(**options)
            super().__init__(Things(), name, {"value": value, "created_with": None}, opts)
            values = pulumi.Output.all(self.created_with, self.value)
            pulumi.export(name, values.apply(lambda values: json.dumps(values, sort_keys=True)))

    secret = pulumi.Output.secret
    value = %s
    for path in %s:
        Thing(path, value, ignore_changes=[path])
    for path in ["value", "value.l[2]", "value.l[2].x", "*.m", "value.m.other", "value.secret", 'value["m"][*]', "*"]:
        Thing("replaced by " + path, value, replace_on_changes=[path])
    Thing("old secret", secret({"s": "old", "l": [1]}) if value["s"] == "old" else value, ignore_changes=["value.l[0]"])
    Thing("new secret", value if value["s"] == "old" else secret(value), ignore_changes=["value.l[0]", "value.m.k"])
    Thing("invalid", value, ignore_changes=["value.", ".value", "value[", 'value["s', "value.l[x]", ""])
"""
#: Paths to what is changed, added or removed, and to nothing.
PATHS = [
    "value",
    "value.s",
    "value.l[0]",
    "value.l[2].x",
    "value.l[3]",
    "value.l[7]",
    "value.l[-1]",
    "value.l[*]",
    "value.l[*].x",
    "value.m.k",
    'value["m"]["k.2"]',
    "value.m.added",
    "value.m.removed",
    "value.m.removed.deeper",
    "value.m.*",
    "value.none.deeper",
    "value.secret",
    "value.secret.k",
    "value.*.k",
    "value.s[0]",
    "value.m[0]",
    "*.s",
    "*",
]
OLD = (
    '{"s": "old", "l": [1, True, {"x": 1, "y": 2}], "m": {"k": "old", "k.2": "old", "removed": 1, "other": 1}, '
    '"secret": secret({"k": "old"})}'
)
NEW = (
    '{"s": "new", "l": [9, 1, {"x": 9, "y": 8}, 7], "m": {"k": "new", "k.2": "new", "added": 1, "other": 1}, '
    '"secret": {"k": "new"}}'
)

STEPS = [
    up(THINGS % (OLD, PATHS)),
    up(THINGS % (NEW, PATHS)),
    destroy(),
]
