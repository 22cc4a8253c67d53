"""Makes a release, and the documentation site."""
