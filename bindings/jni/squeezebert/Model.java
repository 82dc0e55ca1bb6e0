package squeezebert;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;

/**
 * A model that takes texts, for Java and Kotlin: the C API behind {@code libsqueezebert_jni.so}.
 *
 * <pre>{@code
 * try (Model model = Model.open("squeezebert-mini-ner")) {
 *     for (Model.Entity entity : model.tag("Angela Merkel flew to Washington.")) {
 *         System.out.println(entity.type + " " + entity.text);
 *     }
 * }
 * }</pre>
 *
 * <p>Any number of threads may use a model at once; {@link #close} waits for their calls. Places
 * count as {@link String#charAt} does, so {@code text.substring(start, end)} is what was found. A
 * call takes milliseconds: not for the thread that draws. Calls throw {@link SqueezeBertException}
 * for what the model cannot answer, and {@link IllegalStateException} once it is closed.
 */
public final class Model implements AutoCloseable {
    static {
        System.loadLibrary("squeezebert_jni");
    }

    /** How products are computed; what each is, docs/c_api.md says. In the order of squeezebert.h. */
    public enum Precision {
        AUTO,
        INT8,
        BF16,
        FLOAT32
    }

    /** What a model gives. In the order of squeezebert.h. */
    public enum Head {
        NONE,
        MASKED_LM,
        TEXT_CLASSIFICATION,
        TOKEN_CLASSIFICATION,
        QUESTION_ANSWERING,
        MULTIPLE_CHOICE
    }

    /** A label and its probability; for a regression, the number. */
    public static final class Score {
        public final String label;
        public final double score;

        Score(String label, double score) {
            this.label = label;
            this.score = score;
        }
    }

    /** A named stretch of a text. */
    public static final class Entity {
        public final String type;
        public final String text;
        public final int start;
        public final int end;
        public final double score;

        Entity(String type, String text, int start, int end, double score) {
            this.type = type;
            this.text = text;
            this.start = start;
            this.end = end;
            this.score = score;
        }
    }

    /** A text with all its gaps filled, and the tokens in them. */
    public static final class Filling {
        public final String text;
        public final List<String> tokens;
        public final double score;

        Filling(String text, List<String> tokens, double score) {
            this.text = text;
            this.tokens = tokens;
            this.score = score;
        }
    }

    /** How a word that is offered relates to what stands there. In the order of squeezebert.h. */
    public enum Kind {
        NEXT,
        TYPED,
        COMPLETION,
        CORRECTION
    }

    /** A word that a keyboard offers. */
    public static final class Word {
        public final String word;
        public final Kind kind;
        public final double score;

        Word(String word, Kind kind, double score) {
            this.word = word;
            this.kind = kind;
            this.score = score;
        }
    }

    /** Words for the place from {@code start} up to, not including, {@code end}. */
    public static final class Suggestions {
        public final int start;
        public final int end;
        public final List<Word> words;

        Suggestions(int start, int end, List<Word> words) {
            this.start = start;
            this.end = end;
            this.words = words;
        }
    }

    private final ReadWriteLock lock = new ReentrantReadWriteLock();
    private long handle;

    private Model(long handle) {
        this.handle = handle;
    }

    /** Opens a directory, or a file that {@code squeezebert bundle} made, on all cores. */
    public static Model open(String path) {
        return open(path, Precision.AUTO, 0);
    }

    /** The same with as many threads as told; 0 are all cores that the process may use. */
    public static Model open(String path, Precision precision, int threads) {
        byte[] bytes = utf8(path);
        return new Model(
                open(Arrays.copyOf(bytes, bytes.length + 1), null, precision.ordinal(), threads));
    }

    /** Opens the content of such a file, which is copied. */
    public static Model open(byte[] content, Precision precision, int threads) {
        if (content == null) throw new NullPointerException("content");
        return new Model(open(null, content, precision.ordinal(), threads));
    }

    /** The same for a direct buffer, all of it: an asset that Android has mapped. */
    public static Model open(ByteBuffer content, Precision precision, int threads) {
        if (!content.isDirect()) {
            throw new IllegalArgumentException("content is no direct buffer; give its byte[]");
        }
        return new Model(openBuffer(content, precision.ordinal(), threads));
    }

    /** What the model gives: which of the calls below have an answer. */
    public Head head() {
        return Head.values()[ask(Model::describe).numbers[0]];
    }

    /** The instruction set in use, such as {@code neon_dotprod}. */
    public String instructionSet() {
        return ask(Model::describe).text(0);
    }

    /** Classes of a text, in the order of the labels. */
    public List<Score> classify(String text) {
        return classify(text, null);
    }

    /** Classes of a pair of texts; {@code pair} may be null. */
    public List<Score> classify(String text, String pair) {
        byte[] first = utf8(text);
        byte[] second = pair == null ? null : utf8(pair);
        Answer answer = ask(model -> classify(model, first, second));
        List<Score> result = new ArrayList<>();
        for (int i = 0; i < answer.scores.length; ++i) {
            result.add(new Score(answer.text(i), answer.scores[i]));
        }
        return Collections.unmodifiableList(result);
    }

    /** Entities, in the order of the text. */
    public List<Entity> tag(String text) {
        byte[] bytes = utf8(text);
        Answer answer = ask(model -> tag(model, bytes));
        List<Entity> result = new ArrayList<>();
        for (int i = 0; i < answer.scores.length; ++i) {
            int start = answer.numbers[2 * i];
            int end = answer.numbers[2 * i + 1];
            String named = text.substring(start, end);
            result.add(new Entity(answer.text(i), named, start, end, answer.scores[i]));
        }
        return Collections.unmodifiableList(result);
    }

    /**
     * All {@code [MASK]} of a text filled together, in at most {@code topK} ways, the likeliest
     * first; whole words only, or any tokens.
     */
    public List<Filling> fillAll(String text, int topK, boolean words) {
        byte[] bytes = utf8(text);
        Answer answer = ask(model -> fillAll(model, bytes, topK, words));
        int gaps = answer.numbers[0];
        List<Filling> result = new ArrayList<>();
        for (int i = 0; i < answer.scores.length; ++i) {
            int at = i * (gaps + 1);
            List<String> tokens = new ArrayList<>();
            for (int gap = 1; gap <= gaps; ++gap) tokens.add(answer.text(at + gap));
            result.add(
                    new Filling(
                            answer.text(at),
                            Collections.unmodifiableList(tokens),
                            answer.scores[i]));
        }
        return Collections.unmodifiableList(result);
    }

    /**
     * Words for a cursor, as a keyboard offers them, the likeliest first: the next one, or how the
     * one that the cursor is in or right after may go on or be spelt.
     */
    public Suggestions suggest(String text, int cursor, int topK) {
        if (cursor < 0) throw new IllegalArgumentException("cursor is " + cursor);
        byte[] bytes = utf8(text);
        Answer answer = ask(model -> suggest(model, bytes, cursor, topK));
        List<Word> words = new ArrayList<>();
        for (int i = 0; i < answer.scores.length; ++i) {
            Kind kind = Kind.values()[answer.numbers[2 + i]];
            words.add(new Word(answer.text(i), kind, answer.scores[i]));
        }
        return new Suggestions(
                answer.numbers[0], answer.numbers[1], Collections.unmodifiableList(words));
    }

    /** Frees the model, when all calls are done. A second time does nothing. */
    @Override
    public void close() {
        lock.writeLock().lock();
        try {
            if (handle != 0) free(handle);
            handle = 0;
        } finally {
            lock.writeLock().unlock();
        }
    }

    // --- the native library: bindings/jni/squeezebert_jni.c ---------------------------------------

    /** What a native call gives. */
    private static final class Answer {
        final byte[][] texts;
        final int[] numbers;
        final double[] scores;

        Answer(Object[] parts) {
            texts = (byte[][]) parts[0];
            numbers = (int[]) parts[1];
            scores = (double[]) parts[2];
        }

        String text(int index) {
            return new String(texts[index], StandardCharsets.UTF_8);
        }
    }

    private interface Call {
        Object[] of(long model);
    }

    private Answer ask(Call call) {
        Lock reading = lock.readLock();
        reading.lock();
        try {
            if (handle == 0) throw new IllegalStateException("the model is closed");
            return new Answer(call.of(handle));
        } finally {
            reading.unlock();
        }
    }

    /** Half a surrogate pair becomes a question mark, so places in the text stay. */
    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static native long open(byte[] path, byte[] content, int precision, int threads);

    private static native long openBuffer(ByteBuffer content, int precision, int threads);

    private static native void free(long model);

    private static native Object[] describe(long model);

    private static native Object[] classify(long model, byte[] text, byte[] pair);

    private static native Object[] tag(long model, byte[] text);

    private static native Object[] fillAll(long model, byte[] text, int topK, boolean words);

    private static native Object[] suggest(long model, byte[] text, int cursor, int topK);
}
