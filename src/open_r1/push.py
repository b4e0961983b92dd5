"""Publishes artifacts on the Hub: what a run left in its queue, or what was never asked to be published.

    open-r1 push --resume data/mini            # sends what is pending below data/mini
    open-r1 push data/mini/zero --namespace lab
    open-r1 push recipes/mini/pipeline.yaml --namespace lab

A recipe with `push_to_hub: true` needs none of this: its run publishes beside the work (`core/outbox.py`). A complete
artifact is published as it lies on the disk, without running anything again. What was refused (a secret found, a model
that does not stop) is tried again.
"""

import json
import os
import select
import sys
import time
from pathlib import Path

from open_r1.core.errors import ArtifactError, RecipeError, Stopped, UserError, report_errors
from open_r1.core.fields import check_keys
from open_r1.core.hub import explained
from open_r1.core.inputs import is_offline, read_manifest
from open_r1.core.outbox import FOLDER, REFUSED, entries, forget, left, pushed, tidy
from open_r1.core.pipelines import is_pipeline, read_pipeline
from open_r1.core.processes import step_aside
from open_r1.core.publishing import Repository, kind_of, repository_of
from open_r1.core.pushing import RUNNER, add_final
from open_r1.core.recipes import parse_overrides

USAGE = "[--resume] DIRECTORY|PIPELINE.yaml ... [--namespace ORG] [--public] [--root DIR] [--seed N] [--smoke]"
KNOWN = ("resume", "namespace", "public", "root", "seed", "smoke", "with", "debug")
FLAGS = ("--resume", "--public", "--smoke", "--debug")
ATTEMPTS = 3  # in a row without success, before it gives up for now
LONGEST = 10.0  # seconds before another attempt for which the end of a run still waits
LOOK = 1.0  # seconds between two looks into empty queues


class Patience:
    """
    How long to go on: while the process that started this one lives, and then for some attempts.

    Args:
        follow (`bool`): Whether there is such a process; its end closes the standard input.
    """

    def __init__(self, follow: bool):
        self.follow, self.alone, self.left = follow, not follow, ATTEMPTS
        self.heard, self.outputs = b"", []  # type: bytes, list[Path]

    def sleep(self, seconds: float) -> bool:
        """Waits, at most until the other process ends; whether another attempt is worth it."""
        if not self.alone:
            self.listen(seconds)
            return True
        self.left = 0 if self.follow and seconds > LONGEST else self.left - 1
        if self.left:
            time.sleep(seconds)
        return self.left > 0

    def listen(self, seconds: float) -> None:
        """Waits for a line from the other process, which names an output, or for its end."""
        if select.select([sys.stdin], [], [], seconds)[0]:
            said = os.read(sys.stdin.fileno(), 1 << 16)
            *lines, self.heard = (self.heard + said).split(b"\n")
            self.outputs += [Path(json.loads(line)) for line in lines]
            self.alone = not said


def outputs_of(words: list[str], options: dict) -> list[Path]:
    """The artifact directories that some words name: themselves, those below them, or those of a pipeline."""
    found: list[Path] = []
    for word in words:
        if is_pipeline(word):
            found += [stage.output for stage in read_pipeline(Path(word), options)[0]]
            continue
        path = Path(word)
        if not path.is_dir():
            raise ArtifactError(f"{word} is no directory", "give an artifact directory, a root of them, or a pipeline")
        below = [child for child in sorted(path.iterdir()) if read_manifest(child) or (child / FOLDER).is_dir()]
        found += [path] if read_manifest(path) or (path / FOLDER).is_dir() else below
    return list(dict.fromkeys(found))


def queue(outputs: list[Path], options: dict) -> None:
    """Queues complete artifacts, under the namespace of the command line where it names one, if the Hub takes them."""
    recipes = {}
    for output in outputs:
        manifest = read_manifest(output)
        if manifest is None:
            print(f"notice: {output} is not complete: left out", flush=True)
            continue
        given = {"hub_namespace": options["namespace"]} if options.get("namespace") else {}
        given |= {"hub_private": False} if options.get("public") else {}
        recipes[output] = manifest["recipe"] | {"output_dir": str(output)} | given
    if recipes:
        tell_access([repository_of(recipe, kind_of(output)) for output, recipe in recipes.items()])
    for output, recipe in recipes.items():
        forget_deleted(output)
        add_final(output, recipe)


def forget_deleted(output: Path) -> None:
    """Lets what was published once be published again, where somebody has deleted it on the Hub."""
    from huggingface_hub import HfApi

    for note in [note for note in pushed(output) if note["name"] == "final"]:
        place, commit, kind = note["place"], note["commit"], note["repository"]["kind"]
        with explained(place, commit, kind):
            there = HfApi().revision_exists(place, commit, repo_type=kind)
        if not there:
            print(f"notice: {place} is not on the Hub any more at {commit[:8]}", flush=True)
            forget(output, place)


def follow() -> None:
    """Empties the queues that it is told of, while the process lives that started this one, and then to their end."""
    from open_r1.hub.upload import push_all

    step_aside()
    patience, done = Patience(follow=True), True
    while not (patience.alone and done):
        last = patience.alone  # whatever was queued before the end is seen
        done = push_all([output for output in patience.outputs if entries(output)], patience.sleep)
        if not patience.left:
            return
        if not last:
            patience.sleep(LOOK)
            done = False


def send_now(outputs: list[Path]) -> None:
    """Empties the queues, refused entries too; raises `Stopped` where something is left."""
    from open_r1.hub.upload import push_all

    for output in outputs:
        tidy(output)
        for entry in entries(output):
            (entry / REFUSED).unlink(missing_ok=True)
    push_all([output for output in outputs if entries(output)], Patience(follow=False).sleep)
    lines = left(outputs)
    print("\n".join(lines) or "nothing is pending", flush=True)
    if lines:
        raise Stopped(f"{len(lines)} not published", "the lines above say why; run the command again")


def tell_access(repositories: list[Repository]) -> None:
    """Says who publishes, or that the Hub does not answer; raises `RecipeError` where it would refuse."""
    from open_r1.hub.access import LOGIN, check_access
    from open_r1.hub.upload import pause_after, why

    try:
        print(f"publishing as {check_access(repositories)}")
    except UserError:
        raise
    except Exception as error:  # whatever the libraries raise
        if not pause_after(error, 0):
            raise RecipeError(f"the Hub refuses the token: {why(error)}", LOGIN) from None
        print(f"notice: the Hub does not answer ({why(error)}): what is to be published waits")


def split(words: list[str]) -> tuple[list[str], list[str]]:
    """What to publish, and the options."""
    plain: list[str] = []
    options: list[str] = []
    before = ""
    for word in words:
        value = before.startswith("--") and "=" not in before and before not in FLAGS
        (options if word.startswith("--") or value else plain).append(word)
        before = word
    return plain, options


@report_errors
def main(arguments: list[str] | None = None) -> None:
    """Publishes from the command line."""
    words = sys.argv[1:] if arguments is None else arguments
    if words[:1] == ["--check"]:
        return tell_access([Repository(*entry) for entry in json.loads(words[1])])
    if words == ["--follow"]:
        return follow()
    plain, rest = split(words)
    options = parse_overrides(rest)
    check_keys(options, KNOWN, "command line")
    if not plain:
        raise RecipeError("nothing to publish", f"open-r1 push {USAGE}")
    outputs = outputs_of(plain, options)
    if is_offline(os.environ):
        raise RecipeError("the Hub is switched off (HF_HUB_OFFLINE)", "unset HF_HUB_OFFLINE")
    os.environ[RUNNER] = "1"  # this process sends what it queues
    if not options.get("resume"):
        queue(outputs, options)
    send_now(outputs)


if __name__ == "__main__":
    main()
