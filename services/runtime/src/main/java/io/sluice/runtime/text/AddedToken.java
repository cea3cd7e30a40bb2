package io.sluice.runtime.text;

/**
 * A token that is matched as a string before text is split into words.
 *
 * @param id in the vocabulary
 * @param content the string
 * @param special gives no text when decoded
 * @param singleWord only between characters that belong to no word
 * @param stripLeft takes white space before it along
 * @param stripRight takes white space after it along
 * @param normalized matched after normalization instead of before
 */
public record AddedToken(
        int id,
        String content,
        boolean special,
        boolean singleWord,
        boolean stripLeft,
        boolean stripRight,
        boolean normalized) {

    /** A token for control, such as the end of a turn. */
    public static AddedToken control(int id, String content) {
        return new AddedToken(id, content, true, false, false, false, false);
    }

    /** A token for text that is to stay in one piece. */
    public static AddedToken text(int id, String content) {
        return new AddedToken(id, content, false, false, false, false, false);
    }
}
