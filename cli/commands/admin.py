"""`soonish operator …` and `admin …`: who operates this service, and what an operator does at two in the morning."""

from typing import TYPE_CHECKING, Annotated

import typer

from cli.terminal import LARGEST_ID, AsJson, Cursor, EventId, Limit, Yes, how_many, operating, show, sure, table

if TYPE_CHECKING:
    from core.events.abuse import ReportView
    from core.operators.access import Operators, OperatorView
    from core.operators.deliveries import Dead, Requeued
    from core.operators.events import Affected
    from core.operators.looks import AuditView, ChannelHealth
    from core.operators.numbers import Numbers
    from core.pages import Page

Email = Annotated[str, typer.Argument(metavar="EMAIL", help="The address of an account.")]
Named = Annotated[
    list[str] | None, typer.Argument(metavar="[PERSON]…", help="Addresses or numbers; none: from the standard input.")
]


def add_to(app: typer.Typer) -> None:
    operator = typer.Typer(help="Who operates this service on its site.", no_args_is_help=True)
    operator.command()(add)
    operator.command()(remove)
    operator.command("list")(list_them)
    admin = typer.Typer(help="What an operator looks at and does.", no_args_is_help=True)
    admin.command()(numbers)
    admin.command()(cancel)
    admin.command()(put_out)
    admin.command()(let_back)
    admin.command()(reports)
    admin.command()(close)
    admin.command()(channels)
    admin.command()(dead)
    admin.command()(requeue)
    admin.command()(audit)
    app.add_typer(operator, name="operator")
    app.add_typer(admin, name="admin")


def add(email: Email, as_json: AsJson = False) -> None:
    """Let an account operate the service, at /admin on the site."""
    from core.operators.access import add_operator

    show(operating(lambda core, operator: core.act(operator, add_operator, email)), _operates, as_json=as_json)


def remove(email: Email, as_json: AsJson = False) -> None:
    """Take that back; it holds from their next click on."""
    from core.operators.access import remove_operator

    done = operating(lambda core, operator: core.act(operator, remove_operator, email))
    show(done, lambda answer: typer.echo(f"{answer.email} operates nothing any more."), as_json=as_json)


def list_them(as_json: AsJson = False) -> None:
    """List the accounts that operate the service."""
    from core.operators.access import list_operators

    show(operating(lambda core, operator: core.ask(operator, list_operators)), _operators, as_json=as_json)


def numbers(as_json: AsJson = False) -> None:
    """Show what the last 30 days were like, a line a day."""
    from core.operators.numbers import count_numbers

    show(operating(lambda core, operator: core.ask(operator, count_numbers)), _numbers, as_json=as_json)


def cancel(
    event: EventId,
    reason: Annotated[str, typer.Option(help="As followers read it.")] = "",
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Cancel anybody's event, for good. Everybody who follows is told."""
    from core.events.model import Cancellation
    from core.operators.events import force_cancel

    sure("Cancel this event and tell everybody?", yes=yes)
    wanted = Cancellation(reason=reason)
    done = operating(lambda core, operator: core.act(operator, force_cancel, event, wanted))
    show(done, lambda answer: typer.echo(f"{answer.name} is cancelled."), as_json=as_json)


def put_out(event: EventId, people: Named = None, yes: Yes = False, as_json: AsJson = False) -> None:
    """Remove many people from an event, silently."""
    from core.operators.events import read_people, remove_people

    who = read_people(_pasted(people))
    sure(f"Remove {how_many(len(who.subscription_ids) + len(who.addresses), 'person', 'people')}?", yes=yes)
    done = operating(lambda core, operator: core.act(operator, remove_people, event, who))
    show(done, lambda answer: _affected(answer, "removed"), as_json=as_json)


def let_back(event: EventId, people: Named = None, as_json: AsJson = False) -> None:
    """Let people who were removed from an event subscribe again. Nothing is sent."""
    from core.operators.events import let_people_back, read_people

    who = read_people(_pasted(people))
    done = operating(lambda core, operator: core.act(operator, let_people_back, event, who))
    show(done, lambda answer: _affected(answer, "may come back"), as_json=as_json)


def reports(
    closed: Annotated[bool, typer.Option("--closed", help="Those that are closed.")] = False,
    limit: Limit = 50,
    cursor: Cursor = None,
    as_json: AsJson = False,
) -> None:
    """Show what people say is wrong with an event, newest first."""
    from core.events.abuse import list_reports
    from core.pages import PageRequest

    page = PageRequest(limit=limit, cursor=cursor)
    found = operating(lambda core, operator: core.ask(operator, list_reports, page, closed=closed))
    show(found, _reports, as_json=as_json)


def close(
    report: Annotated[int, typer.Argument(metavar="NUMBER", min=1, max=LARGEST_ID, help="As in reports.")],
    note: Annotated[str, typer.Option(help="What came of it.")] = "",
    as_json: AsJson = False,
) -> None:
    """Close a report."""
    from core.events.abuse import Closing, close_report

    done = operating(lambda core, operator: core.act(operator, close_report, report, Closing(note=note)))
    show(done, lambda answer: typer.echo(f"Report {answer.id} is closed."), as_json=as_json)


def channels(as_json: AsJson = False) -> None:
    """Show how channels are, and which fail most; never where they lead."""
    from core.operators.looks import channel_health

    show(operating(lambda core, operator: core.ask(operator, channel_health)), _channels, as_json=as_json)


def dead(as_json: AsJson = False) -> None:
    """Show what was given up, by kind of message and reason."""
    from core.operators.deliveries import dead_deliveries

    show(operating(lambda core, operator: core.ask(operator, dead_deliveries)), _dead, as_json=as_json)


def requeue(
    kind: Annotated[str, typer.Option(help="Kind of message, as dead shows it.")],
    code: Annotated[str, typer.Option(help="Reason's code, as dead shows it.")],
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many at most, the newest first.")] = 1000,
    as_json: AsJson = False,
) -> None:
    """Try given-up deliveries again; what is no longer news is left out."""
    from core.operators.deliveries import Which, requeue_dead

    which = Which(kind=kind, code=code, limit=limit)
    show(operating(lambda core, operator: core.act(operator, requeue_dead, which)), _requeued, as_json=as_json)


def audit(
    actor: Annotated[int | None, typer.Option(min=1, max=LARGEST_ID, help="An account, by number.")] = None,
    action: Annotated[str | None, typer.Option(help="Like cancel_event.")] = None,
    subject: Annotated[str | None, typer.Option(help="Like event:12.")] = None,
    since: Annotated[str | None, typer.Option(metavar="TIME")] = None,
    until: Annotated[str | None, typer.Option(metavar="TIME")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
    as_json: AsJson = False,
) -> None:
    """Show who did what, newest first."""
    from core.operators.looks import AuditFilter, audit_trail
    from core.pages import PageRequest
    from core.times import parse_instant

    wanted = AuditFilter(
        actor=actor,
        action=action,
        subject=subject,
        since=parse_instant(since) if since else None,
        until=parse_instant(until) if until else None,
    )
    page = PageRequest(limit=limit, cursor=cursor)
    show(operating(lambda core, operator: core.ask(operator, audit_trail, wanted, page)), _audit, as_json=as_json)


def _pasted(people: list[str] | None) -> str:
    return "\n".join(people) if people else typer.get_text_stream("stdin").read()


def _operates(answer: "OperatorView") -> None:
    typer.echo(f"{answer.email} operates this service, at /admin.")


def _operators(found: "Operators") -> None:
    rows = [(each.id, each.email or "", each.display_name) for each in found.items]
    table(("NUMBER", "E-MAIL", "NAME"), rows, none="Nobody but the terminal.")


def _numbers(found: "Numbers") -> None:
    lines = [
        (plot.title if len(plot.series) == 1 else f"{plot.title}: {each.name}", plot.unit, each.values)
        for plot in found.plots
        for each in plot.series
    ]
    head = ("DAY", *(f"{name} {unit}".strip().upper() for name, unit, _ in lines))
    rows = [
        (day, *("" if values[at] is None else f"{values[at]:g}" for _, _, values in lines))
        for at, day in enumerate(found.days)
    ]
    table(head, rows, none="")


def _affected(answer: "Affected", became: str) -> None:
    typer.echo(f"{answer.people} {became}.")
    if answer.out_already:
        typer.echo(f"Out already, and stay out: {answer.out_already}")
    for each in answer.unknown:
        typer.echo(f"Not here: {each}")


def _reports(page: "Page[ReportView]") -> None:
    rows = [
        (each.id, each.created_at.isoformat(timespec="seconds"), each.event_id, each.event_name,
         " ".join(each.body.split()), each.note)
        for each in page.items
    ]  # fmt: skip
    table(("NUMBER", "TIME", "EVENT", "NAME", "SAYS", "NOTE"), rows, none="None.")
    if page.next:
        typer.echo(f"More: --cursor {page.next}")


def _channels(found: "ChannelHealth") -> None:
    kinds = [(each.kind, each.channels, each.failing, each.off) for each in found.kinds]
    table(("KIND", "CHANNELS", "FAILING", "OFF"), kinds, none="No channels.")
    if found.worst:
        typer.echo()
        worst = [
            (each.id, each.kind, each.failures, each.disabled_reason or "", each.last_error or "")
            for each in found.worst
        ]
        table(("NUMBER", "KIND", "IN A ROW", "OFF BECAUSE", "LATEST ERROR"), worst, none="")


def _dead(found: "Dead") -> None:
    rows = [(each.kind, each.code, each.number, each.latest.isoformat(timespec="seconds")) for each in found.items]
    table(("KIND", "CODE", "NUMBER", "LATEST"), rows, none="Nothing was given up.")


def _requeued(answer: "Requeued") -> None:
    typer.echo(f"{how_many(answer.requeued, 'delivery', 'deliveries')} will be tried again.")
    if answer.left:
        typer.echo("There are more: run it again.")


def _audit(page: "Page[AuditView]") -> None:
    rows = [
        (each.at.isoformat(timespec="seconds"), each.actor_user_id or "", each.via, each.action, each.subject,
         each.outcome)
        for each in page.items
    ]  # fmt: skip
    table(("TIME", "ACCOUNT", "VIA", "ACTION", "SUBJECT", "OUTCOME"), rows, none="Nothing fits.")
    if page.next:
        typer.echo(f"More: --cursor {page.next}")
