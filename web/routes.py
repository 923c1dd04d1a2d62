"""Every address of the site and of the API."""

import functools

from web import metrics
from web.api import accounts, document, events, integrations, invitations, notifications, operations, subscriptions
from web.pages import (
    account,
    address,
    admin,
    again,
    calendars,
    cancel,
    channels,
    confirm,
    create,
    dev,
    edit,
    erase,
    event,
    follow,
    health,
    identities,
    invitation,
    log,
    manage,
    message,
    mine,
    people,
    plain,
    profile,
    report,
    share,
    slack,
    subscribers,
    unsubscribe,
)
from web.routing import Routes

API = (
    events.router,
    subscriptions.router,
    invitations.router,
    notifications.router,
    integrations.router,
    accounts.router,
    operations.router,
)
PAGES = (
    document.router,
    plain.router,
    mine.router,
    create.router,
    edit.router,
    health.router,
    manage.router,
    message.router,
    subscribers.router,
    people.router,
    cancel.router,
    channels.router,
    share.router,
    event.router,
    follow.router,
    report.router,
    confirm.router,
    unsubscribe.router,
    invitation.router,
    account.router,
    again.router,
    profile.router,
    erase.router,
    address.router,
    calendars.router,
    identities.router,
    slack.router,
    log.router,
    admin.router,
    metrics.router,
)


@functools.cache
def all_routes(*, development: bool) -> Routes:
    """Once for a process: no route knows its application."""
    routers = (*API, *PAGES, *((dev.router,) if development else ()))
    return Routes(route for router in routers for route in router.routes)
