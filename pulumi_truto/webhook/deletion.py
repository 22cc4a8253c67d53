"""Decides when a 404 means that a webhook was deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pulumi_truto.errors import NotFoundError, UnconfirmedDeletionError, WrongEnvironmentError
from pulumi_truto.resource_type import Values
from pulumi_truto.webhook.webhook_type import FINGERPRINT

if TYPE_CHECKING:
    from pulumi_truto.api.client import TrutoClient

__all__ = ["confirm_deleted"]


def confirm_deleted(client: TrutoClient, id_: str, state: Values, *, is_confirmed: bool = False) -> None:
    """Returns if a 404 for this webhook means "deleted"; raises if it may mean "in another environment".

    Truto's response is the same in both cases. The webhook was deleted if Truto accepted our own delete, or if the
    token is the right one: if the list has another webhook of the same environment, or if the same credential last
    wrote this webhook.

    Args:
        client: the client of the environment.
        id_: the webhook.
        state: its state.
        is_confirmed: Truto accepted our own delete.
    """
    environment_id = state.get("environment_id")
    is_confirmed = is_confirmed or state.get(FINGERPRINT) == client.settings.fingerprint(id_)
    for page in client.webhooks.iter_pages():
        if id_ in {webhook.id for webhook in page.result} | {webhook.id for webhook in page.unreadable}:
            raise NotFoundError(
                f"Truto returns 404 for webhook {id_} but still lists it. Nothing was changed; try again later",
                status=404,
            )
        for webhook in page.result:
            if environment_id and webhook.environment_id and webhook.environment_id != environment_id:
                raise WrongEnvironmentError(
                    f"webhook {id_} belongs to the Truto environment {environment_id}, and the API token to the "
                    f"environment {webhook.environment_id}. Nothing was changed. Use a token for the first one; "
                    "to move the webhook, give it another provider and change its replacement trigger in the same "
                    f"run, or destroy it with the first token. {client.settings.token_hint}"
                )
            is_confirmed = is_confirmed or bool(environment_id and webhook.environment_id == environment_id)
    if not is_confirmed:
        environment = f"the Truto environment {environment_id}" if environment_id else "an unknown environment"
        raise UnconfirmedDeletionError(
            f"Truto returned 404 for webhook {id_} of {environment}, and nothing shows whether the API token "
            "belongs to that environment. Nothing was changed. If the token is for another environment, set the "
            "right one. If the webhook was really deleted, run `pulumi state delete <urn>` for it and then "
            f"`pulumi up`. {client.settings.token_hint}"
        )
