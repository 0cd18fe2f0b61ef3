from dataclasses import FrozenInstanceError, dataclass

import click
import pytest
from click.testing import CliRunner

from speakertrip.cli.gathering import gathered


@dataclass(frozen=True, slots=True)
class Place:
    row: int
    column: int = 7


@dataclass(frozen=True, slots=True)
class Piece:
    place: Place
    name: str


@click.command()
@click.option("--row", type=int, required=True)
@click.option("--column", type=int, default=1)
@gathered(Place, "place")
@click.option("--name", default="rook")
@click.option("--json", "as_json", is_flag=True)
@gathered(Piece, "piece")
@click.pass_context
def verb(ctx: click.Context, piece: Piece, as_json: bool) -> None:
    with pytest.raises(FrozenInstanceError):
        piece.name = "king"
    click.echo(f"{ctx.params} {piece} {as_json}")


def test_what_is_gathered_is_gathered_again():
    said = CliRunner().invoke(verb, ["--row", "3", "--json"], catch_exceptions=False).output
    assert said == (
        "{'row': 3, 'as_json': True, 'column': 1, 'name': 'rook'} "
        "Piece(place=Place(row=3, column=1), name='rook') True\n"
    )


def test_the_options_keep_their_order():
    said = CliRunner().invoke(verb, ["--help"]).output
    assert [said.index(option) for option in ("--row", "--column", "--name", "--json")] == sorted(
        said.index(option) for option in ("--row", "--column", "--name", "--json")
    )


def test_a_field_with_a_default_needs_no_option():
    assert gathered(Place, "place")(lambda place: place)(row=2) == Place(2)


def test_a_field_without_one_needs_it():
    with pytest.raises(TypeError, match="row"):
        gathered(Place, "place")(lambda place: place)(column=2)
