"""An explicit provider for another environment is renamed with an alias, renamed without one, and removed."""

from tests.engine.differential.steps import destroy, up

HOOK = """
    staging = truto.Provider("%s", **STAGING, opts=pulumi.ResourceOptions(aliases=[%s]))
    hook = truto.Webhook("a", URL + "/a", opts=pulumi.ResourceOptions(provider=staging))
    pulumi.export("environment", hook.environment_id)
"""

STEPS = [
    up(HOOK % ("staging", "")),
    up(HOOK % ("second", 'pulumi.Alias(name="staging")')),
    up(HOOK % ("third", "")),
    up('truto.Provider("third", **STAGING)'),
    destroy(),
]
