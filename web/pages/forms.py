"""Forms that people fill in: what they typed, what is wrong with which field, and the form again with all of it.

A form carries a key of its own, so that sending it twice does it once. One that comes from a browser whose session is
over is held up: its person signs in beside it and goes on with the same text.
"""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeGuard
from urllib.parse import urlsplit

from fastapi import Request, Response
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse

from core.complaints import complaint
from core.errors import AnotherRequestError, Code, SoonishError, UnprovedError
from core.ids import LARGEST_ID
from core.work import Actor, Once
from web.problems import STATUS, refusal_of
from web.returning import page_above, prove_first, way_back
from web.site import OWN, Site

_KEY = re.compile(r"[A-Za-z0-9_-]{16,64}")
_NUMBERS_AT_MOST = 5_000
_STEP = "step"
KEY = "key"
NO_ADDRESS = "That is not an e-mail address."
_SECRET = frozenset({"password", "current"})


@dataclass(frozen=True, slots=True)
class Sent:
    """What came with a form. `step` is the button that was pressed."""

    pairs: tuple[tuple[str, str], ...] = field(repr=False)

    @property
    def step(self) -> str:
        return self.get(_STEP)

    def get(self, name: str, otherwise: str = "") -> str:
        return next((value for each, value in self.pairs if each == name), otherwise)

    def typed(self, names: Mapping[str, Any] | tuple[str, ...]) -> dict[str, str]:
        """The text of these fields; empty for those that did not come."""
        return {name: self.get(name) for name in names}

    def numbers(self, name: str) -> list[int]:
        """Row ids, of boxes that were ticked; what is none is left out."""
        found = [value for each, value in self.pairs if each == name and value.isascii() and value.isdecimal()]
        return [int(each) for each in found[:_NUMBERS_AT_MOST] if len(each) < 20 and 0 < int(each) <= LARGEST_ID]

    def once(self, who: Actor, what: str) -> Once:
        """Names this form, whatever stands in it."""
        key = self.get(KEY)
        return Once.of(f"{who.user_id}:form:{what}", key if _KEY.fullmatch(key) else new_key(), self.said())

    @property
    def secret(self) -> bool:
        """Whether something is in it that no page may show again."""
        return any(name in _SECRET for name, _ in self.pairs)

    def said(self) -> list[tuple[str, str]]:
        """Everything but the button and the key."""
        return [pair for pair in self.pairs if pair[0] not in (_STEP, KEY)]


async def read_form(request: Request) -> Sent:
    """Empty when nobody can read it: then nothing is done. Line breaks as they are everywhere else."""
    try:
        form = await request.form(max_fields=_NUMBERS_AT_MOST + 50)
    except HTTPException:
        return Sent(())
    return Sent(tuple((n, v.replace("\r\n", "\n")) for n, v in form.multi_items() if isinstance(v, str)))


def new_key() -> str:
    return secrets.token_urlsafe(16)


def complaints(refusal: SoonishError | ValidationError, names: Mapping[str, str]) -> dict[str, str]:
    """What is wrong, by the field of the form beside which it is said; `""` for what is about no field of it. `names`:
    the form's names of the fields that are called otherwise in what refuses."""
    if isinstance(refusal, AnotherRequestError):
        words = "This form was sent before, with something else in it, and that was done."
        return {"": f"{words} Send it again if you mean both."}
    if isinstance(refusal, SoonishError):
        words = " ".join(filter(None, (refusal.message, refusal.hint)))
        return {names.get(refusal.field or "", refusal.field or ""): words}
    found: dict[str, str] = {}
    for each in refusal.errors():
        name = str(each["loc"][0]) if each["loc"] else ""
        found.setdefault(names.get(name, name), complaint(each))
    return found


def beside(refusal: SoonishError | ValidationError, *fields: str) -> dict[str, str]:
    """As `complaints`, for a form that has only these fields: what is about another one is said of the whole form."""
    found = complaints(refusal, {})
    return {name: words for name, words in found.items() if name in fields} or {"": " ".join(found.values())}


def status_of(refusal: SoonishError | ValidationError) -> int:
    return STATUS[refusal.code] if isinstance(refusal, SoonishError) else STATUS[Code.INVALID]


async def prove_and_return(site: Site, request: Request, refusal: Exception) -> Response | None:
    """Who is not signed in any more, or must prove it, is asked who they are and led back to the page; with a form that
    they filled in they do so in another tab, and send the same form again. None for what is not about that."""
    if request.url.path.startswith("/api/") or not must_sign_in(refusal):
        return None
    if wants_fragment(request):
        return _out_in_place(site, request, typing=True)
    sent = await read_form(request) if request.method == "POST" else Sent(())
    pairs = [] if sent.secret else sent.said()
    if isinstance(refusal, UnprovedError) and not pairs:
        return RedirectResponse(prove_first(page_above(request.scope)), 303, OWN)
    return _held(site, request, refusal, pairs, sent)


def _held(site: Site, request: Request, refusal: SoonishError, pairs: list[tuple[str, str]], sent: Sent) -> Response:
    unproved = isinstance(refusal, UnprovedError)
    context: dict[str, Any] = {
        "way": prove_first(page_above(request.scope)) if unproved else "/sign-in",
        "unproved": unproved,
        "pairs": [*pairs, (KEY, sent.get(KEY))] if pairs else [],
        "steps": bool(sent.step),
        "back": request.url.path,
    }
    said = refusal_of(refusal, request.scope)
    answer = site.pages.page("held.html", status=said.status, headers={**said.headers, **OWN}, **context)
    if not pairs:
        site.cookies.keep_back(answer, page_above(request.scope))
    return answer


def later(answer: Response, refusal: Exception) -> Response:
    """Says when trying again makes sense, where that is known."""
    if isinstance(refusal, SoonishError) and refusal.retry_after is not None:
        answer.headers["Retry-After"] = str(refusal.retry_after)
    return answer


def wants_fragment(request: Request) -> bool:
    """Whether it is a page that asks, for a part of itself: no place that anybody could come back to."""
    return request.headers.get("hx-request") == "true"


def _out_in_place(site: Site, request: Request, *, typing: bool = False, into: str = "") -> Response:
    """What a page is told that asked for a part of itself when its session was over."""
    page = urlsplit(request.headers.get("hx-current-url", ""))
    back = way_back(page.path + (f"?{page.query}" if page.query else ""))
    headers = OWN | ({"HX-Retarget": into, "HX-Reswap": "innerHTML"} if into else {})
    return site.pages.page("_signed_out.html", status=401, headers=headers, typing=typing, back=back)


def sign_in_first(site: Site, request: Request, back: str | None = None, *, into: str = "") -> Response:
    """For a page that is somebody's own: they come back to it, or to `back`. Who is shown it already is told there, in
    what `into` selects, or else in place of the part that was asked for."""
    if wants_fragment(request):
        return _out_in_place(site, request, into=into)
    answer = RedirectResponse("/sign-in", 303, OWN)
    query = request.url.query
    site.cookies.keep_back(answer, way_back(back or request.url.path + (f"?{query}" if query else "")))
    return answer


def must_sign_in(refusal: Exception) -> TypeGuard[SoonishError]:
    return isinstance(refusal, UnprovedError) or (
        isinstance(refusal, SoonishError) and refusal.code is Code.UNAUTHENTICATED
    )


def locale_of(request: Request) -> str | None:
    """The language that a browser asks for first: how its person writes dates."""
    first = request.headers.get("accept-language", "").split(",")[0].partition(";")[0].strip()
    return first if re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*", first) else None
