package squeezebert;

import java.nio.charset.StandardCharsets;

/** A model that cannot be opened, or a call that it has no answer to. */
public final class SqueezeBertException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** A {@code SQUEEZEBERT_ERROR_…} of squeezebert.h. */
    public final int status;

    /** Called by the native library. */
    SqueezeBertException(int status, byte[] message) {
        super(new String(message, StandardCharsets.UTF_8));
        this.status = status;
    }
}
