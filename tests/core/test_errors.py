"""A user's mistake is two lines and exit code 2; anything else keeps its traceback."""

import errno
import sys

import pytest

from open_r1.core.errors import ArtifactError, DataError, Halted, RecipeError, Stopped, disk_problem, report_errors


def failing(error):
    @report_errors
    def main():
        raise error

    return main


@pytest.mark.parametrize("argv", [["x"], ["x", "--debug"]])
@pytest.mark.parametrize(("kind", "label", "code"), [(Stopped, "stopped", 75), (Halted, "halted", 78)])
def test_a_signal_and_a_guard_end_with_codes_of_their_own_and_no_traceback(
    argv, kind, label, code, capsys, monkeypatch
):
    monkeypatch.setattr(sys, "argv", argv)
    with pytest.raises(SystemExit) as caught:
        failing(kind("at step 3 of 8", "run it again"))()
    assert caught.value.code == code
    assert capsys.readouterr().err == f"{label}: at step 3 of 8\n  fix: run it again\n"


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (RecipeError("bad key", "rename it"), "error: bad key\n  fix: rename it\n"),
        (DataError("empty"), "error: empty\n"),
        (ArtifactError("no model", "train it"), "error: no model\n  fix: train it\n"),
        (
            OSError(errno.ENOSPC, "No space left on device", "/d/f"),
            "error: No space left on device: /d/f\n  fix: free space",
        ),
        (PermissionError(errno.EACCES, "Permission denied", "/d"), "error: Permission denied: /d\n  fix: "),
        (RuntimeError("failed writing file /d/f\nmore"), "error: failed writing file /d/f\n  fix: free space"),
    ],
)
def test_mistake_ends_with_one_line_a_hint_and_code_2(error, text, capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["x"])
    with pytest.raises(SystemExit) as caught:
        failing(error)()
    assert caught.value.code == 2 and capsys.readouterr().err.startswith(text)


@pytest.mark.parametrize(
    "error", [ValueError("bug"), FileNotFoundError(errno.ENOENT, "No such file", "x"), KeyError("k")]
)
def test_bug_keeps_its_traceback(error, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["x"])
    with pytest.raises(type(error)):
        failing(error)()


def test_debug_shows_the_traceback_of_a_mistake(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["x", "--debug"])
    with pytest.raises(RecipeError):
        failing(RecipeError("bad"))()


@pytest.mark.parametrize("error", [ValueError("x"), OSError("no number"), OSError(errno.ENOENT, "No such file")])
def test_other_errors_are_no_disk_problem(error):
    assert disk_problem(error) is None


def test_entry_point_keeps_its_name_and_arguments():
    seen = []

    @report_errors
    def main(*args):
        seen.extend(args)

    main(1, 2)
    assert main.__name__ == "main" and seen == [1, 2]
