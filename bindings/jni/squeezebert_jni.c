/*
 * The C API for Java and Kotlin: the native methods of squeezebert.Model (Model.java beside this
 * file, which says what they take).
 *
 * Texts come and go as bytes of UTF-8, since JNI's own strings are of another encoding. An answer
 * is an Object[] of three: texts (byte[][]), whole numbers (int[]) and scores (double[]);
 * Model.java makes objects of it.
 */
#include <jni.h>
#include <stdint.h>

#include "squeezebert.h"

#define NATIVE(type, name) JNIEXPORT type JNICALL Java_squeezebert_Model_##name

/* What Java throws for a call that failed. */
static void throw_status(JNIEnv *env, squeezebert_status status);

static squeezebert_model *model_of(jlong handle) { return (squeezebert_model *)(intptr_t)handle; }

/* --- what comes in -----------------------------------------------------------------------------
 */

typedef struct text {
    jbyteArray array;
    jbyte *bytes; /* NULL where there is none, or no memory: an exception is pending then */
    size_t size;
} text;

static text take(JNIEnv *env, jbyteArray array) {
    text result = {array, NULL, 0};
    if (array != NULL) {
        result.size = (size_t)(*env)->GetArrayLength(env, array);
        result.bytes = (*env)->GetByteArrayElements(env, array, NULL);
    }
    return result;
}

static void give_back(JNIEnv *env, text taken) {
    if (taken.bytes == NULL) return;
    (*env)->ReleaseByteArrayElements(env, taken.array, taken.bytes, JNI_ABORT);
}

/* --- what goes out -----------------------------------------------------------------------------
 */

/* An answer that is being filled. `failed` once there was no memory: an exception is pending. */
typedef struct answer {
    JNIEnv *env;
    jobjectArray texts;
    jintArray numbers;
    jdoubleArray scores;
    jsize texts_at, numbers_at, scores_at;
    int failed;
} answer;

static answer new_answer(JNIEnv *env, size_t texts, size_t numbers, size_t scores) {
    answer result = {env, NULL, NULL, NULL, 0, 0, 0, 1};
    const jclass bytes = (*env)->FindClass(env, "[B");
    if (bytes == NULL) return result;
    result.texts = (*env)->NewObjectArray(env, (jsize)texts, bytes, NULL);
    if (result.texts == NULL) return result;
    result.numbers = (*env)->NewIntArray(env, (jsize)numbers);
    if (result.numbers == NULL) return result;
    result.scores = (*env)->NewDoubleArray(env, (jsize)scores);
    result.failed = result.scores == NULL;
    return result;
}

static jbyteArray bytes_of(JNIEnv *env, const char *content) {
    jsize size = 0;
    while (content[size] != '\0') ++size;
    const jbyteArray array = (*env)->NewByteArray(env, size);
    if (array != NULL) {
        (*env)->SetByteArrayRegion(env, array, 0, size, (const jbyte *)content);
    }
    return array;
}

static void add_text(answer *to, const char *content) {
    if (to->failed) return;
    const jbyteArray array = bytes_of(to->env, content);
    if (array == NULL) {
        to->failed = 1;
        return;
    }
    (*to->env)->SetObjectArrayElement(to->env, to->texts, to->texts_at++, array);
    (*to->env)->DeleteLocalRef(to->env, array);
}

static void add_number(answer *to, size_t value) {
    const jint number = (jint)value;
    if (!to->failed) {
        (*to->env)->SetIntArrayRegion(to->env, to->numbers, to->numbers_at++, 1, &number);
    }
}

static void add_score(answer *to, double score) {
    if (!to->failed) {
        (*to->env)->SetDoubleArrayRegion(to->env, to->scores, to->scores_at++, 1, &score);
    }
}

static jobjectArray finished(answer *from) {
    JNIEnv *env = from->env;
    if (from->failed) return NULL;
    const jclass object = (*env)->FindClass(env, "java/lang/Object");
    if (object == NULL) return NULL;
    const jobjectArray result = (*env)->NewObjectArray(env, 3, object, NULL);
    if (result == NULL) return NULL;
    (*env)->SetObjectArrayElement(env, result, 0, from->texts);
    (*env)->SetObjectArrayElement(env, result, 1, from->numbers);
    (*env)->SetObjectArrayElement(env, result, 2, from->scores);
    return result;
}

static void throw_status(JNIEnv *env, squeezebert_status status) {
    const jclass type = (*env)->FindClass(env, "squeezebert/SqueezeBertException");
    if (type == NULL) return;
    const jmethodID constructor = (*env)->GetMethodID(env, type, "<init>", "(I[B)V");
    const jbyteArray message = bytes_of(env, squeezebert_last_error());
    if (constructor == NULL || message == NULL) return;
    const jobject exception = (*env)->NewObject(env, type, constructor, (jint)status, message);
    if (exception != NULL) (*env)->Throw(env, (jthrowable)exception);
}

/* --- opening -----------------------------------------------------------------------------------
 */

NATIVE(jlong, open)
(JNIEnv *env, jclass type, jbyteArray path, jbyteArray content, jint precision, jint threads) {
    (void)type;
    const squeezebert_options options = {precision, threads};
    const text given = take(env, path != NULL ? path : content);
    squeezebert_model *model = NULL;
    if (given.bytes == NULL) return 0;
    /* Java ends a path with a NUL. */
    const squeezebert_status status =
        path != NULL ? squeezebert_open((const char *)given.bytes, &options, &model)
                     : squeezebert_open_memory(given.bytes, given.size, &options, &model);
    give_back(env, given);
    if (status != SQUEEZEBERT_OK) throw_status(env, status);
    return (jlong)(intptr_t)model;
}

NATIVE(jlong, openBuffer)
(JNIEnv *env, jclass type, jobject buffer, jint precision, jint threads) {
    (void)type;
    const squeezebert_options options = {precision, threads};
    squeezebert_model *model = NULL;
    const void *content = (*env)->GetDirectBufferAddress(env, buffer);
    const jlong size = (*env)->GetDirectBufferCapacity(env, buffer);
    const squeezebert_status status =
        squeezebert_open_memory(content, size < 0 ? 0 : (size_t)size, &options, &model);
    if (status != SQUEEZEBERT_OK) throw_status(env, status);
    return (jlong)(intptr_t)model;
}

NATIVE(void, free)(JNIEnv *env, jclass type, jlong handle) {
    (void)env;
    (void)type;
    squeezebert_close(model_of(handle));
}

/* Numbers: head, hidden size, vocabulary, positions, threads. Texts: the instruction set, version.
 */
NATIVE(jobjectArray, describe)(JNIEnv *env, jclass type, jlong handle) {
    (void)type;
    squeezebert_info info;
    const squeezebert_status status = squeezebert_describe(model_of(handle), &info);
    if (status != SQUEEZEBERT_OK) {
        throw_status(env, status);
        return NULL;
    }
    answer result = new_answer(env, 2, 5, 0);
    add_number(&result, (size_t)info.head);
    add_number(&result, (size_t)info.hidden_size);
    add_number(&result, (size_t)info.vocab_size);
    add_number(&result, (size_t)info.max_positions);
    add_number(&result, (size_t)info.threads);
    add_text(&result, info.isa);
    add_text(&result, squeezebert_version());
    return finished(&result);
}

/* --- answers -----------------------------------------------------------------------------------
 */

/* Texts: a name for each score. Numbers: the problem and the best. */
NATIVE(jobjectArray, classify)
(JNIEnv *env, jclass type, jlong handle, jbyteArray content, jbyteArray pair) {
    (void)type;
    const text first = take(env, content);
    if (first.bytes == NULL) return NULL;
    const text second = take(env, pair);
    squeezebert_classes *found = NULL;
    squeezebert_status status = SQUEEZEBERT_OK;
    if (pair == NULL || second.bytes != NULL) {
        status = squeezebert_classify(model_of(handle), (const char *)first.bytes, first.size,
                                      (const char *)second.bytes, second.size, &found);
    }
    give_back(env, second);
    give_back(env, first);
    if (status != SQUEEZEBERT_OK) throw_status(env, status);
    if (found == NULL) return NULL;
    answer result = new_answer(env, found->count, 2, found->count);
    add_number(&result, (size_t)found->problem);
    add_number(&result, (size_t)found->best);
    for (size_t i = 0; i < found->count; ++i) {
        add_text(&result, found->names[i]);
        add_score(&result, found->scores[i]);
    }
    squeezebert_free(found);
    return finished(&result);
}

/* Texts: the types. Numbers: start and end of each. */
NATIVE(jobjectArray, tag)(JNIEnv *env, jclass type, jlong handle, jbyteArray content) {
    (void)type;
    const text given = take(env, content);
    if (given.bytes == NULL) return NULL;
    squeezebert_entities *found = NULL;
    const squeezebert_status status = squeezebert_tag(model_of(handle), (const char *)given.bytes,
                                                      given.size, SQUEEZEBERT_UTF16, &found);
    give_back(env, given);
    if (status != SQUEEZEBERT_OK) {
        throw_status(env, status);
        return NULL;
    }
    answer result = new_answer(env, found->count, 2 * found->count, found->count);
    for (size_t i = 0; i < found->count; ++i) {
        add_text(&result, found->items[i].type);
        add_number(&result, found->items[i].start);
        add_number(&result, found->items[i].end);
        add_score(&result, found->items[i].score);
    }
    squeezebert_free(found);
    return finished(&result);
}

/* Texts: the whole text of each filling, then its tokens. Numbers: how many gaps. */
NATIVE(jobjectArray, fillAll)
(JNIEnv *env, jclass type, jlong handle, jbyteArray content, jint top_k, jboolean words) {
    (void)type;
    const text given = take(env, content);
    if (given.bytes == NULL) return NULL;
    squeezebert_fillings *found = NULL;
    const squeezebert_status status = squeezebert_fill_all(
        model_of(handle), (const char *)given.bytes, given.size, top_k,
        words ? SQUEEZEBERT_WORDS : SQUEEZEBERT_TOKENS, SQUEEZEBERT_UTF16, &found);
    give_back(env, given);
    if (status != SQUEEZEBERT_OK) {
        throw_status(env, status);
        return NULL;
    }
    answer result = new_answer(env, found->count * (found->gaps + 1), 1, found->count);
    add_number(&result, found->gaps);
    for (size_t i = 0; i < found->count; ++i) {
        add_text(&result, found->items[i].text);
        for (size_t gap = 0; gap < found->gaps; ++gap)
            add_text(&result, found->items[i].tokens[gap]);
        add_score(&result, found->items[i].score);
    }
    squeezebert_free(found);
    return finished(&result);
}

/* Texts: the words. Numbers: start, end, and a kind for each. */
NATIVE(jobjectArray, suggest)
(JNIEnv *env, jclass type, jlong handle, jbyteArray content, jint cursor, jint top_k) {
    (void)type;
    const text given = take(env, content);
    if (given.bytes == NULL) return NULL;
    squeezebert_suggestions *found = NULL;
    const squeezebert_status status =
        squeezebert_suggest(model_of(handle), (const char *)given.bytes, given.size, (size_t)cursor,
                            top_k, SQUEEZEBERT_UTF16, &found);
    give_back(env, given);
    if (status != SQUEEZEBERT_OK) {
        throw_status(env, status);
        return NULL;
    }
    answer result = new_answer(env, found->count, found->count + 2, found->count);
    add_number(&result, found->start);
    add_number(&result, found->end);
    for (size_t i = 0; i < found->count; ++i) {
        add_text(&result, found->items[i].word);
        add_number(&result, (size_t)found->items[i].kind);
        add_score(&result, found->items[i].score);
    }
    squeezebert_free(found);
    return finished(&result);
}
