"""Signing in on the site as somebody Discord or Slack knows. What comes back from there is believed once, in the
browser that went, and an e-mail address in it means nothing: accounts are never found by it."""

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite

from core.accounts.links import demand_by_ip
from core.accounts.model import Opened
from core.accounts.sessions import begin_session, watch_session
from core.db.models import Token, User
from core.errors import Code, SoonishError, conflict
from core.identities.actors import actor_of_identity
from core.identities.linking import mint_link_of_identity
from core.identities.model import Minted
from core.identities.providers import Provider, identify
from core.tokens import OAUTH_LIFETIME, Errand, OAuthState, browser_hash, read_oauth, token_hash
from core.work import Actor, Core, Work

LONGEST_CODE = 2_000


async def come_back(
    core: Core, provider: Provider, actor: Actor, *, state: str, code: str, browser: str | None, agent: str
) -> Opened | Minted:
    """A session for whoever the platform names, or (who came to link) the link that their account may confirm."""
    errand = read_state(core, provider, state, browser, {"sign_in", "link"})
    if not 0 < len(code) <= LONGEST_CODE:
        raise SoonishError(
            Code.FORBIDDEN, f"{provider.label} did not let you in here.", hint="Start again, or sign in by mail."
        )
    await core.act(actor, use_up_state, state)
    signed = await identify(provider, core.keys, state, code, core.clock.now())
    theirs = await actor_of_identity(core, signed, actor.via, actor.ip)
    if errand.purpose == "link":
        return await core.act(theirs, mint_link_of_identity)
    return await core.act(actor, open_by_identity, theirs.require_user(), agent)


def read_state(
    core: Core, provider: Provider, state: str, browser: str | None, purposes: Collection[Errand]
) -> OAuthState:
    """Whether we sent exactly this browser there, to this platform and for that."""
    errand = read_oauth(core.keys, state, core.clock.now())
    ours = errand.platform == provider.platform and errand.purpose in purposes
    if not ours or browser_hash(core.keys, browser) != errand.browser:
        raise SoonishError(
            Code.NOT_FOUND, "This browser did not ask for that.", hint="Start again on the page “Sign in”."
        )
    return errand


async def use_up_state(work: Work, state: str) -> None:
    """Each works once: whoever sends it again, even the same browser, starts anew."""
    await demand_by_ip(work)
    insert = sqlite.insert if work.core.db.sqlite else postgresql.insert
    used = {"purpose": "oauth", "token_hash": token_hash(state), "used_at": work.now, "created_at": work.now}
    done = await work.session.execute(
        insert(Token).values(expires_at=work.now + OAUTH_LIFETIME, **used).on_conflict_do_nothing()
    )
    if not done.rowcount:  # type: ignore[attr-defined]
        raise conflict("This way in was used already.", hint="Start again on the page “Sign in”.")


async def open_by_identity(work: Work, user_id: int, agent: str) -> Opened:
    """The platform named them just now: a session begins."""
    # A merge under way is waited for: nobody is signed in as an account that has gone (PostgreSQL).
    held = select(User.merged_into).where(User.id == user_id).with_for_update(read=True, key_share=True)
    merged = await work.session.scalar(held)
    user_id = merged or user_id
    work.subject = f"user:{user_id}"
    session_id, token = await begin_session(work, user_id, agent)
    watch_session(work, user_id, session_id)
    return Opened(token=token, user_id=user_id)
