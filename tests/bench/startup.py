"""What a command costs before it does anything: CPU over `python -c pass`, with compiled bytecode."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.bench.measure import Figure, bare_python, cpu_ratios
from tests.bench.stack import Stack

ROUNDS = int(os.environ.get("PERFCTL_BENCH_ROUNDS", "21"))

PLAN = str(Path(__file__).parents[1] / "fixtures" / "db" / "saved" / "18_join_json_bare.txt")

ASKED = {
    "perfctl --version": 3.0,
    "perfctl --help": 10.0,
    "completion": 10.0,
    "config validate": 9.0,
    "cache get": 20.0,
    "db slow": 22.0,
    "db plan": 18.0,
}


def run() -> list[Figure]:
    """The seven figures, and pip as a peer that every machine has."""
    subprocess.run([sys.executable, "-m", "compileall", "-q", "perfctl"], check=True)
    with tempfile.TemporaryDirectory() as folder, Stack(Path(folder)) as stack:
        stack.perfctl("cache", "set", "greeting", "hello", "-n", "bench")
        ratios = cpu_ratios(_commands(Path(folder)), baseline=bare_python(), env=_environment(stack), rounds=ROUNDS)
    return [Figure(name, ratio, "x", ASKED.get(name)) for name, ratio in ratios.items()]


def _commands(folder: Path) -> dict[str, list[str]]:
    perfctl = str(Path(sys.executable).with_name("perfctl"))
    configuration = folder / "perfctl.yaml"
    subprocess.run([perfctl, "config", "init", "--path", str(configuration)], check=True, capture_output=True)
    return {
        "perfctl --version": [perfctl, "--version"],
        "perfctl --help": [perfctl, "--help"],
        "completion": [
            "env",
            "_PERFCTL_COMPLETE=complete_bash",
            "COMP_WORDS=perfctl cache st",
            "COMP_CWORD=2",
            perfctl,
        ],
        "config validate": [perfctl, "config", "validate", str(configuration)],
        "cache get": [perfctl, "-c", Stack.name, "cache", "get", "greeting", "-n", "bench"],
        "db slow": [perfctl, "-c", Stack.name, "db", "slow"],
        "db plan": [perfctl, "db", "plan", PLAN, "-o", "json"],
        "peer: pip --version": [sys.executable, "-m", "pip", "--version"],
    }


def _environment(stack: Stack) -> dict[str, str]:
    """Bytecode is compiled and may be read: what an installed tool has."""
    return {name: value for name, value in stack.environment.items() if name != "PYTHONDONTWRITEBYTECODE"}
