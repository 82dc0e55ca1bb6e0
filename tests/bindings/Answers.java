import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

import squeezebert.Model;
import squeezebert.SqueezeBertException;

/** What test_jni.py asks: a question a line of the input, columns divided by tabs. */
public final class Answers {
    public static void main(String[] arguments) throws Exception {
        byte[] input = Files.readAllBytes(Paths.get(arguments[0]));
        StringBuilder out = new StringBuilder();
        for (String line : new String(input, StandardCharsets.UTF_8).split("\n")) {
            String[] parts = line.split("\t", -1);
            try (Model model = Model.open(parts[1], Model.Precision.AUTO, 1)) {
                out.append(answer(model, parts)).append('\n');
            }
        }
        out.append(inBuffer(arguments[1])).append('\n');
        out.append(wrong(arguments[1], arguments[2])).append('\n');
        out.append(threads(arguments[1])).append('\n');
        Files.write(Paths.get(arguments[3]), out.toString().getBytes(StandardCharsets.UTF_8));
    }

    private static String answer(Model model, String[] parts) {
        StringBuilder out = new StringBuilder();
        switch (parts[0]) {
            case "classify":
                for (Model.Score one : model.classify(parts[2])) {
                    out.append(one.label).append(' ').append(one.score).append('\t');
                }
                break;
            case "tag":
                for (Model.Entity one : model.tag(parts[2])) {
                    out.append(one.type + ' ' + one.start + ' ' + one.end + ' ' + one.score + '\t');
                    if (!parts[2].substring(one.start, one.end).equals(one.text)) {
                        throw new AssertionError(one.text);
                    }
                }
                break;
            case "fill":
                for (Model.Filling one : model.fillAll(parts[2], 3, true)) {
                    out.append(one.text).append(' ').append(one.score).append('\t');
                }
                break;
            default:
                Model.Suggestions found = model.suggest(parts[2], parts[2].length(), 3);
                out.append(found.start).append(' ').append(found.end).append('\t');
                for (Model.Word one : found.words) {
                    out.append(one.word + ' ' + one.kind + ' ' + one.score + '\t');
                }
        }
        return out.toString();
    }

    private static String inBuffer(String bundle) throws Exception {
        byte[] content = Files.readAllBytes(Paths.get(bundle));
        ByteBuffer direct = ByteBuffer.allocateDirect(content.length);
        direct.put(content);
        try (Model one = Model.open(direct, Model.Precision.AUTO, 1);
                Model two = Model.open(content, Model.Precision.AUTO, 1)) {
            String text = "Ada went to Turin.";
            boolean equal = one.tag(text).get(0).score == two.tag(text).get(0).score;
            return one.head() + " " + equal + " " + !one.instructionSet().isEmpty();
        }
    }

    private static String wrong(String bundle, String missing) {
        List<String> said = new ArrayList<>();
        try {
            Model.open(missing);
        } catch (SqueezeBertException error) {
            said.add(error.status + " " + error.getMessage().replace('\n', ' '));
        }
        Model model = Model.open(bundle);
        try {
            model.classify("a");
        } catch (SqueezeBertException error) {
            said.add(error.status + " " + error.getMessage().replace('\n', ' '));
        }
        // Half a pair of surrogates: a question mark, and places stay.
        List<Model.Entity> found = model.tag("\ud83d Ada went to Turin.");
        said.add(found.get(found.size() - 1).text);
        model.close();
        model.close();
        try {
            model.tag("a");
        } catch (IllegalStateException error) {
            said.add(error.getMessage());
        }
        return String.join("\t", said);
    }

    /** Many threads at once, and a close in their midst. */
    private static String threads(String bundle) throws Exception {
        Model model = Model.open(bundle);
        ExecutorService workers = Executors.newFixedThreadPool(4);
        List<Future<Boolean>> results = new ArrayList<>();
        double expected = model.tag("Ada went to Turin.").get(0).score;
        for (int i = 0; i < 40; ++i) {
            final boolean closes = i == 30;
            results.add(
                    workers.submit(
                            () -> {
                                if (closes) model.close();
                                try {
                                    return model.tag("Ada went to Turin.").get(0).score == expected;
                                } catch (IllegalStateException closed) {
                                    return null;
                                }
                            }));
        }
        int right = 0, closed = 0;
        for (Future<Boolean> result : results) {
            Boolean equal = result.get();
            if (equal == null) ++closed;
            else if (equal) ++right;
        }
        workers.shutdown();
        return (right + closed) + " " + (right >= 27) + " " + (closed >= 9);
    }
}
