"""A real Slurm cluster on this machine: munge, a controller and some nodes, all in one directory. Needs root and
Debian's slurm packages (`apt-get install slurmctld slurmd slurm-client munge`); the machine's own configuration is not
touched.
"""

import contextlib
import os
import random
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import time
from pathlib import Path

from waiting import PATIENCE

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "scontrol")
CONFIGURATION = """ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={root}/munge.sock,cred_expire=5
CredType=cred/munge
SlurmctldPort={port}
FirstJobId={first}
SlurmctldPidFile={root}/slurmctld.pid
SlurmdPidFile={root}/slurmd-%n.pid
SlurmdSpoolDir={spool}/%n
StateSaveLocation={root}/state
SlurmctldLogFile={root}/slurmctld.log
SlurmdLogFile={root}/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SwitchType=switch/none
MpiDefault=none
SchedulerParameters=batch_sched_delay=0,sched_interval=1,sched_min_interval=0,bf_interval=1
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmdParameters=config_overrides
ReturnToService=2
SlurmdTimeout=10
MessageTimeout=10
KillWait=5
JobRequeue=1
DependencyParameters=kill_invalid_depend
"""


def missing():
    """Why no cluster can be had here, empty if one can."""
    if os.geteuid() != 0:
        return "a Slurm cluster needs root"
    lacking = [name for name in PROGRAMS if not shutil.which(name)]
    return f"Slurm is not installed: {lacking[0]}" if lacking else ""


def free_ports(count):
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


class Cluster:
    """
    Nodes n1, n2, ... with `cpus` cores and `gpus` each, which are null devices; `environment` is for whoever submits.
    """

    def __init__(self, root, nodes=2, cpus=1, gpus=0):
        self.root, self.names = Path(root), [f"n{i + 1}" for i in range(nodes)]
        self.spool = tempfile.mkdtemp(prefix="spool-")  # sockets, whose paths have at most 108 characters
        (self.root / "state").mkdir(parents=True)
        self.environment = os.environ | {"SLURM_CONF": str(self.root / "slurm.conf")}
        host, (port, *ports) = socket.gethostname().split(".")[0], free_ports(nodes + 1)
        first = random.randrange(1, 40000)  # ports follow from it, and several clusters may be here
        lines = [CONFIGURATION.format(host=host, root=self.root, spool=self.spool, port=port, first=first)]
        for name, own in zip(self.names, ports, strict=True):
            Path(self.spool, name).mkdir()
            place = f"NodeHostname={host} NodeAddr=127.0.0.1 Port={own}"
            gres = f" Gres=gpu:{gpus}" if gpus else ""
            lines.append(f"NodeName={name} {place} CPUs={cpus} RealMemory=64000{gres} State=UNKNOWN\n")
        lines.append("PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP\n")
        if gpus:
            lines.insert(1, "GresTypes=gpu\n")
            self.make_gpus(gpus)
        (self.root / "slurm.conf").write_text("".join(lines))

    def make_gpus(self, count):
        """As many devices as a node has GPUs, which tasks see in CUDA_VISIBLE_DEVICES."""
        (self.root / "dev").mkdir()
        for number in range(count):
            os.mknod(self.root / f"dev/nvidia{number}", stat.S_IFCHR | 0o600, os.stat(os.devnull).st_rdev)
        files = f"{self.root}/dev/nvidia[0-{count - 1}]"
        lines = [f"NodeName={name} Name=gpu File={files}\n" for name in self.names]
        (self.root / "gres.conf").write_text("AutoDetect=off\n" + "".join(lines))

    def start(self):
        key, root = self.root / "munge.key", self.root
        root.chmod(0o755)
        key.write_bytes(os.urandom(1024))
        key.chmod(0o600)
        files = [f"--key-file={key}", f"--socket={root}/munge.sock", f"--pid-file={root}/munged.pid"]
        self.run("munged", *files, f"--log-file={root}/munged.log", f"--seed-file={root}/munge.seed", "--force")
        self.run("slurmctld")
        for name in self.names:
            self.start_node(name)
        self.wait(lambda: set(self.run("sinfo", "-h", "-N", "-o", "%T").split()) == {"idle"})

    def start_node(self, name):
        self.run("slurmd", "-N", name)

    def kill_node(self, name):
        """Ends a node as a power cut would: its daemon and every process of its jobs."""
        daemon = int((self.root / f"slurmd-{name}.pid").read_text())
        os.kill(daemon, signal.SIGKILL)
        node = f"SLURMD_NODENAME={name}"
        tasks = [entry for entry in Path("/proc").iterdir() if entry.name.isdigit() and self.owns(entry, node)]
        above = {int(stat_of(entry)[1]) for entry in tasks}  # slurmstepd, which has no such environment
        for process in [*above, *(int(entry.name) for entry in tasks)]:
            with contextlib.suppress(OSError):
                if process in above and "slurmstepd" not in Path(f"/proc/{process}/cmdline").read_text():
                    continue
                os.kill(process, signal.SIGKILL)

    def owns(self, entry, *more):
        """Whether a process is one of this cluster's daemons or jobs, and has these variables too."""
        try:
            found = (entry / "environ").read_bytes().decode(errors="replace").split("\0")
        except OSError:
            return False
        return {f"SLURM_CONF={self.root}/slurm.conf", *more} <= set(found)

    def stop(self):
        """
        Ends the daemons, and then whatever of the cluster is left: a node that was killed leaves processes without a
        parent.
        """
        subprocess.run(["scancel", "-u", "root"], env=self.environment, capture_output=True)
        for file in [*self.root.glob("slurmd-*.pid"), self.root / "slurmctld.pid", self.root / "munged.pid"]:
            with contextlib.suppress(OSError, ValueError):
                if self.owns(Path("/proc", file.read_text().strip())):  # a killed one's number may be another's by now
                    os.kill(int(file.read_text()), signal.SIGTERM)
        time.sleep(1)
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and self.owns(entry):
                with contextlib.suppress(OSError):
                    os.kill(int(entry.name), signal.SIGKILL)
        shutil.rmtree(self.spool, ignore_errors=True)

    def run(self, *command):
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, check=True).stdout

    def wait(self, condition):
        until = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < until, self.run("squeue") + self.run("sinfo", "-N", "-o", "%N %T %E")
            time.sleep(0.2)


def stat_of(entry):
    """State, parent, group, ... of a process."""
    try:
        return (entry / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ["X", "0"]
