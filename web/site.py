"""What every route works with: the core, the outside, Temporal and the templates. Built once, held by the app."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import Depends, Request, Response

from core.accounts.passwords import Passwords
from core.accounts.sessions import session_actor
from core.metrics.backlog import BacklogGauge
from core.metrics.page import MetricsPage
from core.operations.gauge import Gauge
from core.operations.pulse import Pulse
from core.operators.numbers import NumbersGauge
from core.settings import Settings
from core.temporal import Temporal
from core.wiring import Outbound
from core.work import Actor, Core
from web.clients import client_network
from web.cookies import Cookies
from web.pages.state import PageStates
from web.render import Pages

OWN = {"Cache-Control": "private, no-store"}
"""For whatever depends on who is signed in."""
TYPED = {"Cache-Control": "private, no-cache", "Vary": "Cookie"}
"""The same for pages that people write in: of a page that may not be stored Firefox keeps nothing, and its fields are
empty for who comes Back to it. Who is somebody else by then, or nobody, is not shown it: what a browser stored it asks
for anew where the cookie is another one, and from one that never left its memory `app.js` leads away."""


@dataclass(frozen=True, slots=True)
class Site:
    core: Core
    outbound: Outbound
    temporal: Temporal
    pages: Pages
    gauge: Gauge
    backlog: BacklogGauge
    metrics: MetricsPage
    pulse: Pulse
    states: PageStates
    cookies: Cookies
    passwords: Passwords
    numbers: NumbersGauge

    @property
    def settings(self) -> Settings:
        return self.core.settings

    def visitor(self, request: Request, via: str = "web") -> Actor:
        """Nobody in particular, with the address that limits count."""
        return Actor(None, via, client_network(request.scope, self.settings.trusted_proxies))

    async def person(self, request: Request, via: str = "web") -> Actor:
        """Whoever is signed in in this browser, else a visitor."""
        visitor, cookie = self.visitor(request, via), self.cookies.session(request)
        if cookie is None:
            return visitor
        return await session_actor(self.core, cookie, via, visitor.ip) or visitor

    async def sending(self) -> Literal["on", "paused", "late", "unknown"]:
        """Whether what is due goes out, as of a few seconds ago. `late`: it does not move, as when no worker runs."""
        found = await self.backlog.look()
        if found is None:
            return "unknown"
        return "paused" if found.paused else "late" if found.late else "on"

    def frame(self, who: Actor) -> dict[str, Any]:
        """What the frame of a page says of who sees it: whose it is (False for a visitor's), and where they may go."""
        return {"signed_in": who.user_id or False, "operates": who.operates}

    def show(
        self,
        who: Actor,
        name: str,
        /,
        *,
        here: str | None = None,
        status: int = 200,
        headers: dict[str, str] = OWN,
        **about: Any,
    ) -> Response:
        """A page of somebody who is signed in. `here`: the place in the navigation that it belongs to."""
        about |= self.frame(who) | {"here": here}
        return self.pages.page(name, status=status, headers=headers, **about)


async def site_of(request: Request) -> Site:
    site = request.app.state.site
    assert isinstance(site, Site)  # noqa: S101 - narrows what Starlette keeps untyped
    return site


SiteOf = Annotated[Site, Depends(site_of)]
