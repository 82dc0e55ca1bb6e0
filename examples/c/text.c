/*
 * What a model says of a text:
 *
 *     text [--float32] MODEL TEXT [PAIR]
 *     text [--float32] MODEL - < FILE
 *
 * MODEL is a directory or a file that `squeezebert bundle` made, which is read into memory here, as
 * an app does with an asset. Text classification prints each label and its score, token
 * classification the entities, masked LM the five likeliest words for each [MASK]. With "-" each
 * line of the input is a text, and an empty line ends its answer. --float32 is the exact reference,
 * for comparing processors: in int8 a sum's last bit can decide how a number is rounded.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "squeezebert.h"

enum { LIKELIEST = 5, LONGEST_LINE = 1 << 16 };

static int fail(void) {
    fprintf(stderr, "%s\n", squeezebert_last_error());
    return 1;
}

/* A whole file, or NULL where there is none, as for a directory. */
static void *read_file(const char *path, size_t *bytes) {
    FILE *file = fopen(path, "rb");
    char *content = NULL;
    long size = -1;
    if (file != NULL && fseek(file, 0, SEEK_END) == 0) size = ftell(file);
    if (size > 0 && size < 0x7FFFFFFF) content = malloc((size_t)size);
    if (content != NULL) {
        rewind(file);
        *bytes = fread(content, 1, (size_t)size, file);
        if (*bytes == 0) {
            free(content);
            content = NULL;
        }
    }
    if (file != NULL) fclose(file);
    return content;
}

static squeezebert_status open_model(const char *path, const squeezebert_options *options,
                                     squeezebert_model **model) {
    size_t bytes = 0;
    void *content = read_file(path, &bytes);
    const squeezebert_status status = content == NULL
                                          ? squeezebert_open(path, options, model)
                                          : squeezebert_open_memory(content, bytes, options, model);
    free(content);
    return status;
}

static int print_classes(const squeezebert_model *model, const char *text, const char *pair) {
    squeezebert_classes *classes = NULL;
    if (squeezebert_classify(model, text, SQUEEZEBERT_TERMINATED, pair, SQUEEZEBERT_TERMINATED,
                             &classes)) {
        return fail();
    }
    for (size_t i = 0; i < classes->count; ++i) {
        printf("%s %.6f\n", classes->names[i], classes->scores[i]);
    }
    squeezebert_free(classes);
    return 0;
}

static int print_entities(const squeezebert_model *model, const char *text) {
    squeezebert_entities *entities = NULL;
    if (squeezebert_tag(model, text, SQUEEZEBERT_TERMINATED, SQUEEZEBERT_BYTES, &entities)) {
        return fail();
    }
    for (size_t i = 0; i < entities->count; ++i) {
        const squeezebert_entity *one = &entities->items[i];
        printf("%s %.6f %.*s\n", one->type, one->score, (int)(one->end - one->start),
               text + one->start);
    }
    squeezebert_free(entities);
    return 0;
}

static int print_gaps(const squeezebert_model *model, const char *text) {
    squeezebert_gaps *gaps = NULL;
    if (squeezebert_fill(model, text, SQUEEZEBERT_TERMINATED, LIKELIEST, SQUEEZEBERT_BYTES,
                         &gaps)) {
        return fail();
    }
    int result = 0;
    for (size_t i = 0; i < gaps->count && result == 0; ++i) {
        const squeezebert_gap *gap = &gaps->items[i];
        for (size_t k = 0; k < gap->count && result == 0; ++k) {
            char *filled = NULL;
            if (squeezebert_filled(text, SQUEEZEBERT_TERMINATED, gap->start, gap->end,
                                   gap->candidates[k].token, &filled)) {
                result = fail();
            } else {
                printf("%.6f %s\n", gap->candidates[k].score, filled);
            }
            squeezebert_free(filled);
        }
    }
    squeezebert_free(gaps);
    return result;
}

static int answer(const squeezebert_model *model, squeezebert_head head, const char *text,
                  const char *pair) {
    switch (head) {
        case SQUEEZEBERT_HEAD_TEXT_CLASSIFICATION:
            return print_classes(model, text, pair);
        case SQUEEZEBERT_HEAD_TOKEN_CLASSIFICATION:
            return print_entities(model, text);
        case SQUEEZEBERT_HEAD_MASKED_LM:
            return print_gaps(model, text);
        default:
            fprintf(stderr, "the model has no head that answers texts\n");
            return 2;
    }
}

static int answer_lines(const squeezebert_model *model, squeezebert_head head) {
    static char line[LONGEST_LINE];
    int result = 0;
    while (result == 0 && fgets(line, sizeof line, stdin) != NULL) {
        const size_t length = strcspn(line, "\r\n");
        if (length == sizeof line - 1) {
            fprintf(stderr, "a line has more than %d bytes\n", LONGEST_LINE - 2);
            return 2;
        }
        line[length] = '\0';
        result = answer(model, head, line, NULL);
        printf("\n");
    }
    return result;
}

int main(int argc, char **argv) {
    squeezebert_options options = {SQUEEZEBERT_PRECISION_AUTO, 0};
    if (argc > 1 && strcmp(argv[1], "--float32") == 0) {
        options.precision = SQUEEZEBERT_PRECISION_FLOAT32;
        --argc;
        ++argv;
    }
    if (argc < 3 || argc > 4) {
        fprintf(stderr, "usage: text [--float32] MODEL TEXT [PAIR], or - for lines of the input\n");
        return 2;
    }
    squeezebert_model *model = NULL;
    squeezebert_info info;
    if (open_model(argv[1], &options, &model) || squeezebert_describe(model, &info)) return fail();
    const int result = argc == 3 && strcmp(argv[2], "-") == 0
                           ? answer_lines(model, info.head)
                           : answer(model, info.head, argv[2], argc == 4 ? argv[3] : NULL);
    squeezebert_close(model);
    return result;
}
