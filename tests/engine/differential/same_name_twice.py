"""A preview of two webhooks with one name fails, before and after one of them exists."""

from tests.engine.differential.steps import preview, up

ONE = """
    truto.Webhook("a", target_url=URL + "/a")
"""
TWO = """
    truto.Webhook("a", target_url=URL + "/a")
    truto.Webhook("a", target_url=URL + "/b")
"""

STEPS = [preview(TWO), up(ONE), preview(TWO), up(ONE)]
