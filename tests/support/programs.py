"""Pulumi programs that several test modules run."""

from __future__ import annotations

__all__ = ["webhooks_program"]


def webhooks_program(count: int) -> str:
    """A program with this number of independent webhooks."""
    return f"""
        for n in range({count}):
            truto.Webhook(f"hook-{{n}}", target_url=f"{{URL}}/{{n}}")
    """
