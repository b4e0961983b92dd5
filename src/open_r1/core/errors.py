"""What a user sees when the input is wrong: one line that says what and where, and one that says how to fix it.

Code close to the input raises a `UserError`; the scripts and the command line catch it once, in `report_errors`.
"""

import errno
import functools
import os
import sys
from collections.abc import Callable
from typing import Any


class UserError(Exception):
    """
    A mistake that the user can fix, or another end that needs no traceback.

    Args:
        message (`str`):
            What is wrong, naming the file, key or column and the value.
        hint (`str`, *optional*, defaults to `""`):
            How to fix it.
    """

    label, exit_code = "error", 2

    def __init__(self, message: str, hint: str = ""):
        super().__init__(message)
        self.hint = hint


class RecipeError(UserError):
    """A recipe that cannot be read, or holds a key or value that does not work."""


class DataError(UserError):
    """A dataset that is missing, empty, or lacks what a stage needs."""


class ArtifactError(UserError):
    """An input artifact that is missing or unusable, or an output directory that holds something else."""


class EndpointError(UserError):
    """An endpoint that no second attempt will mend."""


class HubError(UserError):
    """What the Hub refuses, does not have, or has not given before it was switched off."""


class NotOnHub(HubError):
    """A repository or a revision that the Hub does not have, or does not show this user."""


class SlurmError(UserError):
    """What Slurm refuses, or a site's file that does not say what its jobs need."""


class Stopped(UserError):
    """A run that a signal ended before its work was done; what it left on disk continues exactly."""

    label, exit_code = "stopped", 75  # EX_TEMPFAIL of sysexits.h: nothing is wrong, run it again


class Halted(UserError):
    """A training that one of its guards ended, because what it would go on to compute is worth nothing."""

    label, exit_code = "halted", 78  # EX_CONFIG of sysexits.h: run again as it is, it would end here again


DISK_PROBLEMS = {errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST}


def disk_problem(error: Exception) -> str | None:
    """
    Text of an error that the file system caused, also where a library has wrapped it; `None` for any other error.
    """
    if isinstance(error, OSError) and error.errno in DISK_PROBLEMS:
        return f"{error.strerror}: {error.filename}" if error.filename else str(error.strerror)
    wrapped = os.strerror(errno.ENOSPC) in str(error) or "failed writing file" in str(error)
    return str(error).splitlines()[0] if wrapped else None


def report_errors(main: Callable[..., None]) -> Callable[..., None]:
    """
    Decorates an entry point: a user's mistake ends it with one line, a hint and exit code 2, a signal with one line
    and exit code 75, a guard with one line and exit code 78. `--debug` shows the traceback of a mistake.
    """

    @functools.wraps(main)
    def wrapper(*args: Any, **kwargs: Any) -> None:
        try:
            main(*args, **kwargs)
        except Exception as error:
            problem = disk_problem(error)
            debug = "--debug" in [*sys.argv, *(word for given in args for word in given or [])]
            if (debug and not isinstance(error, (Stopped, Halted))) or not (isinstance(error, UserError) or problem):
                raise
            hint = getattr(error, "hint", "") or ("free space or choose another `--root`" if problem else "")
            kind = type(error) if isinstance(error, UserError) else UserError
            message = f"{kind.label}: {problem or error}" + (f"\n  fix: {hint}" if hint else "")
            print(message, file=sys.stderr, flush=True)
            sys.exit(kind.exit_code)

    return wrapper
