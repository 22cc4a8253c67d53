"""URLs and webhook ids: normalizing, comparing, what is this machine, what an id may look like."""

from __future__ import annotations

import ipaddress
import re
from typing import Final
from urllib.parse import urlsplit

__all__ = ["ID", "is_loopback", "normalize_url", "urls_equal"]

#: A webhook's id. It becomes part of a URL's path, so it may contain nothing that has a meaning there.
ID: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")

_DEFAULT_PORTS: Final = {"https": 443, "http": 80}


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


def urls_equal(one: str, other: str) -> bool:
    """Whether two URLs are equal after normalization; see `normalize_url`."""
    return one == other or normalize_url(one) == normalize_url(other)


def normalize_url(url: str) -> str:
    """The URL after the normalization that URL parsers apply (RFC 3986, 6.2.2 and 6.2.3).

    The case of scheme and host, the default port and an empty path do not count. Everything else does. A string that
    is no URL is returned unchanged.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return url
    host = parts.hostname or ""
    user = parts.netloc.rpartition("@")[0]
    netloc = f"[{host}]" if ":" in host else host
    if port is not None and port != _DEFAULT_PORTS.get(parts.scheme):
        netloc += f":{port}"
    return parts._replace(netloc=f"{user}@{netloc}" if user else netloc, path=parts.path or "/").geturl()
