"""Creates, reads, updates and deletes webhooks, and decides when a 404 means that a webhook was deleted.

Both provider kinds translate their requests to these four methods. No method changes a state that it is given.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from pulumi_truto.api.client import TrutoClient
from pulumi_truto.api.models import WebhookBody
from pulumi_truto.errors import (
    InvalidResponseError,
    NotFoundError,
    TrutoError,
    UnconfirmedDeletionError,
    UpdateFailedError,
    WrongEnvironmentError,
)
from pulumi_truto.webhook.cache import WebhookCache
from pulumi_truto.webhook.create_once import ExactlyOnceCreator
from pulumi_truto.webhook.delivery_log import describe_failures
from pulumi_truto.webhook.diff import WebhookState, build_patch, inputs_in_state, to_state
from pulumi_truto.webhook.inputs import WebhookInputs
from pulumi_truto.webhook.properties import FINGERPRINT

__all__ = ["WebhookManager"]

_RECREATE: Final = (
    "Run `pulumi up --refresh` (or `pulumi refresh`, then `pulumi up`) to create it again, with a new id and a new "
    "secret that the receiver has to get"
)


#: Entries of the delivery log to read, and of those the deliveries to describe: the test event does not count.
_LOG_ENTRIES: Final = 20
_NAMED_DELIVERIES: Final = 5


class WebhookManager:
    """The webhooks of one Truto environment. Thread-safe.

    Args:
        client: the client of that environment.
        warn: receives warnings for the user.
        known_ids: the webhooks that this process has seen; shared with the provider, which adds to it.
    """

    def __init__(self, client: TrutoClient, warn: Callable[[str], None], known_ids: set[str] | None = None) -> None:
        self.client = client
        self._warn = warn
        self._known_ids = set() if known_ids is None else known_ids
        self._creator = ExactlyOnceCreator(client, warn, self._known_ids)
        self._cache = WebhookCache(client)

    def create(self, inputs: WebhookInputs) -> tuple[str, WebhookState]:
        """Creates exactly one webhook; returns its id and state.

        Raises:
            AmbiguousCreateError: it cannot be known whether there is a new webhook.
            TrutoError: there is none.
        """
        webhook = self._creator.create(inputs)
        self.client.redact(webhook.secret)
        return webhook.id, self._written(webhook.id, to_state(webhook, {"target_url": inputs["target_url"]}))

    def read(self, id_: str, state: WebhookState) -> WebhookState | None:
        """The webhook's present state, keeping what only the old state has; ``None`` if the webhook was deleted.

        An empty state is that of an import: the webhook has to exist.

        Raises:
            NotFoundError: the state is empty, and there is no such webhook.
            WrongEnvironmentError: the token belongs to another environment than the webhook.
            UnconfirmedDeletionError: nothing proves that it was deleted.
        """
        self._remember(id_, state)
        try:
            return self._read_state(id_, state)
        except NotFoundError:
            if not state.get("target_url"):
                raise
            self._confirm_deleted(id_, state)
        self._warn(
            f"webhook {id_} was deleted outside Pulumi. If it is still declared, `pulumi up` creates a new "
            "one, with a new id and a new secret: the receiver rejects deliveries until it has the new secret"
        )
        return None

    def update(self, id_: str, state: WebhookState, inputs: WebhookInputs) -> WebhookState:
        """Sends what changed, and nothing at all if nothing did.

        Raises:
            UpdateFailedError: it failed, but Truto may have applied it; the message says whether it did.
            TrutoError: it failed, and nothing was changed.
        """
        self._remember(id_, state)
        body = build_patch(state, inputs)
        if not body:
            return state
        try:
            webhook = self.client.update_webhook(id_, body)
        except NotFoundError as error:
            raise self._update_not_found(id_, state, error) from None
        except TrutoError as error:
            if not error.may_have_succeeded:
                raise
            raise self._update_failed(id_, state, body, error) from None
        finally:
            self._cache.invalidate(id_)
        fresh = self._written(id_, to_state(webhook, {**state, "target_url": inputs["target_url"]}))
        others = build_patch(fresh, inputs)
        if others:
            self._warn(
                f"webhook {id_} was changed outside Pulumi too, in {' and '.join(others)}. The next `pulumi up` "
                "sends the declared values"
            )
        return fresh

    def delete(self, id_: str, state: WebhookState) -> None:
        """Deletes the webhook. Deleting a missing webhook succeeds."""
        self._remember(id_, state)
        try:
            self.client.delete_webhook(id_)
        except NotFoundError:
            self._confirm_deleted(id_, state)
        except InvalidResponseError as error:
            # Perhaps a proxy responded in Truto's place: what counts is whether the webhook exists.
            try:
                self.client.get_webhook(id_)
            except NotFoundError:
                self._confirm_deleted(id_, state)
            else:
                raise error from None
        finally:
            self._cache.invalidate(id_)

    def _remember(self, id_: str, state: WebhookState) -> None:
        self._known_ids.add(id_)
        self.client.redact(state.get("secret"))

    def _written(self, id_: str, state: WebhookState) -> WebhookState:
        """The state after a create or an update, with the fingerprint of the credential that wrote the webhook."""
        return {**state, FINGERPRINT: self.client.settings.fingerprint(id_)}

    def _read_state(self, id_: str, state: WebhookState) -> WebhookState:
        """The state of an existing webhook, with a warning if its secret is not known."""
        fresh = to_state(self._cache.get(id_), state)
        # An older fingerprint stays: a rotated token must not show as drift.
        fresh.setdefault(FINGERPRINT, self.client.settings.fingerprint(id_))
        if state.get("is_active") is True and not fresh["is_active"]:
            self._warn_switched_off(id_)
        if not fresh["secret"]:
            self._warn(
                f"the secret of webhook {id_} is not known: Truto shows it only once, when the webhook is created. Its "
                "output `secret` is null. If you have the secret, import the webhook with it: see `pulumi-truto "
                "import-file --help`"
            )
        return fresh

    def _warn_switched_off(self, id_: str) -> None:
        """Says why, if the delivery log shows it. One call; a log that cannot be read changes nothing else."""
        try:
            deliveries = self.client.list_deliveries(id_, limit=_LOG_ENTRIES)
            failures = describe_failures([each for each in deliveries if each.event != "test"][:_NAMED_DELIVERIES])
        except TrutoError:
            failures = None
        if failures is None:
            self._warn(
                f"webhook {id_} was switched off outside Pulumi. The next `pulumi up` switches it on again, if it is "
                "declared active"
            )
        else:
            self._warn(
                f"Truto switched webhook {id_} off: {failures}. The next `pulumi up` switches it on again: fix the "
                "receiver first"
            )

    def _update_not_found(self, id_: str, state: WebhookState, error: NotFoundError) -> TrutoError:
        try:
            self._confirm_deleted(id_, state)
        except UnconfirmedDeletionError as doubt:
            return UnconfirmedDeletionError(f"cannot update webhook {id_}: {doubt}")
        return NotFoundError(
            f"cannot update webhook {id_}: Truto returned 404, and it was deleted outside Pulumi. {_RECREATE}",
            status=error.status,
            detail=error.detail,
        )

    def _update_failed(self, id_: str, state: WebhookState, body: WebhookBody, error: TrutoError) -> UpdateFailedError:
        """The error, which says whether the update took effect, as far as a read of the webhook shows."""
        try:
            now = self._written(id_, to_state(self.client.uncancelled().get_webhook(id_), state))
        except TrutoError as reason:
            return UpdateFailedError(
                f"{_sentence(error)} It is not known whether the update took effect, as the webhook cannot be read "
                f"({reason}). "
                "Run `pulumi up --refresh`",
                None,
            )
        missing = build_patch(now, {**inputs_in_state(now), **body})
        if not missing:
            return UpdateFailedError(
                f"{_sentence(error)} Truto did apply the update. Run `pulumi up --refresh` to record it", now
            )
        which = "the update" if len(missing) == len(body) else f"the update of {' and '.join(missing)}"
        return UpdateFailedError(
            f"{_sentence(error)} Truto has not applied {which} yet, and may still do so. Run `pulumi up --refresh`", now
        )

    def _confirm_deleted(self, id_: str, state: WebhookState) -> None:
        """Returns if a 404 for this webhook means "deleted"; raises if it may mean "in another environment".

        Truto's response is the same in both cases. The webhook was deleted if the token is the right one: if the list
        has another webhook of the same environment, or if the same credential last wrote this webhook.
        """
        declared = state.get("environment_id")
        is_confirmed = state.get(FINGERPRINT) == self.client.settings.fingerprint(id_)
        for page in self.client.iter_pages():
            if id_ in {each.id for each in page.result} | {each.id for each in page.unreadable}:
                raise NotFoundError(
                    f"Truto returns 404 for webhook {id_} but still lists it. Nothing was changed; try again later",
                    status=404,
                )
            for webhook in page.result:
                if declared and webhook.environment_id and webhook.environment_id != declared:
                    raise WrongEnvironmentError(
                        f"webhook {id_} belongs to the Truto environment {declared}, and the API token to the "
                        f"environment {webhook.environment_id}. Nothing was changed. Use a token for the first one; "
                        "to move the webhook, give it another provider and change its replacement trigger in the same "
                        f"run, or destroy it with the first token. {self.client.settings.token_hint}"
                    )
                is_confirmed = is_confirmed or bool(declared and webhook.environment_id == declared)
        if not is_confirmed:
            where = f"the Truto environment {declared}" if declared else "an unknown Truto environment"
            raise UnconfirmedDeletionError(
                f"Truto returned 404 for webhook {id_} of {where}, and nothing shows whether the API token belongs "
                "to that environment. Nothing was changed. If the token is for another environment, set the right one. "
                "If the webhook was really deleted, run `pulumi state delete <urn>` for it and then `pulumi up`. "
                f"{self.client.settings.token_hint}"
            )


def _sentence(error: TrutoError) -> str:
    """The error's message, which ends with a full stop."""
    return str(error).rstrip(".") + "."
