"""Maps the method and path of a request to an operation of the API."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Route", "match_route"]


@dataclass(frozen=True)
class Route:
    """The result of matching a request.

    Attributes:
        operation: "create", "read", "update", "delete", "list", "test" or "log"; "" if the API has no such request.
        webhook_id: the id in the path, or "".
        allowed_methods: the methods of the path; empty for an unknown path.
    """

    operation: str
    webhook_id: str = ""
    allowed_methods: tuple[str, ...] = ()


def match_route(method: str, path: str) -> Route:
    """Returns the route of a request."""
    parts = path.split("/")[1:]
    webhook_id = ""
    if parts == ["webhook"]:
        operations = {"POST": "create", "GET": "list"}
    elif parts == ["log"]:
        operations = {"GET": "log"}
    elif parts == ["webhook", "test"] and method == "POST":
        operations = {"POST": "test"}
    elif len(parts) == 2 and parts[0] == "webhook" and parts[1]:
        operations = {"GET": "read", "PATCH": "update", "DELETE": "delete"}
        webhook_id = parts[1]
    else:
        operations = {}
    return Route(operations.get(method, ""), webhook_id, tuple(operations))
