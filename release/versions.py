"""What a version is, and which release came before this one."""

from __future__ import annotations

from contextlib import suppress

import semver
from packaging.version import InvalidVersion, Version

from release.project import git

__all__ = ["last_release", "may_break", "parse"]


def parse(text: str) -> Version:
    """Returns a version that Python and Pulumi read in the same way.

    Raises:
        ValueError: it is invalid, or means something else, for PEP 440 or for semver.
    """
    version, other = Version(text), semver.Version.parse(text)
    # X.Y.Z-1 comes after X.Y.Z for PEP 440, and before it for semver. A package index accepts no local version.
    if version.local or version.is_postrelease or version.is_prerelease != bool(other.prerelease):
        raise ValueError(f"{text} is a local version or a post-release for PEP 440")
    return version


def last_release(tag: str | None) -> str | None:
    """Returns the tag of the latest release that led to the current commit, other than the given one."""
    releases: dict[str, Version] = {}
    for name in git("tag", "--list", "v*", "--merged", "HEAD").split():
        with suppress(InvalidVersion):
            releases[name] = Version(name)
    releases.pop(tag or "", None)
    return max(releases, key=releases.__getitem__, default=None)


def may_break(old: Version, new: Version) -> bool:
    """Whether semantic versioning allows breaking changes: in a new major version, or in a new minor version of 0."""
    return new.major > old.major or (new.major == old.major == 0 and new.minor > old.minor)
