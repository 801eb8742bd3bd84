"""The command line: help as in its source, wrong words refused before the work, narrow and dumb terminals."""

import inspect
import io
import os
import re
import sys
import typing

import pytest
from rich.table import Table
from typer.testing import CliRunner

import studies.command
import studies.two_scale.patch_library
from microstructure.errors import StudyError
from studies.command import app, main
from studies.jobs.targets import check_files, check_folder
from studies.screening.design import candidates, load_screen
from studies.study import load_study, shipped_studies
from studies.terminal.console import one_line, wide_console
from studies.terminal.pictures import drawn
from studies.terminal.texts import interval_text, markdown_cell
from studies.two_scale.patch_library import study_plan

COMMANDS = [command.callback for command in app.registered_commands]


def squeezed(text):
    """Without blanks and line breaks: where lines end hangs on the terminal."""
    return "".join(text.split())


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.__name__)
def test_help_says_what_its_source_says(command):
    shown = squeezed(CliRunner().invoke(app, [command.__name__, "--help"]).output)
    assert squeezed(command.__doc__) in shown
    hints = typing.get_type_hints(command, include_extras=True, localns={"Chart": object, "Bars": object})
    for name in inspect.signature(command).parameters:
        (option,) = hints[name].__metadata__
        assert squeezed(option.help) in shown, name


def test_tables_named_in_help_texts_are_there():
    """Square brackets are no markup."""
    assert "[screen] table" in CliRunner().invoke(app, ["screen", "--help"]).output
    assert "[fitted]" in CliRunner().invoke(app, ["calibrate", "--help"]).output


@pytest.fixture
def no_work(monkeypatch):
    """Whatever begins the work of a command fails the test."""

    def begun(*anything, **more):
        raise AssertionError("the work has begun")

    monkeypatch.setattr(studies.two_scale.patch_library, "load_library", begun)
    monkeypatch.setattr("studies.jobs.checkpoints.Ledger.complete", begun)


FILES = {
    "plain.toml": 'title = "t"\ncompositions = ["80:20:1"]\n',
    "rich.toml": 'title = "t"\ncompositions = ["80:20:60"]\n[composite]\nporosity = 0.5\n',
    "plan.toml": 'title = "t"\nratios = [0.4, 1.6]\n[structures.mine]\n[dispersions.ideal]\n',
    "file": "",
    "empty.csv": "",
}
RECOMPUTE = ("threshold", "--recompute", "--plan", "plan.toml")
WRONG = [
    (("run",), "Missing argument"),
    (("run", "kisel2026"), "no study 'kisel2026'"),
    (("run", "."), "no study '.'"),
    (("run", ""), "no study ''"),
    (("run", "nowhere.toml"), "cannot read"),
    (("run", "folder.toml"), "cannot read"),
    (("run", "plain.toml", "--seeds", "1"), "--seeds"),
    (("run", "plain.toml", "--seeds", "2000"), "seeds"),
    (("run", "plain.toml", "--seeds", "two"), "--seeds"),
    (("run", "plain.toml", "--workers", "0"), "--workers"),
    (("run", "plain.toml", "--out", "file"), "--out wants a folder; file is a file"),
    (("run", "plain.toml", "--out", "file/below"), "lies below"),
    (("run", "plain.toml", "--out", "file/far/below"), "lies below"),
    (("run", "plain.toml", "--out", "x" * 300), "no name of a file or folder"),
    (("run", "plain.toml", "--out", "."), "no empty folder"),
    (("run", "plain.toml", "--measured", "."), "cannot read"),
    (("run", "plain.toml", "--measured", "empty.csv"), "is missing"),
    (("run", "plain.toml", "--measured", "nowhere.csv"), "cannot read"),
    (("run", "plain.toml", "--sedes", "3"), "No such option"),
    (("run", "plain.toml", "more"), "unexpected extra argument"),
    (("run", "rich.toml"), "more is not extrapolated"),
    (("rnu", "plain.toml"), "No such command"),
    (("screen", "rich.toml"), "more is not extrapolated"),
    (("screen", "plain.toml", "--out", "file/below"), "lies below"),
    (("screen", "plain.toml", "--out", "file"), "wants a folder"),
    (("screen", "plain.toml", "--fitted", "."), "cannot read"),
    (("screen", "plain.toml", "--fitted", "plain.toml"), "no fitted set"),
    (("screen", "plain.toml", "--seeds", "0"), "--seeds"),
    (("calibrate", "plain.toml"), "missing: cb.neck_conductance"),
    (("calibrate", "kissel2026", "--out", "."), "is a folder"),
    (("calibrate", "kissel2026", "--out", "file/mine.toml"), "lies below"),
    (("calibrate", "plain.toml", "--out", "plain.toml"), "would replace what is read"),
    (("compare", "plain.toml", "--composition", "80:20"), "three weights"),
    (("compare", "plain.toml", "--composition", "a:b:c"), "three weights"),
    (("compare", "plain.toml", "--composition", "80:0:1"), "positive"),
    (("compare", "plain.toml", "--composition", "80:20:60"), "more is not extrapolated"),
    (("compare", "plain.toml", "--composition", "nan:20:1"), "a number is wanted"),
    (("compare", "plain.toml", "--composition", ""), "three weights"),
    (("compare", "plain.toml", "--csv", "."), "--csv wants the name of a file to write; . is a folder"),
    (("compare", "plain.toml", "--csv", "file/t.csv"), "lies below"),
    (("compare", "plain.toml", "--csv", "plain.toml"), "would replace what is read"),
    (("compare", "plain.toml", "--csv", "x" * 300), "no name of a file"),
    (("threshold", "--thickness", "150"), "unit"),
    (("threshold", "--thickness", ""), "quantity"),
    (("threshold", "--thickness", "-150 nm"), "not extrapolated"),
    (("threshold", "--thickness", "5 um"), "not extrapolated"),
    (("threshold", "--structure", "closed"), "structure in the chart"),
    (("threshold", "--dispersion", "best"), "dispersion in the chart"),
    (("threshold", "--fit", "squeeze"), "fit in the chart"),
    (("threshold", "--se-density", "1.86"), "se.density"),
    (("threshold", "--se-density", "9 g/cm3"), "within"),
    (("threshold", "--cb-density", "1.9 nm"), "cb.density"),
    (("threshold", "--study", "nowhere.toml"), "cannot read"),
    (("threshold", "--study", "kisel"), "no study"),
    (("threshold", "--csv", "."), "is a folder"),
    (("threshold", "--csv", "t.csv", "--fit", "squeeze"), "fit in the chart"),
    (("threshold", "--csv", "t.csv", "--thickness", "5 um"), "not extrapolated"),
    (("threshold", "--csv", "t.csv", "--formulas", "./t.csv"), "name the same file"),
    (("threshold", "--formulas", "file/f.csv"), "lies below"),
    (("threshold", "--csv", "t.csv", "--figure", "chart.jpg"), ".png"),
    (("threshold", "--figure", "chart"), ".png"),
    (("threshold", "--chart", "file"), "holds no chart"),
    (("threshold", "--chart", "nowhere"), "holds no chart"),
    (("threshold", "--quick"), "go with --recompute"),
    (("threshold", "--plan", "plan.toml"), "go with --recompute"),
    ((*RECOMPUTE, "--structure", "open"), "structure in the plan"),
    ((*RECOMPUTE, "--dispersion", "poor"), "dispersion in the plan"),
    ((*RECOMPUTE, "--fit", "cut"), "fit in the plan"),
    ((*RECOMPUTE, "--thickness", "5 um"), "not extrapolated"),
    ((*RECOMPUTE, "--out", "file/below"), "lies below"),
    ((*RECOMPUTE, "--csv", "plan.toml"), "would replace what is read"),
    ((*RECOMPUTE, "--chart", "."), "give one of them"),
    ((*RECOMPUTE, "--study", "plain.toml"), "[materials] of its plan"),
]  # fmt: skip


@pytest.fixture
def place(tmp_path):
    """A folder with a few files, and nothing of a user's."""
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "folder.toml").mkdir()
    return tmp_path


@pytest.mark.parametrize(("words", "said"), WRONG, ids=lambda part: " ".join(part)[:60] if part else "")
def test_wrong_words_are_one_sentence_before_any_work(percoat, place, no_work, words, said):
    done = percoat(*words, folder=place)
    assert done.status == 2
    assert said in done.err
    assert "Traceback" not in done.err
    assert len(done.err.splitlines()) == 1 or done.err.startswith("Usage: ")
    assert done.out == ""
    assert {path.name for path in place.iterdir()} == {*FILES, "folder.toml"}


@pytest.mark.parametrize("quick", [True, False])
@pytest.mark.parametrize("name", shipped_studies())
def test_shipped_studies_ask_for_no_more_carbon_than_patches_have(name, quick):
    study = load_study(name, quick=quick)
    for recipe in study.recipes:
        study_plan(study).check_content(recipe.volume_fraction)
    for candidate in candidates(load_screen(name, quick=quick)):
        study_plan(candidate.study).check_content(candidate.recipe.volume_fraction)


def test_what_may_not_be_written_is_refused(tmp_path, monkeypatch):
    (tmp_path / "kept.csv").write_text("precious")
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(StudyError, match=r"--csv .*kept.csv may not be written"):
        check_files({"--csv": tmp_path / "kept.csv"})
    with pytest.raises(StudyError, match=r"because .* may not"):
        check_files({"--csv": tmp_path / "new.csv"})
    with pytest.raises(StudyError, match=r"because .* may not"):
        check_folder("--out", tmp_path / "new")
    monkeypatch.undo()
    check_files({"--csv": tmp_path / "kept.csv", "--out": tmp_path / "far" / "below.csv", "--figure": None})
    check_files({"--csv": tmp_path / os.devnull})
    check_folder("--out", tmp_path / "new" / "far")


def test_a_file_is_the_same_by_another_name(tmp_path):
    (tmp_path / "study.toml").write_text("")
    (tmp_path / "link").symlink_to(tmp_path)
    with pytest.raises(StudyError, match="would replace what is read"):
        check_files({"--csv": tmp_path / "link" / "study.toml"}, (tmp_path / "study.toml", None))


def test_what_a_user_wrote_is_no_markup(capsys):
    table = Table(title="[/foo] :100:")
    table.add_column("[bold]80:100:20[/bold]")
    table.add_row("[/]")
    wide_console(60).print(table)
    wide_console(60).print("[/foo] 60:100:0")
    shown = capsys.readouterr().out
    for text in ("[/foo] :100:", "[bold]80:100:20[/bold]", "[/]", "[/foo] 60:100:0"):
        assert text in shown
    assert drawn("$x_$ \n$\\frac$") == r"\$x_\$ \$\frac\$"
    assert markdown_cell("1 | 2\n| 3") == r"1 \| 2 \| 3"
    assert one_line("a\x1b[31mb\r\n\tc\x00") == "a [31mb c"


def test_intervals_are_given_by_their_ends():
    assert interval_text(0.0608, 0.0, 0.2008) == "0.0608 (0 - 0.201)"
    assert interval_text(14.4, 0.0, 100.0) == "14.4 (0 - 100)"
    assert interval_text(14.4, 14.39, 14.41) == "14.4"
    assert interval_text(0.0, 0.0, 0.0) == "0"
    assert interval_text(2.0, float("nan"), float("nan")) == "2"


@pytest.fixture
def end_of(monkeypatch):
    """Run the command without a hand on what it writes: its exit status."""

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["percoat", *words])
        with pytest.raises(SystemExit) as end:
            main()
        return end.value.code or 0

    return run


@pytest.mark.parametrize(
    ("term", "columns"), [("dumb", "20"), ("dumb", None), ("xterm", "20"), ("xterm", "0"), ("", "")]
)
def test_narrow_and_dumb_terminals_keep_numbers_whole(monkeypatch, end_of, term, columns):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    screen = Terminal()
    monkeypatch.setattr(sys, "stdout", screen)
    monkeypatch.setenv("TERM", term)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.delenv("COLUMNS", raising=False)
    if columns is not None:
        monkeypatch.setenv("COLUMNS", columns)
    assert end_of("threshold", "--thickness", "150 nm") == 0
    assert "12.7 (12.2 - 13.2)" in screen.getvalue()
    assert "…" not in screen.getvalue()
    assert re.search("\x1b\\[[0-9;]*3[0-7]m", screen.getvalue()) is None  # italic, but no colour


def test_a_terminal_without_the_letters_shows_question_marks(monkeypatch, end_of, place):
    screen = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", screen)
    monkeypatch.chdir(place)
    text = FILES["plain.toml"] + '[materials.se]\nname = "Lösung \N{GREEK SMALL LETTER BETA}"\ndensity = "2 g/cm3"\n'
    (place / "mine.toml").write_text(text, "utf-8")
    assert end_of("threshold", "--thickness", "150 nm", "--study", "mine.toml") == 0
    screen.flush()
    assert b"L?sung ?" in screen.buffer.getvalue()


def raising(error):
    def command():
        raise error

    return command


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (KeyboardInterrupt(), 130, "percoat: interrupted"),
        (SystemExit(130), 130, "percoat: interrupted"),
        (StudyError("a\n  sentence\x1b[31m"), 2, "percoat: a sentence [31m\n"),
        (OSError(13, "Permission denied", "x"), 2, "percoat: [Errno 13] Permission denied: 'x'\n"),
    ],
)
def test_the_end_of_a_command(monkeypatch, capsys, error, status, said):
    monkeypatch.setattr(studies.command, "app", raising(error))
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == status
    found = capsys.readouterr().err
    assert found.startswith(said)
    assert len(found.splitlines()) == 1


def test_an_interruption_within_a_command_is_one_sentence(percoat, place, monkeypatch):
    monkeypatch.setattr("studies.study.load_study", lambda *words, **more: raising(KeyboardInterrupt())())
    done = percoat("run", "plain.toml", folder=place)
    assert done.status == 130
    assert done.err == "percoat: interrupted; finished tasks are kept, the same command goes on from there\n"


def test_files_are_there_when_the_reader_has_left(monkeypatch, end_of, tmp_path):
    """As with `percoat threshold --csv t.csv | head -1`: quiet, and the table is written."""
    read, write = os.pipe()
    os.close(read)
    errors = io.StringIO()
    with os.fdopen(write, "w") as pipe:
        monkeypatch.setattr(sys, "stdout", pipe)
        monkeypatch.setattr(sys, "stderr", errors)
        end_of("threshold", "--thickness", "150 nm", "--csv", str(tmp_path / "t.csv"))
    assert errors.getvalue() == ""
    assert (tmp_path / "t.csv").stat().st_size > 1e5
