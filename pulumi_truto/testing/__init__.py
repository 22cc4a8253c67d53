"""Tests of your own Pulumi programs, with their real providers: a pytest plugin (extra ``testing``)."""
