"""Create, read, update and delete a webhook: the rules carried out with the client. Must not import pulumi.

Both kinds of provider translate their requests to these four methods. A state is a plain dict as `rules.keep` makes it;
no method changes the one it is given.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from pulumi_truto.api.client import TrutoClient
from pulumi_truto.errors import (
    InvalidResponseError,
    NotFoundError,
    TrutoError,
    UnconfirmedDeletionError,
    UpdateFailedError,
    WrongEnvironmentError,
)
from pulumi_truto.webhook import inputs as rules
from pulumi_truto.webhook.cache import Reading
from pulumi_truto.webhook.create_once import ExactlyOnceCreator

__all__ = ["WebhookManager"]

State = dict[str, Any]
_RECREATE: Final = (
    "Run `pulumi up --refresh` (or `pulumi refresh`, then `pulumi up`) to create it again, with a new id and a new "
    "secret that the receiver has to get"
)


class WebhookManager:
    """The webhooks of one Truto environment, safe to use from several threads.

    Args:
        client: the client of that environment.
        warn: takes what is no error and should be known.
        known_ids: the webhooks that this process has met; shared with the provider, which adds to it.
    """

    def __init__(self, client: TrutoClient, warn: Callable[[str], None], known_ids: set[str] | None = None) -> None:
        self.client = client
        self._warn = warn
        self._known_ids = set() if known_ids is None else known_ids
        self._creator = ExactlyOnceCreator(client, warn, self._known_ids)
        self._reading = Reading(client)

    def create(self, inputs: Mapping[str, Any]) -> tuple[str, State]:
        """Creates exactly one webhook; returns its id and state.

        Raises:
            TrutoError: there is no new webhook, or none that can be told from others (`AmbiguousCreateError`).
        """
        webhook = self._creator.create(rules.create_body(inputs))
        self.client.redact(webhook.secret)
        return webhook.id, self._written(webhook.id, rules.keep(webhook, {"target_url": inputs["target_url"]}))

    def read(self, id_: str, state: Mapping[str, Any]) -> State | None:
        """The state as Truto has it now, with what only we know kept; ``None`` if the webhook was deleted.

        An empty state means that the webhook was never ours and has to be there.

        Raises:
            NotFoundError: the state is empty, and there is no such webhook.
            WrongEnvironmentError: the token belongs to another environment than the webhook.
            UnconfirmedDeletionError: nothing proves that it does not.
        """
        self._meet(id_, state)
        try:
            return self._read_state(id_, state)
        except NotFoundError:
            if not state.get("target_url"):
                raise
            self._confirm_deleted(id_, state)
        self._warn(
            f"webhook {id_} was deleted outside Pulumi. If it is still declared, the next `pulumi up` creates another "
            "one, with a new id and a new secret: give that to the receiver, which refuses the deliveries until then"
        )
        return None

    def update(self, id_: str, state: Mapping[str, Any], inputs: Mapping[str, Any]) -> State:
        """Sends what changed, and only that; nothing at all where nothing did.

        Raises:
            UpdateFailedError: it failed, and Truto may have applied it; says whether it did.
            TrutoError: it failed, and nothing was changed.
        """
        self._meet(id_, state)
        body = rules.changes(state, inputs)
        if not body:
            return dict(state)
        try:
            webhook = self.client.update_webhook(id_, body)
        except NotFoundError as error:
            raise self._update_not_found(id_, state, error) from None
        except TrutoError as error:
            if not error.may_have_succeeded:
                raise
            raise self._update_failed(id_, state, body, error) from None
        finally:
            self._reading.forget(id_)
        fresh = self._written(id_, rules.keep(webhook, {**state, "target_url": inputs["target_url"]}))
        others = rules.changes(fresh, inputs)
        if others:
            self._warn(
                f"webhook {id_} was changed outside Pulumi as well, in {' and '.join(others)}, which the next "
                "`pulumi up` brings back to what is declared"
            )
        return fresh

    def delete(self, id_: str, state: Mapping[str, Any]) -> None:
        """Deletes the webhook. Deleting a missing webhook succeeds."""
        self._meet(id_, state)
        try:
            self.client.delete_webhook(id_)
        except NotFoundError:
            self._confirm_deleted(id_, state)
        except InvalidResponseError as error:
            # A proxy may have responded in Truto's place: what counts is whether the webhook is there.
            try:
                self.client.get_webhook(id_)
            except NotFoundError:
                self._confirm_deleted(id_, state)
            else:
                raise error from None
        finally:
            self._reading.forget(id_)

    def _meet(self, id_: str, state: Mapping[str, Any]) -> None:
        self._known_ids.add(id_)
        self.client.redact(state.get("secret"))

    def _written(self, id_: str, state: State) -> State:
        """The state after a create or an update: the credential that wrote the webhook is the right one for it."""
        return {**state, rules.FINGERPRINT: self.client.settings.fingerprint(id_)}

    def _read_state(self, id_: str, state: Mapping[str, Any]) -> State:
        """The state of a webhook that is there, with a warning if its secret is not known."""
        fresh = rules.keep(self._reading.get(id_), state)
        # Another one is left: a token that was rotated must not show as drift.
        fresh.setdefault(rules.FINGERPRINT, self.client.settings.fingerprint(id_))
        if not fresh["secret"]:
            self._warn(
                f"the secret of webhook {id_} is not known: Truto shows it only once, when the webhook is created. Its "
                "output `secret` is null. If you have the secret, import the webhook with it: see `pulumi-truto "
                "import-file --help`"
            )
        return fresh

    def _update_not_found(self, id_: str, state: Mapping[str, Any], error: NotFoundError) -> TrutoError:
        try:
            self._confirm_deleted(id_, state)
        except UnconfirmedDeletionError as doubt:
            return UnconfirmedDeletionError(f"cannot update webhook {id_}: {doubt}")
        return NotFoundError(
            f"cannot update webhook {id_}: Truto answered 404, and it was deleted outside Pulumi. {_RECREATE}",
            status=error.status,
            detail=error.detail,
        )

    def _update_failed(
        self, id_: str, state: Mapping[str, Any], body: Mapping[str, Any], error: TrutoError
    ) -> UpdateFailedError:
        """The error, with what a look at the webhook says about whether the update took effect."""
        try:
            now = self._written(id_, rules.keep(self.client.for_a_last_look().get_webhook(id_), state))
        except TrutoError as reason:
            return UpdateFailedError(
                f"{error} It is not known whether the update took effect, as the webhook cannot be read ({reason}). "
                "Run `pulumi up --refresh`",
                None,
            )
        missing = rules.changes(now, {**{name: now[name] for name in rules.INPUTS}, **body})
        if not missing:
            return UpdateFailedError(f"{error} Truto applied the update all the same. Run `pulumi up --refresh`", now)
        which = "the update" if len(missing) == len(body) else f"the update of {' and '.join(missing)}"
        return UpdateFailedError(
            f"{error} Truto has not applied {which} so far, and may still. Run `pulumi up --refresh`", now
        )

    def _confirm_deleted(self, id_: str, state: Mapping[str, Any]) -> None:
        """Returns if a 404 for this webhook means "deleted", and raises if it may mean "not in this environment".

        Truto responds to both with the same. The webhook was deleted if the token is the right one: the list shows
        another webhook of the same environment, or it is the very credential that last wrote this webhook.
        """
        declared = state.get("environment_id")
        is_confirmed = state.get(rules.FINGERPRINT) == self.client.settings.fingerprint(id_)
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
                        f"environment {webhook.environment_id}. Nothing was changed. Use a token of the first one; "
                        f"to move the webhook, destroy it with the old token first. {self.client.settings.token_hint}"
                    )
                is_confirmed = is_confirmed or bool(declared and webhook.environment_id == declared)
        if not is_confirmed:
            where = f"the Truto environment {declared}" if declared else "an unknown Truto environment"
            raise UnconfirmedDeletionError(
                f"Truto does not find webhook {id_} of {where}, and the API token sees no webhook that would show "
                "whether it is a token of that environment. Nothing was changed. If it is not, set the right token. If "
                "the webhook was really deleted, run `pulumi state delete <urn>` for it and then `pulumi up`. "
                f"{self.client.settings.token_hint}"
            )
