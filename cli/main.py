"""The terminal's front door: every command there is. Each imports what it needs when it runs."""

import typer

from cli.commands import accounts, channels, demo, events, messages, operate, run, when
from cli.refusals import Front


def build() -> typer.Typer:
    app = typer.Typer(
        name="soonish",
        cls=Front,
        help="Tells people what is coming, where they already are.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )
    for module in (run, demo, accounts, events, when, messages, channels, operate):
        module.add_to(app)
    return app


def main() -> None:
    build()(prog_name="soonish")
