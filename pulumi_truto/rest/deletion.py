"""Decides when a 404 means that a resource was deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pulumi_truto.errors import NotFoundError, UnconfirmedDeletionError, WrongEnvironmentError
from pulumi_truto.resource_type import Values
from pulumi_truto.rest.rest_type import FINGERPRINT

if TYPE_CHECKING:
    from pulumi_truto.api.collection import Collection

__all__ = ["confirm_deleted"]


def confirm_deleted(collection: Collection[Any, Any], id_: str, state: Values, *, is_confirmed: bool = False) -> None:
    """Returns if a 404 for this item means "deleted"; raises if it may mean "in another environment".

    Truto's response is the same in both cases. The item was deleted if Truto accepted our own delete, or if the
    token is the right one: if the list has another item of the same environment, or if the same credential last
    wrote this item.

    Args:
        collection: the items of the environment.
        id_: the item.
        state: its state.
        is_confirmed: Truto accepted our own delete.
    """
    settings, name = collection.client.settings, f"{collection.noun} {id_}"
    environment_id = state.get("environment_id")
    is_confirmed = is_confirmed or state.get(FINGERPRINT) == settings.fingerprint(id_)
    for page in collection.iter_pages():
        if id_ in {item.id for item in page.result} | {item.id for item in page.unreadable}:
            raise NotFoundError(
                f"Truto returns 404 for {name} but still lists it; nothing was changed. Try again later",
                status=404,
            )
        for item in page.result:
            if environment_id and item.environment_id and item.environment_id != environment_id:
                raise WrongEnvironmentError(
                    f"{name} belongs to the Truto environment {environment_id}, and the API token to the "
                    f"environment {item.environment_id}; nothing was changed. Use a token of the first environment "
                    f"{settings.token_hint}"
                )
            is_confirmed = is_confirmed or bool(environment_id and item.environment_id == environment_id)
    if not is_confirmed:
        environment = f"the Truto environment {environment_id}" if environment_id else "an unknown environment"
        raise UnconfirmedDeletionError(
            f"Truto returned 404 for {name} of {environment}, and nothing shows whether the API token "
            f"belongs to that environment; nothing was changed. Use a token of that environment {settings.token_hint}, "
            f"or if the {collection.noun} was really deleted, run `pulumi state delete <urn>` and then `pulumi up`"
        )
