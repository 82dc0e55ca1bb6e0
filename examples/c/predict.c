/*
 * What a model says of one text, given as token ids:
 *
 *     predict MODEL_DIRECTORY ID...
 *
 * Text classification prints each label and its logit, token classification the likeliest label of
 * each token, masked LM the five likeliest ids for each [MASK], and a model without such a head the
 * mean of its hidden states. docs/c_api.md says how to build it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "squeezebert.h"

enum { MOST_TOKENS = 512, LIKELIEST = 5, MASK_ID = 4 /* in the shipped vocabulary */ };

static int fail(void) {
    fprintf(stderr, "%s\n", squeezebert_last_error());
    return 1;
}

static void print_label(const squeezebert_model *model, int index, float logit) {
    const char *label = "?";
    squeezebert_label(model, index, &label);
    printf("%s %.6f\n", label, logit);
}

/* All labels of one row, or the likeliest of each of several. */
static int print_labels(const squeezebert_model *model, const squeezebert_batch *batch, int rows,
                        int outputs) {
    const size_t count = (size_t)rows * (size_t)outputs;
    float *logits = malloc(count * sizeof *logits);
    if (logits == NULL || squeezebert_logits(model, batch, NULL, 0, logits, count)) {
        free(logits);
        return fail();
    }
    for (int row = 0; row < rows; ++row) {
        const float *from = logits + row * outputs;
        int best = 0;
        for (int i = 0; i < outputs; ++i) {
            if (rows == 1) print_label(model, i, from[i]);
            if (from[i] > from[best]) best = i;
        }
        if (rows > 1) print_label(model, best, from[best]);
    }
    free(logits);
    return 0;
}

static int print_gaps(const squeezebert_model *model, const squeezebert_batch *batch,
                      const int64_t *gaps, size_t count) {
    for (size_t gap = 0; gap < count; ++gap) {
        int32_t ids[LIKELIEST];
        float logits[LIKELIEST];
        if (squeezebert_top_k(model, batch, gaps + gap, 1, LIKELIEST, ids, logits, NULL)) {
            return fail();
        }
        for (int i = 0; i < LIKELIEST; ++i) printf("%" PRId32 " %.6f\n", ids[i], logits[i]);
    }
    return 0;
}

static int print_vector(const squeezebert_model *model, const squeezebert_batch *batch, int size) {
    float *vector = malloc((size_t)size * sizeof *vector);
    if (vector == NULL || squeezebert_mean_pooled(model, batch, vector, (size_t)size)) {
        free(vector);
        return fail();
    }
    for (int i = 0; i < size; ++i) printf("%.6f\n", vector[i]);
    free(vector);
    return 0;
}

int main(int argc, char **argv) {
    int32_t input_ids[MOST_TOKENS];
    int64_t gaps[MOST_TOKENS];
    size_t gap_count = 0;
    if (argc < 3 || argc > MOST_TOKENS + 2) {
        fprintf(stderr, "usage: predict MODEL_DIRECTORY ID...\n");
        return 2;
    }
    const int32_t tokens = argc - 2;
    for (int32_t i = 0; i < tokens; ++i) {
        input_ids[i] = (int32_t)strtol(argv[i + 2], NULL, 10);
        if (input_ids[i] == MASK_ID) gaps[gap_count++] = i;
    }
    const int32_t cu_seqlens[] = {0, tokens};
    const squeezebert_batch batch = {input_ids, NULL, cu_seqlens, 1, tokens};

    squeezebert_model *model = NULL;
    squeezebert_info info;
    if (squeezebert_open(argv[1], NULL, &model) || squeezebert_describe(model, &info))
        return fail();
    int result = 0;
    switch (info.head) {
        case SQUEEZEBERT_HEAD_TEXT_CLASSIFICATION:
            result = print_labels(model, &batch, 1, info.outputs);
            break;
        case SQUEEZEBERT_HEAD_TOKEN_CLASSIFICATION:
            result = print_labels(model, &batch, tokens, info.outputs);
            break;
        case SQUEEZEBERT_HEAD_MASKED_LM:
            result = print_gaps(model, &batch, gaps, gap_count);
            break;
        default:
            result = print_vector(model, &batch, info.hidden_size);
    }
    squeezebert_close(model);
    return result;
}
