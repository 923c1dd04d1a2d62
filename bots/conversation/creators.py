"""Who may put events on in a place."""

from bots.conversation.speaker import Turn
from core.accounts.users import my_account
from core.chat.settings import may_create_here
from core.errors import Code, SoonishError


async def refuse_strangers(turn: Turn) -> None:
    """Asked again at every press: rights are taken away between two of them. Raises SoonishError."""
    place, dialect = turn.speaker.place, turn.speaker.dialect
    if place is None or not place.tenant_id:
        if (await turn.ask(my_account)).email_verified_at is None:
            raise SoonishError(
                Code.FORBIDDEN, "In direct messages, events are created by accounts with an e-mail address.",
                hint=f"Use {dialect.command('event', 'create')} in a {dialect.space}, "
                f"or link your account with {dialect.command('me', 'link')}.",
            )  # fmt: skip
        return
    turn.speaker.rights_are_known()
    if not await _may_create(turn):
        raise SoonishError(
            Code.FORBIDDEN, "Only people who manage events here create them.", hint=dialect.creators_hint
        )


async def refuse_strangers_early(turn: Turn) -> None:
    """Before they type a whole form. What the platform does not tell just now is asked once it is sent."""
    if not turn.speaker.unsure:
        await refuse_strangers(turn)


async def may_create(turn: Turn) -> bool:
    """Whether the way to a form is shown."""
    try:
        await refuse_strangers_early(turn)
    except SoonishError:
        return False
    return True


async def may_put_on_here(turn: Turn) -> bool:
    """Whether buttons for it are shown. What the platform does not tell just now is asked at the press."""
    place = turn.speaker.place
    if place is None or not place.tenant_id:
        return False
    return turn.speaker.unsure or await _may_create(turn)


async def _may_create(turn: Turn) -> bool:
    here, speaker = await turn.here(), turn.speaker
    rights = {"manages_events": speaker.manages_events, "administers": speaker.administers}
    return may_create_here(here, speaker.signed, **rights)
