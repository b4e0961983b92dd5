"""What a secret looks like: one rule for each kind, each with a literal, and the doubts that a find must stand.

A rule is tried only where its literal stands, and `bytes.find` looks for that at more than a gigabyte a second. Most
kinds are tokens that their makers gave a prefix, a length and an alphabet. What has none (`PASSWORD=...`) counts by
its value alone: it must look random.

A false alarm keeps a good artifact from being published, and code that models write is full of invented keys. So a
value is let pass that has words of placeholders in it (`xxxx`, `your`, `example`), counts up (`a1b2c3`, `1234567890`),
repeats few characters, or stands in well-known documentation.
"""

import base64
import json
import re
import time
from collections.abc import Callable
from typing import NamedTuple

WORDS = (
    "xxx your example placeholder dummy fake sample redacted replace insert insecure password passw0rd secret token"
)
WORDS += " token test demo user admin default change here hidden none hello world super qwerty letmein random string"
WORDS += " value correct horse apikey private public access hunter dragon monkey welcome login master account"
PLACEHOLDER = re.compile("|".join(WORDS.split()).encode())
LEET = bytes.maketrans(b"013457@$", b"oleastas")
PUBLIC = (  # secrets of documentation and emulators, copied into countless programs
    b"Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq",  # Azure's storage emulator
    b"09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7",  # FastAPI's tutorial
    b":AAHdqTcvCH1vGWJxfSe1ofSAs0K5PALDsaw",  # Telegram's documentation
)
CLAIMS = {"iss", "sub", "aud", "role", "scope", "jti", "iat", "email"}
CRYPT = re.compile(rb"\$\w{1,8}\$")  # a hash of a password, as `crypt` writes it
KINDS = (  # of characters: a random text changes between them all the time
    (b"abcdefghijklmnopqrstuvwxyz", b"a"),
    (b"ABCDEFGHIJKLMNOPQRSTUVWXYZ", b"A"),
    (b"0123456789", b"0"),
)
KIND_OF = bytes.maketrans(*(b"".join(part) for part in zip(*((k, s * len(k)) for k, s in KINDS), strict=True)))


def steps(text: bytes) -> int:
    """How often three characters count up, as in `abc` and `789`."""
    return sum(text[n] + 2 == text[n + 1] + 1 == text[n + 2] for n in range(len(text) - 2))


def invented(value: bytes) -> bool:
    """Whether somebody wrote a value to show where a secret would stand."""
    lower = value.lower()
    if PLACEHOLDER.search(lower) or PLACEHOLDER.search(lower.translate(LEET)) or value.startswith(PUBLIC):
        return True
    if re.search(rb"(.)\1{4}", value) or len(set(value)) < min(10, 3 * len(value) // 4):
        return True
    parts = (lower, re.sub(rb"[^a-z]", b"", lower), re.sub(rb"[^0-9]", b"", lower))
    return sum(map(steps, parts)) >= max(2, len(value) // 10)


def tangle(value: bytes) -> float:
    """How often neighbours are of different kinds: about 0.6 in random letters and digits, 0.2 in a name of words."""
    kinds = value.translate(KIND_OF)
    return sum(kinds[n] != kinds[n + 1] for n in range(len(kinds) - 1)) / max(1, len(kinds) - 1)


def free(value: bytes) -> bool:
    return not invented(value)


def mixed(value: bytes) -> bool:
    """For tokens of mixed letters, which names of many words may look like."""
    return not invented(value) and tangle(value) >= 0.25


def key_body(value: bytes) -> bool:
    """For the beginning of a key, which may hold many zeros."""
    return not PLACEHOLDER.search(value.lower()) and len(set(value)) >= 15


def random(value: bytes) -> bool:
    """For values that nothing but their look gives away."""
    digits, upper, lower = (len(re.findall(kind, value)) for kind in (rb"[0-9]", rb"[A-Z]", rb"[a-z]"))
    if invented(value) or digits < (1 if upper and lower else 2):
        return False
    if upper and lower:
        return tangle(value) >= 0.4
    return len(value) >= 24 and bool(re.fullmatch(rb"[a-z0-9]+|[A-Z0-9]+", value)) and tangle(value) >= 0.3


def web_token(value: bytes) -> bool:
    """Whether three parts are a JSON web token that says whom it lets in and has not expired: no page explains it."""
    try:
        head, body = (json.loads(base64.urlsafe_b64decode(part + b"==")) for part in value.split(b".")[:2])
    except ValueError:
        return False
    if "alg" not in head or not CLAIMS & body.keys() or re.search("John Doe|Jane Doe|1234567890|example", str(body)):
        return False
    return not isinstance(body.get("exp"), (int, float)) or body["exp"] > time.time()


def url_password(value: bytes) -> bool:
    digits, letters = re.search(rb"[0-9]", value), re.search(rb"[A-Z]", value) and re.search(rb"[a-z]", value)
    return free(value) and bool(digits) and (bool(letters) or random(value))


# names whose values are no secrets, or are theirs only who made them up for one page
HARMLESS = re.compile(
    rb"(?:csrf|xsrf|public|pub|page|next|prev|sync|cancell?ation|continuation|mock|foreign|primary|hash|hashed)[_-]?$",
    re.I,
)
TOKEN_OF = re.compile(rb"(?:^|[A-Z0-9]_)$|(?:api|auth|access|refresh|bot|hub|hf|bearer|personal)[_-]?$", re.I)


def named_secret(value: bytes, name: bytes, before: bytes) -> bool:
    """Whether `name: value` gives a secret away; `before` is what the name begins with."""
    if (
        HARMLESS.search(before)
        or CRYPT.match(value)
        or (name.lower().startswith(b"token") and not TOKEN_OF.search(before))
    ):
        return False
    if re.fullmatch(rb"[0-9a-f]+|[0-9A-F]+", value):  # a password in hexadecimal digits is a hash of one
        return not name.lower().startswith(b"pass") and len(value) in (32, 40, 48, 64) and random(value)
    return random(value) and (len(value) >= 20 or (name + before).isupper())


class Rule(NamedTuple):
    """
    Attributes:
        kind (`str`): What is found, for the user.
        literals (`tuple[bytes]`): What it begins with; in lower case where case does not matter.
        pattern (`re.Pattern`): The whole; its group, if it has one, is the value.
        holds (`Callable`): Whether the value stands the doubts.
    """

    kind: str
    literals: tuple[bytes, ...]
    pattern: re.Pattern[bytes]
    holds: Callable[[bytes], bool] = free


def rule(
    kind: str, literals: str, rest: str, holds: Callable[[bytes], bool] = free, begin: str = r"(?<![\w])"
) -> Rule:
    """A rule for tokens: one of the literals, and after it `rest`."""
    words = tuple(word.encode() for word in literals.split())
    found = b"|".join(map(re.escape, words))
    return Rule(kind, words, re.compile(begin.encode() + b"(?:" + found + b")" + rest.encode()), holds)


END, GAP = r"(?![\w-])", r"[\s\"'+,\\|>]{1,60}"  # the gap between the lines of a key that a program or JSON holds
HOST = r"(?!localhost|127\.|0\.0\.|10\.|192\.168|example|host\b|db\b|proxy\.example)[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+"
PEM_HEADERS = r"(?:[A-Z][\w-]*: [^\n]{1,80}" + GAP + r"){0,4}"
UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
ASSIGNED = r"(?:[_-]?(?:access)?[_-]?(?:key|token|value))?[\"'\]]{0,2}[ \t]{0,3}(?::=|=>|=|:)[ \t]{0,3}[\"']?"
ASSIGNED += r"([A-Za-z0-9+/=_!@#%^&*~$-]{12,200})(?=[\s\"',;)}\]<]|$)"
NAMES = ("password", "passwd", "secret", "token", "api_key", "apikey", "api-key", "access_key", "accesskey")

RULES = [
    rule("Hugging Face token", "hf_ api_org_", r"[A-Za-z0-9]{34}(?![\w])", mixed),
    rule("OpenAI key", "T3BlbkFJ", r"[A-Za-z0-9_-]{20}", free, r"(?<=[A-Za-z0-9_-]{20})"),
    rule("Anthropic key", "sk-ant-", r"(?:api|admin|oat|sid)\d\d-([\w-]{80,120})" + END, mixed, r"(?<![\w-])"),
    rule("OpenRouter key", "sk-or-v1-", r"[0-9a-f]{64}" + END),
    rule("API key", "sk-", r"([A-Za-z0-9]{32,64})" + END, random, r"(?<![\w-])"),
    rule("Groq key", "gsk_", r"[A-Za-z0-9]{52}" + END, mixed),
    rule("xAI key", "xai-", r"[A-Za-z0-9]{80}" + END, mixed),
    rule("Replicate token", "r8_", r"[A-Za-z0-9]{37}" + END, mixed),
    rule("NVIDIA key", "nvapi-", r"[\w-]{60,70}" + END, mixed),
    rule("Weights & Biases key", "wandb_v1_", r"\w{60,100}" + END, mixed),
    rule("Weights & Biases key", "wandb", r"\.?\s?login\W{1,3}(?:(?:--)?(?:relogin|key)\W{1,3})*([0-9a-f]{40})(?!\w)"),
    rule("AWS access key id", "AKIA ASIA ABIA ACCA", r"[A-Z2-7]{16}(?!\w)"),
    rule(
        "AWS secret access key", "AKIA ASIA",
        r"[A-Z2-7]{16}(?!\w)[\s\S]{1,200}?(?<![A-Za-z0-9/+])([A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])", random,
    ),
    rule("Google API key", "AIza", r"[\w-]{35}" + END, mixed),
    rule("Google service account", "private_key_id", r"[\"\s]{1,4}:[\"\s]{1,6}([0-9a-f]{40})(?!\w)"),
    rule("Google OAuth secret", "GOCSPX-", r"[\w-]{28}" + END, mixed),
    rule("GitHub token", "ghp_ gho_ ghu_ ghs_ ghr_", r"[A-Za-z0-9]{36,255}(?!\w)", mixed),
    rule("GitHub token", "github_pat_", r"[A-Za-z0-9]{22}_([A-Za-z0-9]{59})(?!\w)", mixed),
    rule(
        "GitLab token", "glpat- gldt- glrt- glft- glsoat- glcbt- glimt- glptt- glagent- gloas-",
        r"[\w.-]{20,300}" + END, mixed,
    ),
    rule("Slack token", "xoxa- xoxb- xoxp- xoxo- xoxs- xoxr-", r"(?:\d+-){1,4}([A-Za-z0-9]{12,64})" + END),
    rule("Slack token", "xapp-", r"\d-[A-Z0-9]+-\d+-([a-f0-9]{32,128})" + END),
    rule("Slack webhook", "https://hooks.slack.com/services/T", r"\w{6,12}/B\w{6,12}/([A-Za-z0-9]{24})(?!\w)", mixed),
    rule("Stripe key", "sk_live_ rk_live_", r"[0-9a-zA-Z]{24,120}(?!\w)", mixed),
    rule("npm token", "npm_", r"[A-Za-z0-9]{36}(?!\w)", mixed),
    rule("npm token", ":_authToken=", r"\s?(npm_[A-Za-z0-9]{36}|" + UUID + r")(?!\w)", free, r"(?<=/)"),
    rule("PyPI token", "pypi-AgEIcHlwaS5vcmc pypi-AgENdGVzdC5weXBpLm9yZw", r"[\w-]{70,400}", mixed),
    rule("Twilio key", "SK", r"[0-9a-f]{32}(?!\w)"),
    rule("SendGrid key", "SG.", r"[\w-]{22}\.([\w-]{43})" + END, mixed),
    rule("Telegram bot token", ":AA", r"[\w-]{33}" + END, mixed, r"(?<=\d{8})"),
    rule("Azure storage key", "AccountKey=", r"([A-Za-z0-9+/]{86}==)", mixed, ""),
    rule("JSON web token", "eyJ", r"[\w-]{10,500}\.eyJ[\w-]{10,4000}\.[\w-]{20,700}", web_token),
    rule(
        "private key", "-----BEGIN", r" [A-Z0-9 ]{0,20}PRIVATE KEY(?: BLOCK)?-----" + GAP + PEM_HEADERS
        + r"([A-Za-z0-9+/=]{60,})", key_body, "",
    ),
    rule(
        "private key", "PuTTY-User-Key-File-", r"[23]: [\s\S]{20,3000}?Private-Lines: \d+\s{1,4}([A-Za-z0-9+/=]{40,})",
        key_body, "",
    ),
    rule("password in a URL", "://", r"[^\s/:@\"'<>{}$]{0,60}:([^\s/:@\"'<>{}$()]{8,100})@" + HOST, url_password, ""),
    rule("netrc password", "machine", r" [\w.-]+\s+login\s+\S+\s+password\s+(\S{8,100})", url_password),
]  # fmt: skip
ASSIGNMENT = re.compile(("(?i:" + "|".join(NAMES) + ")" + ASSIGNED).encode())
