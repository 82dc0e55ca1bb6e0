/*
 * The C API of the native engine of squeezebert: models of the SqueezeBERT and BERT type on a
 * processor, from any language that can call C.
 *
 *     squeezebert_model *model = NULL;
 *     if (squeezebert_open("path/to/model", NULL, &model) != SQUEEZEBERT_OK) {
 *         fprintf(stderr, "%s\n", squeezebert_last_error());
 *         return 1;
 *     }
 *     int32_t input_ids[] = {2, 1712, 88, 3}, cu_seqlens[] = {0, 4};
 *     squeezebert_batch batch = {input_ids, NULL, cu_seqlens, 1, 4};
 *     float logits[6];
 *     squeezebert_logits(model, &batch, NULL, 0, logits, 6);
 *     squeezebert_close(model);
 *
 * That is ids in, numbers out: all arrays are the caller's; "(tokens, hidden_size)" is row after
 * row. Text in, answers out, is further below:
 *
 *     squeezebert_entities *found = NULL;
 *     squeezebert_tag(model, "Ada went to Turin.", SQUEEZEBERT_TERMINATED, SQUEEZEBERT_BYTES,
 *                     &found);
 *     squeezebert_free(found);
 *
 * Nothing is kept beyond a call. A model may be used from many threads at once, but closed only
 * when all are done.
 */
#ifndef SQUEEZEBERT_H
#define SQUEEZEBERT_H

#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32) && defined(squeezebert_EXPORTS)
#define SQUEEZEBERT_API __declspec(dllexport)
#elif defined(_WIN32)
#define SQUEEZEBERT_API
#else
#define SQUEEZEBERT_API __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* What a function gives back. squeezebert_last_error() says more. */
typedef int32_t squeezebert_status;
enum {
    SQUEEZEBERT_OK = 0,
    SQUEEZEBERT_ERROR_CHECKPOINT = 1,    /* a model directory that cannot be read */
    SQUEEZEBERT_ERROR_CONFIG = 2,        /* a config.json that cannot be as it is */
    SQUEEZEBERT_ERROR_INVALID_INPUT = 3, /* an argument that cannot be used */
    SQUEEZEBERT_ERROR_OUT_OF_MEMORY = 4,
    SQUEEZEBERT_ERROR_INTERNAL = 5 /* what should not happen */
};

/* How products are computed. AUTO is what the model's file records, otherwise int8 with bf16 for
 * the products that single large features would harm, as the model's LayerNorms foretell. */
typedef int32_t squeezebert_precision;
enum {
    SQUEEZEBERT_PRECISION_AUTO = 0,
    SQUEEZEBERT_PRECISION_INT8 = 1,
    SQUEEZEBERT_PRECISION_BF16 = 2,
    SQUEEZEBERT_PRECISION_FLOAT32 = 3 /* the exact reference */
};

/* What a model gives beside hidden states. */
typedef int32_t squeezebert_head;
enum {
    SQUEEZEBERT_HEAD_NONE = 0,
    SQUEEZEBERT_HEAD_MASKED_LM = 1,
    SQUEEZEBERT_HEAD_TEXT_CLASSIFICATION = 2,
    SQUEEZEBERT_HEAD_TOKEN_CLASSIFICATION = 3,
    SQUEEZEBERT_HEAD_QUESTION_ANSWERING = 4,
    SQUEEZEBERT_HEAD_MULTIPLE_CHOICE = 5
};

/* Zeros are the defaults. */
typedef struct squeezebert_options {
    squeezebert_precision precision;
    int32_t threads; /* 0: all cores that the process may use */
} squeezebert_options;

/* Sequences of token ids in a row, without padding: sequence i has the tokens from cu_seqlens[i]
 * to cu_seqlens[i + 1]. A sequence has 1 to max_positions tokens. */
typedef struct squeezebert_batch {
    const int32_t *input_ids;      /* (tokens,), below vocab_size */
    const int32_t *token_type_ids; /* (tokens,), below type_vocab_size; NULL: 0 everywhere */
    const int32_t *cu_seqlens;     /* (sequences + 1,), from 0 to tokens */
    int32_t sequences;
    int32_t tokens;
} squeezebert_batch;

/* What a model is. The texts live as long as the model. */
typedef struct squeezebert_info {
    squeezebert_head head;
    int32_t outputs; /* logits in a row: labels, or vocab_size for masked LM; 0 without a head */
    int32_t hidden_size;
    int32_t vocab_size;
    int32_t type_vocab_size;
    int32_t max_positions;
    int32_t layers;
    int32_t threads;
    const char *isa; /* the instruction set in use, as SQUEEZEBERT_ISA spells it */
} squeezebert_info;

/* A loaded model. */
typedef struct squeezebert_model squeezebert_model;

/* Opens a model: a directory in Hugging Face's layout (config.json and model.safetensors), or the
 * one file that `squeezebert bundle` makes of it. The path is UTF-8. `options` may be NULL. On
 * failure *model is NULL. */
SQUEEZEBERT_API squeezebert_status squeezebert_open(const char *path,
                                                    const squeezebert_options *options,
                                                    squeezebert_model **model);

/* The same for such a file's content. It is copied, so it may be freed afterwards. */
SQUEEZEBERT_API squeezebert_status squeezebert_open_memory(const void *data, size_t bytes,
                                                           const squeezebert_options *options,
                                                           squeezebert_model **model);

/* Frees a model; NULL is allowed. */
SQUEEZEBERT_API void squeezebert_close(squeezebert_model *model);

/* Fills *info. */
SQUEEZEBERT_API squeezebert_status squeezebert_describe(const squeezebert_model *model,
                                                        squeezebert_info *info);

/* The name of a class, in the order of the logits: UTF-8, alive as long as the model. Text and
 * token classification only. */
SQUEEZEBERT_API squeezebert_status squeezebert_label(const squeezebert_model *model, int32_t index,
                                                     const char **label);

/* In the calls below `out_count` is how many numbers `out` has room for. It must be what the call
 * writes, so that a mistake in a shape is an error and nothing worse. */

/* The last hidden states: out (tokens, hidden_size). */
SQUEEZEBERT_API squeezebert_status squeezebert_encode(const squeezebert_model *model,
                                                      const squeezebert_batch *batch, float *out,
                                                      size_t out_count);

/* The mean of each sequence's last hidden states: out (sequences, hidden_size). */
SQUEEZEBERT_API squeezebert_status squeezebert_mean_pooled(const squeezebert_model *model,
                                                           const squeezebert_batch *batch,
                                                           float *out, size_t out_count);

/* What the head gives:
 *     text classification, multiple choice      out (sequences, outputs)
 *     token classification, question answering  out (tokens, outputs)
 *     masked LM                                 out (count, vocab_size)
 * `positions` (count,) are tokens of the batch, for masked LM only: NULL and 0 for other heads. */
SQUEEZEBERT_API squeezebert_status squeezebert_logits(const squeezebert_model *model,
                                                      const squeezebert_batch *batch,
                                                      const int64_t *positions, size_t count,
                                                      float *out, size_t out_count);

/* A masked LM's k likeliest tokens at each of `count` positions, the likeliest first; of equals,
 * the lower id. ids and logits: (count, k). log_normalisers: (count,) or NULL; what
 * logit - log_normaliser is the logarithm of is a probability. */
SQUEEZEBERT_API squeezebert_status squeezebert_top_k(const squeezebert_model *model,
                                                     const squeezebert_batch *batch,
                                                     const int64_t *positions, size_t count,
                                                     int32_t k, int32_t *ids, float *logits,
                                                     float *log_normalisers);

/*
 * Text in, answers out, the same as squeezebert.load(...) of Python gives.
 *
 * A text is UTF-8 of so many bytes, or SQUEEZEBERT_TERMINATED for one that ends with a NUL. What a
 * call gives, with all that it points to, is one piece of memory that is free again after
 * squeezebert_free(); on failure it is NULL. The tokenizer's files and task.json are read by the
 * first of these calls.
 */
#define SQUEEZEBERT_TERMINATED ((size_t)-1)

/* What positions in a text count. */
typedef int32_t squeezebert_unit;
enum {
    SQUEEZEBERT_BYTES = 0,       /* of UTF-8 */
    SQUEEZEBERT_CODE_POINTS = 1, /* as Python's strings */
    SQUEEZEBERT_UTF16 = 2        /* as JavaScript's, Java's and Swift's NSString */
};

/* Tokens of a text, without special ones around it; a literal "[MASK]" is that token. Token i
 * stands at starts[i] up to, not including, ends[i]. */
typedef struct squeezebert_tokens {
    size_t count;
    const int32_t *ids;
    const size_t *starts;
    const size_t *ends;
} squeezebert_tokens;

/* What the scores of a text classifier are. */
typedef int32_t squeezebert_problem;
enum {
    SQUEEZEBERT_SINGLE_LABEL = 0, /* probabilities that sum to 1 */
    SQUEEZEBERT_MULTI_LABEL = 1,  /* a probability for each label by itself */
    SQUEEZEBERT_REGRESSION = 2    /* a number */
};

/* A text's classes, in the order of the labels. */
typedef struct squeezebert_classes {
    squeezebert_problem problem;
    int32_t best; /* the likeliest label; 0 for a regression */
    size_t count;
    const double *scores;     /* (count,) */
    const char *const *names; /* (count,) */
} squeezebert_classes;

/* A named stretch of a text. */
typedef struct squeezebert_entity {
    const char *type; /* "PER" */
    size_t start;
    size_t end;  /* behind its last */
    float score; /* the least probability among the tags of its words */
} squeezebert_entity;

typedef struct squeezebert_entities {
    size_t count;
    const squeezebert_entity *items;
} squeezebert_entities;

/* A token that may stand in a gap. */
typedef struct squeezebert_candidate {
    int32_t id;
    const char *token; /* as the vocabulary writes it: "##ing" continues a word */
    double score;      /* its probability */
} squeezebert_candidate;

/* A [MASK] in a text. */
typedef struct squeezebert_gap {
    size_t start;
    size_t end;
    size_t count;
    const squeezebert_candidate *candidates; /* the likeliest first */
} squeezebert_gap;

typedef struct squeezebert_gaps {
    size_t count;
    const squeezebert_gap *items;
} squeezebert_gaps;

/* What may stand in gaps that are filled together. */
typedef int32_t squeezebert_content;
enum {
    SQUEEZEBERT_WORDS =
        0, /* whole words of letters: no pieces of words, no punctuation, no number */
    SQUEEZEBERT_TOKENS = 1 /* any token but special ones */
};

/* Tokens for all gaps of a text. */
typedef struct squeezebert_filling {
    const char *text;   /* the text with them in its gaps */
    double score;       /* the product of the tokens' probabilities, each given those before */
    const int32_t *ids; /* (gaps,) */
    const char *const *tokens; /* (gaps,) as the vocabulary writes them */
} squeezebert_filling;

typedef struct squeezebert_fillings {
    size_t gaps;
    const size_t *starts; /* (gaps,) where each [MASK] stands */
    const size_t *ends;   /* (gaps,) */
    size_t count;
    const squeezebert_filling *items; /* the likeliest first */
} squeezebert_fillings;

/* How a word that is suggested relates to what stands in its place. */
typedef int32_t squeezebert_suggestion_kind;
enum {
    SQUEEZEBERT_NEXT = 0,       /* nothing stands there yet */
    SQUEEZEBERT_TYPED = 1,      /* it is what stands there */
    SQUEEZEBERT_COMPLETION = 2, /* it begins with it */
    SQUEEZEBERT_CORRECTION = 3  /* a few letters differ */
};

typedef struct squeezebert_suggestion {
    const char *word;
    squeezebert_suggestion_kind kind;
    double score; /* its probability among all words that might be meant */
} squeezebert_suggestion;

/* Words for the place from start up to, not including, end. */
typedef struct squeezebert_suggestions {
    size_t start;
    size_t end;
    size_t count;
    const squeezebert_suggestion *items; /* the likeliest first */
} squeezebert_suggestions;

/* Tokens and where they stand; any model with a tokenizer. */
SQUEEZEBERT_API squeezebert_status squeezebert_tokenize(const squeezebert_model *model,
                                                        const char *text, size_t bytes,
                                                        squeezebert_unit unit,
                                                        squeezebert_tokens **tokens);

/* Classes of a text, or of a pair of texts; `pair` may be NULL. What is longer than the model's
 * max_length is cut at the end, the longer of two first. */
SQUEEZEBERT_API squeezebert_status squeezebert_classify(const squeezebert_model *model,
                                                        const char *text, size_t bytes,
                                                        const char *pair, size_t pair_bytes,
                                                        squeezebert_classes **classes);

/* Entities, in the order of the text. A long text is worked through in overlapping windows. */
SQUEEZEBERT_API squeezebert_status squeezebert_tag(const squeezebert_model *model, const char *text,
                                                   size_t bytes, squeezebert_unit unit,
                                                   squeezebert_entities **entities);

/* Candidates for each [MASK], `top_k` where there are as many; special tokens are none. */
SQUEEZEBERT_API squeezebert_status squeezebert_fill(const squeezebert_model *model,
                                                    const char *text, size_t bytes, int32_t top_k,
                                                    squeezebert_unit unit, squeezebert_gaps **gaps);

/* All [MASK] of a text filled together, in at most `top_k` ways (64 where that is more): from left
 * to right, each in sight of what stands in those before it. The text must fit into one input of
 * the model. */
SQUEEZEBERT_API squeezebert_status squeezebert_fill_all(const squeezebert_model *model,
                                                        const char *text, size_t bytes,
                                                        int32_t top_k, squeezebert_content content,
                                                        squeezebert_unit unit,
                                                        squeezebert_fillings **fillings);

/* Words for a cursor in a text, as a keyboard offers them, `top_k` where there are as many: what
 * comes next, or how the word that the cursor is in or right after may go on or be spelt. Whole
 * words only: tokens that are, and those of words.txt. `cursor` counts in `unit`. Masked LM only.
 */
SQUEEZEBERT_API squeezebert_status squeezebert_suggest(const squeezebert_model *model,
                                                       const char *text, size_t bytes,
                                                       size_t cursor, int32_t top_k,
                                                       squeezebert_unit unit,
                                                       squeezebert_suggestions **suggestions);

/* The text with a token in a gap, as UTF-8 that ends with a NUL. start and end are the gap's, in
 * bytes. One that continues a word stands close to what is before it. */
SQUEEZEBERT_API squeezebert_status squeezebert_filled(const char *text, size_t bytes, size_t start,
                                                      size_t end, const char *token, char **filled);

/* Frees what one of these calls gave; NULL is allowed. */
SQUEEZEBERT_API void squeezebert_free(void *result);

/* What went wrong in the last call of this thread that failed, with a hint where one is known, as
 * UTF-8; "" where none has. Valid until the next one fails. */
SQUEEZEBERT_API const char *squeezebert_last_error(void);

/* The library's version, "1.2.3". */
SQUEEZEBERT_API const char *squeezebert_version(void);

#ifdef __cplusplus
}
#endif

#endif
