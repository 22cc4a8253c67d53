"""URLs and webhook ids: normalizing, comparing, loopback addresses, and the form of an id."""

from __future__ import annotations

import ipaddress
import re
from typing import Final

__all__ = ["ID", "is_loopback", "normalize_url", "urls_equal"]

#: A webhook's id. It becomes part of a URL's path, so it may contain nothing that has a meaning there.
ID: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")


def is_loopback(host: str | None) -> bool:
    """Whether the host is this machine: ``localhost``, 127.0.0.0/8 or ::1."""
    if host is None:
        return False
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def urls_equal(url: str, other_url: str) -> bool:
    """Whether two URLs are equivalent; see `normalize_url`."""
    return url == other_url or normalize_url(url) == normalize_url(other_url)


def normalize_url(url: str) -> str:
    """The URL as the WHATWG URL standard writes it, like ``new URL(url).href`` in JavaScript.

    The case of scheme and host, the default port, dot segments and the encoding of a host or of spaces do not count. A
    string that is not a URL is returned unchanged.
    """
    from pydantic_core import Url  # a WHATWG parser; loaded only for URLs that are not the same string

    try:
        return str(Url(url))
    except ValueError:
        return url
