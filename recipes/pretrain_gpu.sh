#!/bin/sh
# One call on a machine with a GPU: trains until MINUTES in all are spent, then leaves the model in
# OUT, in files of at most 16 MB. Needs no network and no installation: see docs/training.md.
#
#   MINUTES=8 OUT=out sh recipes/pretrain_gpu.sh [options of squeezebert pretrain]
#   MINUTES=16 OUT=out sh recipes/pretrain_gpu.sh     # later, on the same machine: goes on
#
# MINUTES  of training, added up over calls on one machine (default 8)
# OUT      the folder that comes back (default out)
# RUN      the run's directory on the machine (default runs/gpu)
# STORAGE  of the weights that come back: int8, float16 or float32 (default int8)
# PYTHON   the interpreter that has torch (default python3)
#
# At home:  mkdir model && cat out/model.tar.* | tar -x -C model
set -eu
MINUTES=${MINUTES:-8}
OUT=${OUT:-out}
RUN=${RUN:-runs/gpu}
STORAGE=${STORAGE:-int8}
PYTHON=${PYTHON:-python3}
PYTHONPATH=$(dirname "$0")/../src${PYTHONPATH:+:$PYTHONPATH}
export PYTHONPATH PYTHONUNBUFFERED=1

"$PYTHON" -m squeezebert pretrain --recipe "$(dirname "$0")/pretrain_gpu.toml" --output "$RUN" \
    --resume --set "loop.max_minutes=$MINUTES" "$@"
rm -rf "$RUN-$STORAGE"
"$PYTHON" -m squeezebert convert "$RUN" --storage "$STORAGE" --output "$RUN-$STORAGE"
mkdir -p "$OUT"
rm -f "$OUT"/model.tar.*
tar -c -C "$RUN-$STORAGE" . | split -b 16000000 -d - "$OUT/model.tar."
ls -l "$OUT"
