"""What all commands of ours have in common: options in groups, and where to read on at the end of the help."""

from __future__ import annotations

from typing import Any

import click

from mock_intake.cli.settings import PREFIX, settable
from mock_intake.system.documentation import documentation

OTHER = "Other options"


class Command(click.Command):
    """A command whose help shows its options by their headings, and says where to read on.

    ``page`` is the page of the documentation, without ``.md``. Headings (see ``options.option_group``) stand in the
    order of their first options; what has none comes last.
    """

    def __init__(self, *arguments: Any, page: str = "reference/cli", **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.page = page

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click has it, but what is empty is refused: it is what a shell makes of a variable that is not set.

        The file "" would be the working directory, and the key "" one that nobody can send. What is for a command that
        is run (``run -- CMD ""``) may be anything.
        """
        if not ctx.resilient_parsing and any(each == "" or each.endswith("=") for each in args):
            given, _, _ = self.make_parser(ctx).parse_args(list(args))
            for parameter in self.get_params(ctx):
                value = given.get(parameter.name)
                values = value if isinstance(value, list | tuple) else (value,)
                if parameter.type is not click.UNPROCESSED and "" in values:
                    message = "it is empty. Is the variable set that it comes from?"
                    raise click.BadParameter(message, ctx, parameter)
        return super().parse_args(ctx, args)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        # Defaults are shown as they are without a file, which may also be one that cannot be read.
        ctx.default_map = None
        headings: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            # Arguments stand in the usage, and are explained above; click 8.5.1 has a row of them without a word.
            if record is not None and record[1]:
                headings.setdefault(getattr(parameter, "heading", ""), []).append(record)
        general = headings.pop("", [])
        for heading, records in headings.items():
            with formatter.section(heading):
                formatter.write_dl(records)
        with formatter.section(OTHER if headings else "Options"):
            formatter.write_dl(general)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        super().format_epilog(ctx, formatter)
        formatter.write_paragraph()
        name = ctx.info_name or ""
        if settable(self):
            formatter.write(
                f"Options also by variables, {PREFIX}{name.upper()}_..., or in [tool.mock-intake.{name}].\n"
            )
        formatter.write(f"Read more: {documentation(self.page)}\n")
