"""The licence of what an artifact was made from, as cards state it: in the Hub's words, or as unknown.

The Hub refuses a card whose `license` is not in its list (`KNOWN`): another one is `other`, with a `license_name` and
a link to its text.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml

# hf.co/docs/hub/repositories-licenses
LISTED = """apache-2.0 mit openrail bigscience-openrail-m creativeml-openrail-m bigscience-bloom-rail-1.0
bigcode-openrail-m afl-3.0 artistic-2.0 bsl-1.0 bsd bsd-2-clause bsd-3-clause bsd-3-clause-clear c-uda cc cc0-1.0
cc-by-2.0 cc-by-2.5 cc-by-3.0 cc-by-4.0 cc-by-sa-3.0 cc-by-sa-4.0 cc-by-nc-2.0 cc-by-nc-3.0 cc-by-nc-4.0 cc-by-nd-4.0
cc-by-nc-nd-3.0 cc-by-nc-nd-4.0 cc-by-nc-sa-2.0 cc-by-nc-sa-3.0 cc-by-nc-sa-4.0 cdla-sharing-1.0 cdla-permissive-1.0
cdla-permissive-2.0 wtfpl ecl-2.0 epl-1.0 epl-2.0 etalab-2.0 eupl-1.1 agpl-3.0 gfdl gpl gpl-2.0 gpl-3.0 lgpl lgpl-2.1
lgpl-3.0 isc lppl-1.3c ms-pl mpl-2.0 odc-by odbl openrail++ osl-3.0 postgresql ofl-1.1 ncsa unlicense zlib pddl lgpl-lr
deepfloyd-if-license llama2 llama3 llama3.1 llama3.2 llama3.3 gemma unknown other"""
KNOWN = frozenset(LISTED.split())
CONDITIONS = {  # what a reader must know of those that are often met, by the beginning of their names
    "llama": 'It asks for a notice ("Built with Llama"), for names of derived models that begin with `Llama`, and '
    "for its use policy to be passed on.",
    "gemma": "Its terms of use and their prohibited uses bind everyone to whom the weights are passed on.",
    "qwen-research": "It allows research and evaluation, no commercial use.",
    "cc-by-nc": "It allows no commercial use.",
    "openrail": "Its restrictions of use bind everyone to whom the weights are passed on.",
}
LINKS = {  # to the texts of those, where a base's card names none
    "gemma": "https://ai.google.dev/gemma/terms",
    "llama2": "https://ai.meta.com/llama/license/",
    "llama3": "https://www.llama.com/llama3/license/",
    "llama3.1": "https://www.llama.com/llama3_1/license/",
    "llama3.2": "https://www.llama.com/llama3_2/license/",
    "llama3.3": "https://www.llama.com/llama3_3/license/",
}
UNKNOWN = "unknown"


class Licence(NamedTuple):
    """
    A licence as a card's metadata states it.

    Attributes:
        of (`str`): Whose it is: the name of a model or a dataset.
        license (`str`): One that the Hub knows.
        name (`str`): Its name, where `license` is `other`.
        link (`str`): To its text, or empty.
    """

    of: str
    license: str = UNKNOWN
    name: str = ""
    link: str = ""

    @property
    def short(self) -> str:
        return self.name if self.license == "other" and self.name else self.license

    @property
    def conditions(self) -> str:
        return next((text for begin, text in CONDITIONS.items() if self.short.startswith(begin)), "")

    @property
    def metadata(self) -> dict[str, str]:
        """The keys of a card."""
        found = {"license": self.license}
        if self.license == "other":
            found["license_name"] = self.name or "see-the-card"
        return found | ({"license_link": self.link} if self.link else {})


def stated(of: str, metadata: Mapping[str, Any]) -> Licence:
    """The licence in the metadata of a card; a single one, whatever the Hub would not take as such."""
    found = metadata.get("license")
    words = [str(word).strip().lower() for word in (found if isinstance(found, list) else [found]) if word]
    link = str(metadata.get("license_link") or "")
    if not words or words == [UNKNOWN]:
        return Licence(of)
    if len(words) == 1 and words[0] in KNOWN - {"other"}:
        return Licence(of, words[0], link=link or LINKS.get(words[0], ""))
    name = str(metadata.get("license_name") or "") if words == ["other"] else "-and-".join(words)
    return Licence(of, "other", slug(name), link)


def slug(name: str) -> str:
    """A name as the Hub wants it for a licence of one's own."""
    return re.sub(r"[^a-z0-9.+-]+", "-", name.lower()).strip("-")


def read_licence(of: str, card: Path) -> Licence:
    """The licence in a card on this disk; unknown where there is none, none in it, or nobody can read it."""
    from huggingface_hub.repocard import metadata_load

    try:
        return stated(of, (metadata_load(card) if card.is_file() else None) or {})
    except (ValueError, yaml.YAMLError):  # somebody else's text: it is no reason to end a training of ours
        return Licence(of)


def joined(licences: Iterable[Licence]) -> dict[str, str]:
    """The keys of a card for what was made from several: theirs where it is one, else none is claimed."""
    found = {(one.license, one.name, one.link): one for one in licences}
    if len({key[:2] for key in found}) == 1:
        return next(iter(found.values())).metadata
    if not found or any(one.license == UNKNOWN for one in found.values()):
        return {"license": UNKNOWN}
    return {"license": "other", "license_name": "several-see-the-card"}
