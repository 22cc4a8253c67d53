"""The event types that Truto is known to send. The list is open: an unknown one is never an error.

Source: Truto's API reference, guides and SDKs, as of 2026-11.
"""

from __future__ import annotations

from enum import Enum

__all__ = ["EventType"]


class EventType(str, Enum):
    """The known event types, for completion in an editor.

    Each member is a string (``EventType.RECORD_CREATED == "record:created"``), and any other string is accepted
    wherever one of these is: Truto adds event types without notice.
    """

    SYNC_JOB_RUN_CREATED = "sync_job_run:created"
    SYNC_JOB_RUN_UPDATED = "sync_job_run:updated"
    SYNC_JOB_RUN_STARTED = "sync_job_run:started"
    SYNC_JOB_RUN_COMPLETED = "sync_job_run:completed"
    SYNC_JOB_RUN_FAILED = "sync_job_run:failed"
    SYNC_JOB_RUN_DELETED = "sync_job_run:deleted"
    SYNC_JOB_RUN_RECORD = "sync_job_run:record"
    SYNC_JOB_RUN_RECORD_ERROR = "sync_job_run:record_error"
    SYNC_JOB_RUN_RATE_LIMITED = "sync_job_run:rate_limited"
    INTEGRATED_ACCOUNT_CREATED = "integrated_account:created"
    INTEGRATED_ACCOUNT_UPDATED = "integrated_account:updated"
    INTEGRATED_ACCOUNT_DELETED = "integrated_account:deleted"
    INTEGRATED_ACCOUNT_ACTIVE = "integrated_account:active"
    INTEGRATED_ACCOUNT_REACTIVATED = "integrated_account:reactivated"
    INTEGRATED_ACCOUNT_AUTHENTICATION_ERROR = "integrated_account:authentication_error"
    INTEGRATED_ACCOUNT_FORBIDDEN_ERROR = "integrated_account:forbidden_error"
    INTEGRATED_ACCOUNT_POST_INSTALL_ERROR = "integrated_account:post_install_error"
    INTEGRATED_ACCOUNT_VALIDATION_ERROR = "integrated_account:validation_error"
    INTEGRATED_ACCOUNT_POST_CONNECT_FORM_SUBMITTED = "integrated_account:post_connect_form_submitted"
    RECORD_CREATED = "record:created"
    RECORD_UPDATED = "record:updated"
    RECORD_DELETED = "record:deleted"
    RECORD_META = "record:meta"
    RECORD_ANY = "record:*"
    SYNC_JOB_CRON_TRIGGER_FAILED = "sync_job_cron_trigger:failed"
    BATCH_JOB_COMPLETED = "batch_job:completed"
    BATCH_JOB_FAILED = "batch_job:failed"
    BATCH_JOB_DRY_RUN_COMPLETED = "batch_job:dry_run_completed"
    BATCH_JOB_DRY_RUN_FAILED = "batch_job:dry_run_failed"
    ENVIRONMENT_INTEGRATION_CREATED = "environment_integration:created"
    ENVIRONMENT_INTEGRATION_UPDATED = "environment_integration:updated"
    ENVIRONMENT_INTEGRATION_DELETED = "environment_integration:deleted"
    ENVIRONMENT_UNIFIED_MODEL_CREATED = "environment_unified_model:created"
    ENVIRONMENT_UNIFIED_MODEL_UPDATED = "environment_unified_model:updated"
    ENVIRONMENT_UNIFIED_MODEL_DELETED = "environment_unified_model:deleted"
    API_TOKEN_CREATED = "api_token:created"  # noqa: S105 - the name of an event
    API_TOKEN_DELETED = "api_token:deleted"  # noqa: S105 - the name of an event
    LINK_TOKEN_CONNECTION_ERROR = "link_token:connection_error"  # noqa: S105 - the name of an event

    def __str__(self) -> str:
        return str(self.value)
