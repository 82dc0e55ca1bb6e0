#!/usr/bin/env bash
# Makes the comparison of docs/results.md: fine-tunes the shipped pair on each public set, then
# measures all of them in one run. Runs that are finished are left as they are; those that were
# killed go on.
#
#   recipes/results.sh [FOLDER OF RUNS]        # REPETITIONS=3 for a spread of the speed-ups
set -euo pipefail
runs=${1:-runs/results}
recipes=(mlm_dailydialog news_ag news_bbc sms_spam ner_conll2003_en ner_conll2003_de)
sets=(dailydialog dailydialog_dedup ag_news bbc_news sms_spam conll2003_en conll2003_de)

models=()
for recipe in "${recipes[@]}"; do
    task=$(sed -n 's/^task = "\(.*\)"/\1/p' "recipes/$recipe.toml")
    for family in squeezebert bert; do
        output="$runs/$family-mini-$recipe"
        squeezebert train "$task" --recipe "recipes/$recipe.toml" --model "$family-mini-mlm" \
            --output "$output" --resume
        models+=(--model "$output")
    done
done

# One thread, as the study's CPU seconds are. No examples: the texts are not ours to pass on.
squeezebert compare "${models[@]}" "${sets[@]/#/--data=}" --threads 1 --examples 0 \
    --repetitions "${REPETITIONS:-1}" --output "$runs/report"
