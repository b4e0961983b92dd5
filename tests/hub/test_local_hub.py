"""The Hub of the tests, asked by the real libraries: what they send arrives, and each fault is the exception it is."""

import itertools
import os
import subprocess
import sys

import pytest

WEIGHTS = bytes(range(256)) * 800
FILES = {"config.json": b'{"a": 1}', "sub/x.txt": b"hello", "model.safetensors": WEIGHTS, "empty.txt": b""}
NUMBERS = itertools.count()


@pytest.fixture(autouse=True)
def healthy(local_hub):
    local_hub.role = "write"
    yield
    local_hub.faults.clear()


@pytest.fixture
def repository(local_hub):
    """Of the user, and new."""
    return local_hub.add("model", f"tester/m{next(NUMBERS)}", {"README.md": b"# m"})


@pytest.fixture
def folder(tmp_path):
    for name, data in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
    return tmp_path


def test_whose_token_it_is(hub_client):
    found = hub_client("api.whoami()")
    assert found["name"] == "tester" and [org["name"] for org in found["orgs"]] == ["lab"]
    assert found["auth"]["accessToken"]["role"] == "write"


@pytest.mark.parametrize("kind", ["model", "dataset"])
def test_a_folder_is_uploaded_once_and_comes_back(local_hub, hub_client, folder, tmp_path, kind):
    name = f"lab/{kind}"
    assert hub_client(f"api.create_repo('{name}', repo_type='{kind}', private=True).repo_id") == name
    upload = f"api.upload_folder(repo_id='{name}', folder_path='{folder}', repo_type='{kind}', commit_message='one')"
    sha = hub_client(upload + ".oid")
    repository = local_hub.repositories[kind, name]
    assert repository.private and repository.files() == FILES | {".gitattributes": b""}
    assert hub_client(upload + ".oid") == sha, "nothing has changed"
    assert [commit.title for commit in repository.history()] == ["one", "initial commit"]
    assert repository.branches["main"].files["model.safetensors"].lfs
    listed = hub_client(f"[c.commit_id for c in api.list_repo_commits('{name}', repo_type='{kind}')]")
    assert listed == [commit.sha for commit in repository.history()]
    place = tmp_path / "back"
    hub_client(f"snapshot_download('{name}', repo_type='{kind}', local_dir='{place}')")
    assert all((place / path).read_bytes() == data for path, data in FILES.items())
    assert hub_client(f"[one.id for one in api.list_{kind}s(author='lab')]") == [name]


def test_branches_and_tags(hub_client, repository):
    name = repository.name
    hub_client(f"api.create_branch('{name}', branch='v2/step-000100')")
    hub_client(
        f"api.upload_file(path_or_fileobj=b'b', path_in_repo='b', repo_id='{name}', revision='v2/step-000100').oid"
    )
    hub_client(f"api.create_tag('{name}', tag='v1')")
    assert repository.files("v2/step-000100")["b"] == b"b" and "b" not in repository.files("main")
    refs = hub_client(
        f"[[ref.name for ref in refs] for refs in (lambda r: (r.branches, r.tags))(api.list_repo_refs('{name}'))]"
    )
    assert refs == [["main", "v2/step-000100"], ["v1"]]
    assert hub_client(f"[api.revision_exists('{name}', one) for one in ('v1', 'v2/step-000100', 'v3')]") == [
        True,
        True,
        False,
    ]
    assert hub_client(f"[api.file_exists('{name}', one) for one in ('README.md', 'b')]") == [True, False]
    assert hub_client.ask(f"api.create_tag('{name}', tag='v1')")["status"] == 409
    hub_client(f"api.create_tag('{name}', tag='v1', exist_ok=True)")


def test_what_is_deleted_and_what_is_in_the_way(hub_client, repository):
    repository.write({"a/b/c.txt": b"c", "a/d.txt": b"d"})
    name = repository.name
    assert sorted(hub_client(f"[e.path for e in api.list_repo_tree('{name}')]")) == ["README.md", "a"]
    assert hub_client(f"[e.path for e in api.get_paths_info('{name}', ['a/b', 'a/d.txt', 'none'])]") == [
        "a/b",
        "a/d.txt",
    ]
    hub_client(f"api.delete_folder('a/b', '{name}').oid")
    assert set(repository.files()) == {"README.md", "a/d.txt"}
    stale = repository.branches["main"].parent.sha
    commit = f"api.upload_file(path_or_fileobj=b'', path_in_repo='e', repo_id='{name}', parent_commit='{stale}')"
    assert hub_client.ask(commit)["status"] == 412


def test_a_part_of_a_file(local_hub, repository):
    from urllib.request import Request, urlopen

    path, headers = f"{local_hub.url}/{repository.name}/resolve/main/README.md", {"Range": "bytes=1-"}
    with urlopen(Request(path, headers=headers)) as answer:
        assert (answer.status, answer.read(), answer.headers["Content-Range"]) == (206, b" m", "bytes 1-2/3")


ELSEWHERE = {"open": {}, "closed": {"private": True}, "asking": {"gated": True}}
REFUSED = {
    "private": ("api.model_info('other/closed')", "RepositoryNotFoundError", 404),
    "private, no token": ("api.model_info('other/closed', token=False)", "RepositoryNotFoundError", 401),
    "gated": ("hf_hub_download('other/asking', 'a')", "GatedRepoError", 403),
    "gated, no token": ("hf_hub_download('other/asking', 'a', token=False)", "GatedRepoError", 401),
    "gated, asked first": ("auth_check('other/asking')", "GatedRepoError", 403),
    "no repository": ("api.model_info('other/none')", "RepositoryNotFoundError", 404),
    "no revision": ("api.model_info('other/open', revision='v9')", "RevisionNotFoundError", 404),
    "no file": ("hf_hub_download('other/open', 'b')", "RemoteEntryNotFoundError", 404),
    "another's namespace": ("api.create_repo('other/mine')", "HfHubHTTPError", 403),
    "another's repository": (
        "api.upload_file(path_or_fileobj=b'', path_in_repo='e', repo_id='other/open')", "HfHubHTTPError", 403,
    ),
    "a name that is taken": ("api.create_repo('tester/taken')", "HfHubHTTPError", 409),
    "a token that is none": ("HfApi(token='hf_wrong').whoami()", "HfHubHTTPError", 401),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused(local_hub, hub_client, case):
    for name, options in ELSEWHERE.items():
        local_hub.add("model", f"other/{name}", {"a": b"a"}, **options)
    local_hub.add("model", "tester/taken", {})
    expression, error, status = REFUSED[case]
    answer = hub_client.ask(expression)
    assert (answer.get("error"), answer.get("status")) == (error, status), answer


def test_a_token_that_only_reads(local_hub, hub_client, repository):
    local_hub.role = "read"
    assert hub_client("api.whoami()")["auth"]["accessToken"]["role"] == "read"
    assert hub_client.ask("api.create_repo('tester/new')")["status"] == 403
    assert hub_client(f"api.model_info('{repository.name}').id") == repository.name
    assert hub_client.ask(f"api.create_tag('{repository.name}', tag='v1')")["status"] == 403


UPLOAD = "api.upload_file(path_or_fileobj=b'new', path_in_repo='{path}', repo_id='{name}', commit_message='new').oid"
ACTIONS = {
    "whoami": "api.whoami()",
    "create": "api.create_repo('{name}-2', exist_ok=True)",
    "branch": "api.create_branch('{name}', branch='other')",
    "preupload": UPLOAD,
    "lfs-batch": UPLOAD,
    "upload": UPLOAD,
    "commit": UPLOAD,
    "tag": "api.create_tag('{name}', tag='v1')",
    "resolve": "hf_hub_download('{name}', 'README.md')",
}
ENDED = ("RemoteProtocolError", "ReadError", "WriteError")  # depends on the moment
FAULTS = {  # step, fault -> what the client raises, and the status that it has seen; None where it tries again
    ("whoami", 401): ("HfHubHTTPError", 401),
    ("whoami", 429): ("HfHubHTTPError", 429),
    ("whoami", "hang"): ("ReadTimeout", None),
    ("create", 403): ("HfHubHTTPError", 403),
    ("create", 500): ("HfHubHTTPError", 500),
    ("create", "half"): ENDED,
    ("branch", 503): ("HfHubHTTPError", 503),
    ("preupload", 404): ("HfHubHTTPError", 404),
    ("preupload", 429): None,
    ("lfs-batch", 500): None,
    ("upload", 503): None,
    ("upload", "cut"): None,
    ("upload", 403): ("RuntimeError", None),  # its cause has the status
    ("commit", 409): ("HfHubHTTPError", 409),
    ("commit", 412): ("HfHubHTTPError", 412),
    ("commit", 500): ("HfHubHTTPError", 500),
    ("commit", "cut"): ENDED,
    ("commit", "half"): ENDED,
    ("commit", "hang"): ("ReadTimeout", None),
    ("tag", 401): ("HfHubHTTPError", 401),
    ("resolve", "cut"): None,
    ("resolve", 503): None,
}


@pytest.mark.parametrize("step, kind", [pytest.param(*one, id="-".join(map(str, one))) for one in FAULTS])
def test_a_fault_is_what_the_client_sees(local_hub, hub_client, repository, step, kind):
    """Once; and afterwards all is well."""
    local_hub.fail(step, kind, retry_after=0 if kind == 429 else None)
    path = "new.bin" if step in ("lfs-batch", "upload") else "new.txt"
    local_hub.objects.clear()
    action = ACTIONS[step].format(name=repository.name, path=path)
    answer = hub_client.ask(action)
    if FAULTS[step, kind] is None:
        assert "value" in answer, answer
    elif FAULTS[step, kind] is ENDED:
        assert answer["error"] in ENDED, answer
    else:
        assert (answer["error"], answer["status"]) == FAULTS[step, kind], answer
    made = [commit.title for commit in repository.history()].count("new")
    assert step != "commit" or made == (kind == "half"), "a commit is made whole, or not at all"
    hub_client(action)


def test_somebody_else_commits_before(local_hub, hub_client, repository):
    local_hub.fail("commit", "overtaken")
    head = repository.branches["main"].sha
    upload = UPLOAD.format(name=repository.name, path="new.txt").replace(
        "commit_message", f"parent_commit='{head}', commit_message"
    )
    assert hub_client.ask(upload)["status"] == 412
    assert [commit.title for commit in repository.history()] == ["by somebody", "initial commit"]


def test_a_fault_happens_as_often_as_it_was_told(local_hub, hub_client):
    local_hub.fail("whoami", 500, times=2)
    assert [hub_client.ask("api.whoami()").get("status") for _ in range(3)] == [500, 500, None]
    local_hub.fail("whoami", 503, times=None)
    assert [hub_client.ask("api.whoami()").get("status") for _ in range(4)] == [503] * 4


def test_the_hub_is_away_and_comes_back(local_hub, hub_client, repository):
    ask = f"api.model_info('{repository.name}').sha"
    sha = hub_client(ask)
    with local_hub.away():
        assert hub_client.ask(ask)["error"] == "ConnectError"
    assert hub_client(ask) == sha


DATASETS = """
from datasets import Dataset, get_dataset_config_names, load_dataset, load_dataset_builder
rows = Dataset.from_dict({"problem": [f"p{n}" for n in range(50)], "answer": list(range(50))})
rows.push_to_hub("lab/rows", private=True)
rows.push_to_hub("lab/rows", config_name="math", split="test", num_shards=3)
assert load_dataset("lab/rows", split="train").to_list() == rows.to_list()
assert load_dataset("lab/rows", "math", split="test", revision="main").to_list() == rows.to_list()
assert next(iter(load_dataset("lab/rows", split="train", streaming=True))) == rows[0]
assert sorted(get_dataset_config_names("lab/rows")) == ["default", "math"]
assert load_dataset_builder("lab/rows", "math").info.splits["test"].num_examples == 50
"""
MODELS = """
import torch
from huggingface_hub import ModelCard, ModelCardData
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM
sizes = dict(vocab_size=64, hidden_size=16, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2)
model = LlamaForCausalLM(LlamaConfig(**sizes))
model.push_to_hub("tester/tiny", private=True)
assert torch.equal(AutoModelForCausalLM.from_pretrained("tester/tiny").lm_head.weight, model.lm_head.weight)
ModelCard.from_template(ModelCardData(license="mit", base_model="a/b"), model_id="tiny").push_to_hub("tester/tiny")
assert ModelCard.load("tester/tiny").data.base_model == "a/b"
"""


@pytest.mark.parametrize("program", [pytest.param(DATASETS, id="datasets"), pytest.param(MODELS, id="transformers")])
def test_the_libraries_push_and_load(local_hub, program):
    done = subprocess.run([sys.executable, "-c", program], env=os.environ | local_hub.environment, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()[-3000:]
