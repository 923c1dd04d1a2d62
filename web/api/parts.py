"""What the API's routes share: who calls, repeated requests, ids, pages."""

import json
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Path, Query, Request, Security
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel

from core.accounts.users import authenticate
from core.errors import Code, SoonishError
from core.ids import LARGEST_ID
from core.pages import PageRequest
from core.work import Actor, Once
from web.cookies import SECURE_PREFIX, SESSION
from web.site import SiteOf

_bearer = HTTPBearer(auto_error=False, scheme_name="token", description="An API token: `Authorization: Bearer …`")
_cookie = APIKeyCookie(
    name=SECURE_PREFIX + SESSION,
    auto_error=False,
    scheme_name="session",
    description="The cookie of a browser that is signed in; pages of other sites cannot use it.",
)
ANYBODY: dict[str, Any] = {"security": [{}, {"token": []}, {"session": []}]}
"""For whoever comes; who it is changes the answer."""
BASE58 = "^[1-9A-HJ-NP-Za-km-z]{10}$"


def api_router(tag: str) -> APIRouter:
    """Its operations are named as their functions are."""
    return APIRouter(prefix="/api", tags=[tag], generate_unique_id_function=lambda route: route.name)


EventId = Annotated[str, Path(pattern=BASE58, description="The event's public id", examples=["k7Qm2vX9aR"])]
RowId = Annotated[int, Path(ge=1, le=LARGEST_ID)]


async def caller(request: Request, site: SiteOf) -> Actor:
    """The bearer of the token, else whoever is signed in in this browser, else nobody in particular. A token that is
    not valid is refused; a cookie that is over says nothing."""
    header = request.headers.get("authorization")
    if header is None:
        return await site.person(request, "api")
    visitor = site.visitor(request, "api")
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer":
        raise SoonishError(Code.UNAUTHENTICATED, "The API knows bearer tokens only.", hint="Authorization: Bearer …")
    return await authenticate(site.core, token.strip(), "api", visitor.ip)


async def known(
    actor: Annotated[Actor, Depends(caller)],
    _: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
    __: Annotated[str | None, Security(_cookie)],
) -> Actor:
    actor.require_user()
    return actor


async def signed_in(actor: Annotated[Actor, Depends(caller)], _: Annotated[str | None, Security(_cookie)]) -> Actor:
    actor.require_user()
    return actor


Caller = Annotated[Actor, Depends(caller)]
"""Somebody, perhaps with an account."""
Me = Annotated[Actor, Depends(known)]
"""Somebody with an account."""
AtSite = Annotated[Actor, Depends(signed_in)]
"""Somebody with an account, at the site: the use case refuses tokens, which are for programs."""


async def page_request(
    limit: Annotated[int, Query(ge=1, le=1000)] = 50,
    cursor: Annotated[str | None, Query(max_length=40, description="`next` of the page before")] = None,
) -> PageRequest:
    return PageRequest(limit=limit, cursor=cursor)


async def long_page_request(
    limit: Annotated[int, Query(ge=1, le=1000)] = 1000,
    cursor: Annotated[str | None, Query(max_length=40, description="`next` of the page before")] = None,
) -> PageRequest:
    return PageRequest(limit=limit, cursor=cursor)


Paging = Annotated[PageRequest, Depends(page_request)]
LongPaging = Annotated[PageRequest, Depends(long_page_request)]


@dataclass(frozen=True, slots=True)
class Repetition:
    """Names a request by its Idempotency-Key, so that sending it twice does it once."""

    key: str | None
    route: str

    def of(self, actor: Actor, body: BaseModel | None = None) -> Once | None:
        if self.key is None:
            return None
        said = json.loads(body.model_dump_json(exclude_unset=True)) if body is not None else None
        return Once.of(f"{actor.user_id}:{self.route}", self.key, said)


async def repetition(
    request: Request,
    idempotency_key: Annotated[
        str | None,
        Header(
            min_length=1,
            max_length=200,
            pattern="^[ -~]+$",
            description="The same key with the same body gets the first answer again and does nothing twice (a day)",
        ),
    ] = None,
) -> Repetition:
    return Repetition(idempotency_key, f"{request.method} {request.url.path}")


Repeat = Annotated[Repetition, Depends(repetition)]
