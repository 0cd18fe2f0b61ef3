"""``speakertrip manifest trials``."""

from pathlib import Path

import click

from speakertrip.errors import UsageError, counted

COUNT = click.IntRange(min=0)
AT_LEAST_ONE = click.IntRange(min=1)


@click.command()
@click.argument("manifest_path", metavar="MANIFEST")
@click.option("--out", required=True, metavar="FILE", help="Trial list to write, '1 enrollment test' a line.")
@click.option("--targets", type=COUNT, help="At most so many target trials  [default: all there are]")
@click.option("--nontargets", type=COUNT, help="At most so many nontarget trials  [default: all there are]")
@click.option("--targets-per-speaker", type=AT_LEAST_ONE, help="At most so many of each speaker.")
@click.option(
    "--nontargets-per-speaker",
    type=AT_LEAST_ONE,
    help="At most so many with each speaker on the enrollment side.",
)
@click.option("--same-sex", is_flag=True, help="Only pairs of one sex.")
@click.option("--cross-session", is_flag=True, help="Target trials only across sessions.")
@click.option("--same-language", is_flag=True, help="Only pairs of one language.")
@click.option("--cross-language", is_flag=True, help="Only pairs of two languages.")
@click.option(
    "--enroll-utterances",
    type=AT_LEAST_ONE,
    help="Enroll each speaker by a model of so many utterances, which are no tests.",
)
@click.option("--enrollments-out", metavar="MAP", help="Enrollment map to write, for --enroll-utterances.")
@click.option("--seed", type=COUNT, default=0, show_default=True, help="Another seed draws other trials.")
def trials(
    manifest_path: str,
    out: str,
    targets: int | None,
    nontargets: int | None,
    targets_per_speaker: int | None,
    nontargets_per_speaker: int | None,
    same_sex: bool,
    cross_session: bool,
    same_language: bool,
    cross_language: bool,
    enroll_utterances: int | None,
    enrollments_out: str | None,
    seed: int,
) -> None:
    """Make a trial list of MANIFEST: all pairs, or a seeded sample of them."""
    if same_language and cross_language:
        raise UsageError("--same-language and --cross-language exclude each other.")
    if (enroll_utterances is None) != (enrollments_out is None):
        raise UsageError("--enroll-utterances and --enrollments-out go together: give both or neither.")
    files = [Path(file).resolve() for file in (manifest_path, out, enrollments_out) if file]
    if len(set(files)) < len(files):
        raise UsageError("MANIFEST, --out and --enrollments-out must be different files.")
    from speakertrip.corpora import TrialOptions, make_trials
    from speakertrip.manifests import read_manifest, write_enrollment_map, write_trials

    options = TrialOptions(
        targets=targets,
        nontargets=nontargets,
        targets_per_speaker=targets_per_speaker,
        nontargets_per_speaker=nontargets_per_speaker,
        same_sex=same_sex,
        cross_session=cross_session,
        language="same" if same_language else "cross" if cross_language else None,
        enroll_utterances=enroll_utterances,
        seed=seed,
    )
    made = make_trials(read_manifest(manifest_path), options, manifest_path)
    write_trials(out, made.trials)
    if made.left_out:
        left_out = counted(made.left_out, "utterance")
        click.echo(f"Left out for lack of what the conditions ask for: {left_out}.", err=True)
    of_them = f"{made.trials.targets.sum():,} target"
    click.echo(f"{out}: {counted(len(made.trials), 'trial')} ({of_them})")
    if enrollments_out:
        write_enrollment_map(enrollments_out, made.models)
        of_each = counted(enroll_utterances or 0, "utterance")
        click.echo(f"{enrollments_out}: {counted(len(made.models), 'model')} of {of_each}")
