"""The file that describes a cluster: what of it is read, and how what is wrong there is told."""

import subprocess

import pytest

from open_r1.cluster.site import read_site, read_values
from open_r1.core.errors import SlurmError

GOOD = "SBATCH_PARTITION=gpu\nGPUS_PER_NODE=8\n"


@pytest.fixture
def write(tmp_path):
    def written(text):
        (tmp_path / "site.env").write_text(text)
        return tmp_path / "site.env"

    return written


def test_sbatch_gets_its_own_variables_that_have_a_value(write):
    site = read_site(write(GOOD + "SBATCH_QOS=\nSBATCH_ACCOUNT=me\nSCRATCH=/tmp\nNCCL_DEBUG=INFO\n"))
    assert (site.gpus, site.sbatch) == (8, {"SBATCH_PARTITION": "gpu", "SBATCH_ACCOUNT": "me"})


@pytest.mark.parametrize(
    "text",
    [
        "A=1\n\n# B=2\n  C=3  # what it is\n",
        "A='one # two'\nB=\"a b\"\n",
        "CONTAINER='apptainer exec --nv image.sif'\nEMPTY=\n",
    ],
)
def test_values_are_those_that_bash_reads(write, text):
    file = write(text)
    found = read_values(file)
    shown = "".join(f'printf "%s\\0" "${name}"; ' for name in found)
    done = subprocess.run(["bash", "-c", f". {file}; {shown}"], capture_output=True, text=True, check=True)
    assert done.stdout.split("\0")[:-1] == list(found.values())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("GPUS_PER_NODE=8\n", "lacks `SBATCH_PARTITION`"),
        ("SBATCH_PARTITION=\nGPUS_PER_NODE=8\n", "lacks `SBATCH_PARTITION`"),
        ("SBATCH_PARTITION=gpu\n", "lacks `GPUS_PER_NODE`"),
        ("SBATCH_PARTITION=gpu\nGPUS_PER_NODE=eight\n", "`GPUS_PER_NODE=eight` is no number"),
        (GOOD + "SETUP = a\n", "line 3: 'SETUP = a' is no `KEY=value`"),
        (GOOD + "SETUP= a\n", "line 3: 'SETUP= a' is no"),
        (GOOD + "CONTAINER=apptainer exec\n", "line 3: 'CONTAINER=apptainer exec' is no"),
        (GOOD + "SETUP='a\n", 'line 3: "SETUP=\'a" is no'),
        (GOOD + "module load cuda\n", "line 3: 'module load cuda' is no"),
    ],
)
def test_what_is_wrong_is_one_line_with_its_fix(write, text, message):
    file = write(text)
    with pytest.raises(SlurmError) as caught:
        read_site(file)
    assert str(caught.value).startswith(str(file)) and message in str(caught.value) and caught.value.hint


def test_a_missing_file_says_what_to_copy(tmp_path):
    with pytest.raises(SlurmError, match="no such file") as caught:
        read_site(tmp_path / "site.env")
    assert f"copy {tmp_path}/site.env.example" in caught.value.hint
