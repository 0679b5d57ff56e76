"""A batch of calls, admitted and written down by the time the database is left."""

from collections.abc import Sequence

from django.db import DataError

from auth_sessions.domain.tokens.optimistic_audit import AdmissionVersions, record_calls_if_unchanged
from auth_sessions.domain.tokens.uses import record_calls
from auth_sessions.models import UserToken
from feishu_portal.api.problems import Problem
from feishu_portal.api.proxy.admission import (
    AdmissionRows,
    AdmittedCall,
    ApprovalNeeded,
    CallRequest,
    ContentsWanted,
    admit,
)
from feishu_portal.api.proxy.admission_rows import FreshRows, RowCache

Result = AdmittedCall | UserToken | Exception


def admit_batch(requests: Sequence[CallRequest], cache: RowCache) -> list[Result]:
    """For each request what `admit` returns or raises; the admitted calls are committed to the audit log.

    A call like an earlier one takes a single statement; for any other its rows are read.
    """
    results = _admit_from_cache(requests, cache)
    rows, audited = FreshRows(), []
    for number, request in enumerate(requests):
        if number not in results:
            results[number] = admitted = _result(request, rows)
            if isinstance(admitted, AdmittedCall):
                audited.append((request, admitted))
    record_calls([admitted.use for _request, admitted in audited])
    for request, admitted in audited:
        cache.put(request, admitted)
    return [results[number] for number in range(len(requests))]


def _admit_from_cache(requests: Sequence[CallRequest], cache: RowCache) -> dict[int, Result]:
    """The calls that cached rows admit, by their place, as far as the statement that audits them finds those rows
    unchanged. A refusal counts for nothing here: the rows as they are now may say otherwise."""
    admitted: dict[int, tuple[AdmittedCall, AdmissionVersions]] = {}
    for number, request in enumerate(requests):
        if cached := cache.get(request):
            result = _result(request, cached)
            if isinstance(result, AdmittedCall):
                admitted[number] = result, cached.versions
    if not admitted:
        return {}
    are_audited = record_calls_if_unchanged([(call.use, versions) for call, versions in admitted.values()])
    results: dict[int, Result] = {}
    for (number, (call, _versions)), is_audited in zip(admitted.items(), are_audited, strict=True):
        if is_audited:
            results[number] = call
        else:
            cache.drop(requests[number])
    return results


def _result(request: CallRequest, rows: AdmissionRows) -> Result:
    try:
        return admit(request, rows)
    except (Problem, ApprovalNeeded, ContentsWanted, DataError) as error:
        return error
