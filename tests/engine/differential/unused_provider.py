"""An explicit provider without resources: the plugin checks its settings, and its name decides whether it counts."""

from tests.engine.differential.steps import destroy, preview, up

KINDS = ("dynamic", "native")
PROVIDERS = """
    truto.Provider("default-staging", **STAGING)
    truto.Provider("staging", **STAGING)
"""
INVALID = 'truto.Provider("invalid", api_token="token", base_url="nonsense")'

STEPS = [up(PROVIDERS), preview(INVALID), up(INVALID), destroy()]
