"""``speakertrip completion``, and what the shell is told of names and files."""

import click
from click.shell_completion import CompletionItem, get_completion_class

SHELLS = ("bash", "zsh", "fish")
PROGRAM, VARIABLE = "speakertrip", "_SPEAKERTRIP_COMPLETE"


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the script that completes verbs, options, files and enrolled names in a SHELL.

    For bash: speakertrip completion bash > ~/.local/share/bash-completion/completions/speakertrip. For zsh and fish:
    into _speakertrip on the fpath, and into ~/.config/fish/completions/speakertrip.fish.
    """
    known = get_completion_class(shell)
    assert known is not None, "click knows these shells"
    click.echo(known(ctx.find_root().command, {}, PROGRAM, VARIABLE).source())


def complete_files(ctx: click.Context, param: click.Parameter, begun: str) -> list[CompletionItem]:
    """Let the shell complete the name of a file."""
    return [CompletionItem(begun, type="file")]


def complete_folders(ctx: click.Context, param: click.Parameter, begun: str) -> list[CompletionItem]:
    """Let the shell complete the name of a folder."""
    return [CompletionItem(begun, type="dir")]


def complete_names(ctx: click.Context, param: click.Parameter, begun: str) -> list[CompletionItem]:
    """Complete the name of an enrolled speaker; none where the store cannot be read, for a shell shows no errors."""
    from speakertrip.cli.stores import StoreOptions

    try:
        names = StoreOptions(ctx.params.get("store"), ctx.params.get("key_file")).open().names()
    except Exception:
        return []
    return [CompletionItem(name) for name in names if name.startswith(begun)]


def complete_name_then_files(ctx: click.Context, param: click.Parameter, begun: str) -> list[CompletionItem]:
    """Complete the arguments of ``verify``: a name, unless --against says who, and then files."""
    if ctx.params.get("against") or ctx.params.get(str(param.name)):
        return complete_files(ctx, param, begun)
    return complete_names(ctx, param, begun)
