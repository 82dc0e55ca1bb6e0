"""Kills a machine of a Ray cluster while it answers, and compares with one process: docs/scale.md
tells what came of it.

``python -m experiments.nodes --rows 40000`` makes a table and a cluster of three nodes of one CPU
on this machine, has `squeezebert predict --ray` answer the table there, kills a node after the
first partitions, and has one process answer the same table. Ends in a line of JSON: partitions that
were answered when the node died, and whether output and bad rows are equal byte for byte.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from experiments.kills import make_row

_STORE = 200 << 20
_PARTITION = 500


def main(argv: Sequence[str] | None = None) -> None:
    """See the module's text."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n\n")[0])
    parser.add_argument("--rows", type=int, default=40_000)
    parser.add_argument("--after", type=int, default=6, help="Partitions before the node dies.")
    parser.add_argument("--model", default="squeezebert-mini-news")
    asked = parser.parse_args(argv)
    # A busy machine takes long to start so many processes.
    os.environ.update(RAY_USAGE_STATS_ENABLED="0", RAY_raylet_start_wait_time_s="300")
    from ray.cluster_utils import Cluster

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        draw = random.Random(0)
        table = folder / "in.csv"
        table.write_text("id,text\n" + "".join(make_row(at, draw) for at in range(asked.rows)))
        head = {"num_cpus": 1, "include_dashboard": False, "object_store_memory": _STORE}
        cluster = Cluster(initialize_head=True, head_node_args=head)
        cluster.add_node(num_cpus=1, object_store_memory=_STORE)
        last = cluster.add_node(num_cpus=1, object_store_memory=_STORE)
        words = [sys.executable, "-m", "squeezebert", "predict", asked.model, "--input", str(table)]
        words += ["--precision", "float32", "--bad-rows", "report"]
        many, one = folder / "many.csv", folder / "one.csv"
        more = ["--workers", "3", "--partition-rows", str(_PARTITION), "--ray", cluster.address]
        with subprocess.Popen([*words, "--output", str(many), *more]) as job:  # noqa: S603 - our own words
            done = folder / "many.csv.partial"
            while len([*done.glob("partitions/*/done.json")]) < asked.after and job.poll() is None:
                time.sleep(0.1)
            answered = len([*done.glob("partitions/*/done.json")])
            cluster.remove_node(last, allow_graceful=False)
        subprocess.run([*words, "--output", str(one), "--threads", "1"], check=True)  # noqa: S603
        cluster.shutdown()
        bad = [path.with_name(f"{path.stem}.bad.jsonl").read_bytes() for path in (one, many)]
        found = {
            "partitions": -(-asked.rows // _PARTITION),
            "answered_before": answered,
            "same_output": one.read_bytes() == many.read_bytes(),
            "same_bad_rows": bad[0] == bad[1],
        }
        print(json.dumps(found))


if __name__ == "__main__":
    main()
