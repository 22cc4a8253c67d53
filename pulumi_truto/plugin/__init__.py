"""The native plugin: the same webhook for every Pulumi language. ``python -m pulumi_truto`` starts it."""
