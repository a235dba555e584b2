"""The API's part about hosts."""

from __future__ import annotations

from typing import Any, Literal

from django.http import HttpRequest
from ninja import Router, Status

from dockernet_site.api_auth import BearerToken
from dockernet_site.api_schemas import Page, PagingQuery, paged, refusals, require_known
from hosts.api_schemas import HostIn, HostMade, HostOut, RefreshOut, TagsIn
from hosts.fleet_selectors import SORTS, STATUSES, host_list
from hosts.presenters import host_json
from hosts.selectors import host_get
from hosts.services import (
    host_create,
    host_refresh,
    host_revoke,
    host_rotate,
    host_tags_set,
)
from people.roles import Role

router = Router()


@router.post("", auth=BearerToken(Role.ADMIN), response={201: HostMade, **refusals(409, 422)})
def create(request: HttpRequest, payload: HostIn) -> Any:
    """Register a host; run `enroll_command` on it as root."""
    host, command = host_create(
        user=request.auth,  # type: ignore[attr-defined]
        name=payload.name,
        environment=payload.environment,
        tags=payload.tags,
    )
    made = {"name": host.name, "environment": host.environment, "status": host.status}
    return Status(201, {**made, "enroll_command": command})


@router.get("", auth=BearerToken(), response={200: Page[HostOut], **refusals(422)})
def index(
    request: HttpRequest,
    paging: PagingQuery,
    search: str = "",
    environment: str = "",
    status: str = "",
    tag: str = "",
    docker_version: str = "",
    conflicts: Literal["", "yes", "no"] = "",
    changes: Literal["", "yes", "no"] = "",
    sort: str = "",
) -> Any:
    """All hosts by name; each word of `search` is in the name, the environment, docker0's subnet
    or a tag. `sort`: host, status, docker0, containers, conflicts, change, docker or seen; with -
    before it the other way round."""
    require_known("status", status, STATUSES)
    require_known("sort", sort.removeprefix("-"), SORTS)
    hosts = host_list(
        search=search,
        environment=environment,
        status=status,
        tag=tag,
        docker_version=docker_version,
        conflicts=conflicts,
        changes=changes,
        sort=sort,
    )
    return paged(hosts.prefetch_related("tags"), paging, host_json)


@router.get("/{name}", auth=BearerToken(), response={200: HostOut, **refusals(404)})
def detail(request: HttpRequest, name: str) -> Any:
    """One host as it was last seen."""
    return host_json(host_get(name=name))


@router.put(
    "/{name}/tags", auth=BearerToken(Role.ADMIN), response={200: HostOut, **refusals(404, 422)}
)
def tags(request: HttpRequest, name: str, payload: TagsIn) -> Any:
    """Give the host these tags and no others."""
    host = host_get(name=name)
    host_tags_set(user=request.auth, host=host, tags=payload.tags)  # type: ignore[attr-defined]
    return host_json(host)


@router.post(
    "/{name}/refresh", auth=BearerToken(), response={202: RefreshOut, **refusals(404, 409)}
)
def refresh(request: HttpRequest, name: str) -> Any:
    """Ask the host to look at itself; a fresh observation follows."""
    user = request.auth  # type: ignore[attr-defined]
    return Status(202, {"request_id": host_refresh(user=user, host=host_get(name=name))})


@router.post(
    "/{name}/revoke", auth=BearerToken(Role.ADMIN), response={200: HostOut, **refusals(404, 409)}
)
def revoke(request: HttpRequest, name: str) -> Any:
    """Lock the host out at once and for good."""
    host = host_get(name=name)
    host_revoke(user=request.auth, host=host)  # type: ignore[attr-defined]
    return host_json(host)


@router.post(
    "/{name}/rotate", auth=BearerToken(Role.ADMIN), response={202: HostOut, **refusals(404, 409)}
)
def rotate(request: HttpRequest, name: str) -> Any:
    """Give the host new keys; it takes them when it is online and at no job."""
    host = host_rotate(user=request.auth, host=host_get(name=name))  # type: ignore[attr-defined]
    return Status(202, host_json(host))
