package io.sluice.messaging;

import io.sluice.core.WorkerId;
import io.sluice.core.recovery.LogRange;
import io.sluice.core.recovery.ResumeMode;
import io.sluice.core.recovery.StageResume;
import io.sluice.core.recovery.StepTrace;
import io.sluice.core.recovery.Trouble;
import io.sluice.records.HopTiming;
import io.sluice.records.SessionResume;
import io.sluice.records.StageTrouble;
import io.sluice.records.Token;
import java.util.List;

/**
 * What recovery needs, between wire and domain. Decoding throws {@link IllegalArgumentException} that names the value.
 * Stateless.
 */
public final class ResumeCodec {
    private ResumeCodec() {}

    /** @param tokenIds tokens generated so far, in order */
    public static SessionResume encode(int position, List<Integer> tokenIds, List<StageResume> stages) {
        return new SessionResume(
                position, tokenIds, stages.stream().map(ResumeCodec::encode).toList());
    }

    private static io.sluice.records.StageResume encode(StageResume resume) {
        return new io.sluice.records.StageResume(
                io.sluice.records.ResumeMode.valueOf(resume.mode().name()),
                resume.start(),
                resume.log().stream()
                        .map(range -> new io.sluice.records.LogRange(
                                range.worker().value(), range.firstOffset(), range.endOffset()))
                        .toList());
    }

    /** What each stage does; one per stage of the pipeline. */
    public static List<StageResume> decode(SessionResume resume) {
        return resume.getStages().stream().map(ResumeCodec::decode).toList();
    }

    private static StageResume decode(io.sluice.records.StageResume resume) {
        return new StageResume(
                ResumeMode.valueOf(resume.getMode().name()),
                resume.getStart(),
                resume.getLog().stream()
                        .map(range -> new LogRange(
                                new WorkerId(range.getWorker()), range.getFirstOffset(), range.getEndOffset()))
                        .toList());
    }

    /** Where the inputs that led to a token lie. */
    public static StepTrace trace(Token token) {
        return new StepTrace(
                token.getAttempt(),
                token.getHops().stream().map(ResumeCodec::hop).toList());
    }

    private static StepTrace.Hop hop(HopTiming hop) {
        return new StepTrace.Hop(new WorkerId(hop.getWorker()), hop.getFirstOffset(), hop.getOffset());
    }

    public static StageTrouble encode(Trouble trouble) {
        return StageTrouble.valueOf(trouble.name());
    }

    /** One that a newer worker reports and this program does not know is taken for the loss of the stage's state. */
    public static Trouble decode(StageTrouble trouble) {
        return trouble == StageTrouble.UNSPECIFIED ? Trouble.STATE_LOST : Trouble.valueOf(trouble.name());
    }
}
