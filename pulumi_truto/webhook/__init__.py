"""The webhook: its properties, their rules, and its life cycle."""
