"""Another version of the SDK, and another place of its plugin, change nothing but an explicit provider."""

from tests.engine.differential.steps import destroy, refresh, up

KINDS = ("dynamic", "native")
HOOKS = """
    version = pulumi.ResourceOptions(version="%s", plugin_download_url="https://plugins.example.com")
    staging = truto.Provider("staging", **STAGING, opts=version)
    staged = truto.Webhook("a", target_url=URL + "/a", opts=pulumi.ResourceOptions(provider=staging))
    options = pulumi.ResourceOptions.merge(version, pulumi.ResourceOptions(depends_on=[staged]))
    truto.Webhook("b", target_url=URL + "/b", opts=options)
"""

STEPS = [
    up(HOOKS % "0.1.0"),
    up(HOOKS % "0.1.0"),
    up(HOOKS % "2.0.0-beta.1+build.7"),
    refresh(any_order=True),
    destroy(),
]
