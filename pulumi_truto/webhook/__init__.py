"""The webhook: its properties, what is valid, what is a change, and its life cycle."""
