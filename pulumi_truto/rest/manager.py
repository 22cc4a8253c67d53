"""Creates, reads, updates and deletes resources of Truto's.

Both provider kinds translate their requests to these four methods. No method changes a state that it is given.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Sequence
from typing import Any

from pulumi_truto.api.client import TrutoClient
from pulumi_truto.api.collection import Collection as ApiCollection
from pulumi_truto.api.models import Item
from pulumi_truto.errors import (
    AmbiguousCreateError,
    APIError,
    InvalidResponseError,
    NotFoundError,
    NotSwitchedOnError,
    TrutoError,
    UnconfirmedDeletionError,
    UpdateFailedError,
)
from pulumi_truto.resource_type import Values
from pulumi_truto.rest.cache import ItemCache
from pulumi_truto.rest.deletion import confirm_deleted
from pulumi_truto.rest.rest_type import FINGERPRINT, RestType
from pulumi_truto.rest.state import build_create_body, to_state, to_written_state

__all__ = ["RestManager"]


class RestManager:
    """The items of one resource type in one Truto environment. Thread-safe.

    Args:
        kind: the resource type.
        client: the client of that environment.
        warn: receives warnings for the user.
        known_ids: the items that this process has seen; shared with the provider, which adds to it.
    """

    def __init__(self, kind: RestType, client: TrutoClient, warn: Callable[[str], None], known_ids: set[str]) -> None:
        self.client = client
        self._kind = kind
        self._collection: ApiCollection[Any, Any] = getattr(client, kind.collection)
        self._noun = kind.noun
        self._warn = warn
        self._known_ids = known_ids
        self._claiming = threading.Lock()
        self._cache = ItemCache(self._collection)

    def create(self, inputs: Values) -> tuple[str, Values]:
        """Creates an item that is switched off, then switches it on; returns its id and state.

        A failed attempt, a killed process or a proxy that repeats a request may leave further items behind. They are
        switched off, and never deleted here: nothing shows for certain whose they are.

        Raises:
            AmbiguousCreateError: no attempt succeeded, and some may have left an item behind.
            NotSwitchedOnError: the item was created, but not switched on.
            WrongEnvironmentError: the token belongs to another environment than the settings say.
            TrutoError: there is no new item.
        """
        unknown: list[TrutoError] = []
        body = build_create_body(inputs)
        try:
            created = self._collection.create(body, self._claim, unknown)
        except TrutoError as error:
            if not unknown:
                raise
            raise AmbiguousCreateError(f"{_sentence(error)} {self._possible_orphans(unknown)}") from None
        if unknown:
            self._warn(f"{self._noun} {created.id} was created. {self._possible_orphans(unknown)}")
        self._check_environment(created)
        state = self._written(created, {}, body)
        if not inputs["is_active"]:
            return created.id, state
        switch_on: Values = {"is_active": True, "event_types": inputs["event_types"]}
        try:
            return created.id, self._written(self._collection.update(created.id, switch_on), state, switch_on)
        except TrutoError as error:
            failure = f"{self._noun} {created.id} was created, and could not be switched on ({str(error).rstrip('.')})"
            may_be_on = "may be switched on" if error.may_have_succeeded else "is switched off"
            raise NotSwitchedOnError(
                f"{failure}. It {may_be_on} and in no stack: the next `pulumi up` creates another one, and "
                "`pulumi-truto orphans` finds it",
                f"{failure}. The state has it, and the next `pulumi up` switches it on",
                created.id,
                state,
            ) from None

    def read(self, id_: str, state: Values) -> Values | None:
        """The present state, keeping what only the old state has; ``None`` if the item was deleted.

        An empty state is that of an import: the item has to exist.

        Raises:
            NotFoundError: the state is empty, and there is no such item.
            WrongEnvironmentError: the token belongs to another environment than the item.
            UnconfirmedDeletionError: nothing proves that it was deleted.
        """
        self._remember(id_, state)
        try:
            return self._read_state(id_, state)
        except NotFoundError:
            if not state:
                raise
            confirm_deleted(self._collection, id_, state)
        self._warn(
            f"{self._noun} {id_} was deleted outside Pulumi. If it is still declared, `pulumi up` creates a new one, "
            f"{self._kind.recreated_with}"
        )
        return None

    def update(self, id_: str, state: Values, inputs: Values, ignored: Collection[str] = ()) -> Values:
        """Sends the changed properties, and nothing if there are none.

        Args:
            id_: the item.
            state: its state.
            inputs: the declared inputs.
            ignored: the properties in ``ignore_changes``, which stay as they are at Truto.

        Raises:
            UpdateFailedError: it failed, but Truto may have applied it.
            TrutoError: it failed, and nothing was changed.
        """
        self._remember(id_, state)
        body = self._kind.changes(state, inputs)
        if not body:
            return state
        self._check_known_environment(id_, state)
        sent = body
        if "event_types" not in body:
            # By Truto's reference a PATCH without event_types subscribes to every event.
            if "event_types" in ignored:
                body = {**body, "event_types": self._collection.get(id_).event_types or []}
            else:
                sent = body = {**body, "event_types": inputs["event_types"]}
        try:
            item = self._collection.update(id_, body)
        except NotFoundError as error:
            raise self._update_not_found(id_, state, error) from None
        except TrutoError as error:
            if not error.may_have_succeeded:
                raise
            raise UpdateFailedError(
                f"{_sentence(error)} It is not known whether the update took effect: run `pulumi up --refresh`"
            ) from None
        finally:
            self._cache.invalidate(id_)
        return self._written(item, state, sent)

    def delete(self, id_: str, state: Values) -> None:
        """Deletes the item. Deleting a missing one succeeds."""
        self._remember(id_, state)
        self._check_known_environment(id_, state)
        self._before_delete(id_)
        unknown: list[TrutoError] = []
        try:
            self._collection.delete(id_, unknown)
        except NotFoundError:
            # After a lost response it is our own delete that the 404 confirms.
            is_lost = any(not isinstance(error, APIError) for error in unknown)
            confirm_deleted(self._collection, id_, state, is_confirmed=is_lost)
        except InvalidResponseError as error:
            # Perhaps a proxy responded in Truto's place: only the item itself shows whether it was deleted.
            try:
                self._collection.get(id_)
            except NotFoundError:
                confirm_deleted(self._collection, id_, state, is_confirmed=True)
            else:
                raise error from None
        finally:
            self._cache.invalidate(id_)

    def _claim(self, id_: str) -> bool:
        """Takes an id for a new item; ``False`` if this process has it already."""
        with self._claiming:
            is_new = id_ not in self._known_ids
            self._known_ids.add(id_)
            return is_new

    def _remember(self, id_: str, state: Values) -> None:
        self._claim(id_)
        for property_ in self._kind.properties:
            if property_.is_secret:
                self.client.redactor.add_secret(state.get(property_.name))
        self.client.redactor.add_urls(state)

    def _check_environment(self, created: Item) -> None:
        """Deletes an item that was just created in another environment than the settings name, and raises."""
        settings = self.client.settings
        if settings.is_other_environment(created.environment_id):
            try:
                self._collection.delete(created.id)
                outcome = "it had just been created, and was deleted again"
            except TrutoError as error:
                outcome = f"it has just been created, is switched off, and could not be deleted ({error})"
            settings.check_environment(created.environment_id, f"{self._noun} {created.id}", outcome)

    def _check_known_environment(self, id_: str, state: Values) -> None:
        """Raises if the item belongs to another environment than the settings name. Nothing was changed yet."""
        if state.get("environment_id"):
            self.client.settings.check_environment(state["environment_id"], f"{self._noun} {id_}")
        elif self.client.settings.environment_id:
            self._collection.get(id_)

    def _written(self, item: Item, known: Values, sent: Values) -> Values:
        """The state after a request that sent some properties, with the fingerprint of the credential that did."""
        state = to_written_state(self._kind, item, known, sent)
        expected: Values = {**self._kind.pick_inputs(state), **sent}
        if differences := self._kind.changes(state, expected):
            self._warn(
                f"Truto's response for {self._noun} {item.id} has other values than were sent, in "
                f"{' and '.join(differences)}. The next `pulumi up` sends them again"
            )
        return {**state, FINGERPRINT: self.client.settings.fingerprint(item.id)}

    def _read_state(self, id_: str, state: Values) -> Values:
        """The state of an existing item."""
        present_state = to_state(self._kind, self._cache.get(id_), state)
        # An older fingerprint stays: a rotated token must not show as drift.
        present_state.setdefault(FINGERPRINT, self.client.settings.fingerprint(id_))
        if state.get("is_active") is True and not present_state["is_active"]:
            self._warn(self._describe_switched_off(id_))
        return present_state

    def _describe_switched_off(self, id_: str) -> str:
        """The warning of a refresh that finds the item switched off."""
        return (
            f"{self._noun} {id_} was switched off outside Pulumi. The next `pulumi up` switches it on again, if it is "
            "declared active"
        )

    def _before_delete(self, id_: str) -> None:
        """Called before the item is deleted."""

    def _update_not_found(self, id_: str, state: Values, error: NotFoundError) -> TrutoError:
        try:
            confirm_deleted(self._collection, id_, state)
        except UnconfirmedDeletionError as doubt:
            return UnconfirmedDeletionError(f"cannot update {self._noun} {id_}: {doubt}")
        return NotFoundError(
            f"cannot update {self._noun} {id_}: Truto returned 404, and it was deleted outside Pulumi. Run `pulumi up "
            f"--refresh` to create it again, {self._kind.recreated_with}",
            status=error.status,
            detail=error.detail,
        )

    def _possible_orphans(self, unknown: Sequence[TrutoError]) -> str:
        """The items that attempts with an unknown outcome may have left behind: one sentence without a full stop."""
        is_one = len(unknown) == 1
        attempts, orphans = ("1 attempt", "1") if is_one else (f"{len(unknown)} attempts", f"up to {len(unknown)}")
        ids = dict.fromkeys(error.id for error in unknown if isinstance(error, InvalidResponseError))
        names = ", ".join(id_ for id_ in ids if id_)
        return (
            f"{attempts} had an unknown outcome{f' (a response named {names})' if names else ''} and may have left "
            f"{orphans} {self._noun}{'' if is_one else 's'} behind, switched off: `pulumi-truto orphans` finds "
            f"{'it' if is_one else 'them'}"
        )


def _sentence(error: TrutoError) -> str:
    """The error's message, which ends with a full stop."""
    return str(error).rstrip(".") + "."
