package io.sluice.router;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.core.LayerRange;
import io.sluice.core.Pipeline;
import io.sluice.core.ServiceClass;
import io.sluice.core.SessionId;
import io.sluice.core.Stage;
import io.sluice.core.WorkerId;
import io.sluice.core.membership.LeaseTable;
import io.sluice.core.recovery.Assignment;
import io.sluice.core.recovery.LogRange;
import io.sluice.core.recovery.StageResume;
import io.sluice.core.routing.AttemptNotes;
import io.sluice.core.routing.SessionLife;
import io.sluice.core.routing.SessionPhase;
import io.sluice.core.slo.Slo;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;

class StateCodecTest {
    private static final SessionId ID = new SessionId("r1");
    private static final Pipeline PIPELINE = new Pipeline(List.of(
            new Stage(new WorkerId("a"), new LayerRange(0, 2)), new Stage(new WorkerId("b"), new LayerRange(2, 5))));

    private static final String FIRST_FORMAT =
            "01000272310006414354495645000000020000000000000009000000040000000000000006000000"
                    + "00000000160000000200016100000000000000020001620000000200000005000000000000002c01"
                    + "00057073616c6d000563686f69720000000200000001000111700000000c000000403f0000000000"
                    + "00033f666666fffffffffffffff901000b424553545f4546464f5254000000020002657500027573"
                    + "000000000000000b00000000000000160000000000000021";

    /** 700 ms and 60 ms, as they are kept. */
    private static final String SLO = "00000000000002bc" + "000000000000003c";

    private static RoutedRequest request() {
        return request(2.5, Slo.of(700L, 60L));
    }

    private static RoutedRequest request(double weight, Slo slo) {
        return new RoutedRequest(
                ID,
                "psalm",
                "choir",
                new int[] {1, 70_000},
                12,
                64,
                0.5f,
                3,
                0.9f,
                -7,
                true,
                ServiceClass.BEST_EFFORT,
                weight,
                slo,
                List.of("eu", "us"),
                11,
                22,
                33);
    }

    @Test
    void canReadWhatItWrites() {
        SessionLife waiting = new SessionLife(ID, SessionPhase.WAITING, 0, 0, null, 0, 5, 22);
        SessionLife active = new SessionLife(ID, SessionPhase.ACTIVE, 2, 9, PIPELINE, 4, 6, 22);
        SessionLife over = new SessionLife(ID, SessionPhase.FINISHED, 2, 9, PIPELINE, 4, 7, 22);
        for (StoredSession session : List.of(
                new StoredSession(request(), waiting, 0),
                new StoredSession(request(), active, 44),
                new StoredSession(null, over, 0))) {
            StoredSession read = StateCodec.decode(StateCodec.encode(session));
            assertThat(read).usingRecursiveComparison().isEqualTo(session);
        }
    }

    @Test
    void canReadAttemptsAndWhatWasNotedOfThem() {
        Pipeline other = new Pipeline(List.of(
                new Stage(new WorkerId("a"), new LayerRange(0, 2)),
                new Stage(new WorkerId("c"), new LayerRange(2, 5))));
        List<LogRange> log =
                List.of(new LogRange(new WorkerId("b"), 7, 9), new LogRange(new WorkerId("b"), 4000, 5_000_000_000L));
        Assignment second = new Assignment(9, other, 6, List.of(StageResume.keep(6), StageResume.rebuild(6, log)));
        SessionLife life = new SessionLife(
                ID, SessionPhase.RECOVERING, 9, 3, other, 4, 6, 22, List.of(Assignment.fresh(1, PIPELINE), second));
        AttemptNotes notes = new AttemptNotes(12, 3, 1, List.of(1_700_000_000_000L, LeaseTable.UNKNOWN));
        StoredSession session = new StoredSession(request(), life, 44, notes);
        assertThat(StateCodec.decode(StateCodec.encode(session)))
                .usingRecursiveComparison()
                .isEqualTo(session);
        assertThat(session.running().newestAttempt()).isEqualTo(12);
        assertThat(session.running().tokensAtStart()).as("the prompt has 2").isEqualTo(5);
    }

    @Test
    void shouldTakeASessionOfTheFirstFormatForOneAttempt() {
        StoredSession session = StateCodec.decode(HexFormat.of().parseHex(FIRST_FORMAT));
        assertThat(session.notes()).isEqualTo(AttemptNotes.NONE);
        assertThat(session.life().assignments()).containsExactly(Assignment.fresh(2, PIPELINE));
    }

    /** The changelog outlives the program: bytes this version wrote stay readable, or the version must grow. */
    @Test
    void canReadBytesOfBefore() {
        StoredSession session = StateCodec.decode(HexFormat.of().parseHex(FIRST_FORMAT));
        assertThat(session.life().pipeline()).isEqualTo(PIPELINE);
        assertThat(session.request()).usingRecursiveComparison().isEqualTo(request(1, Slo.NONE));
    }

    @Test
    void shouldTakeARequestOfTheSecondFormatForOneOfWeightOne() {
        SessionLife active = new SessionLife(ID, SessionPhase.ACTIVE, 2, 9, PIPELINE, 4, 6, 22);
        String now = HexFormat.of().formatHex(StateCodec.encode(new StoredSession(request(), active, 44)));
        String serviceClass = HexFormat.of().formatHex("BEST_EFFORT".getBytes(StandardCharsets.US_ASCII));
        String weight = HexFormat.ofDelimiter("").toHexDigits(Double.doubleToLongBits(2.5));
        assertThat(now).startsWith("04").contains(serviceClass + weight + SLO);
        String before = "02" + now.substring(2).replace(serviceClass + weight + SLO, serviceClass);
        assertThat(StateCodec.decode(HexFormat.of().parseHex(before)))
                .usingRecursiveComparison()
                .isEqualTo(new StoredSession(request(1, Slo.NONE), active, 44));
    }

    @Test
    void shouldTakeARequestOfTheThirdFormatForOneWithoutObjectives() {
        SessionLife active = new SessionLife(ID, SessionPhase.ACTIVE, 2, 9, PIPELINE, 4, 6, 22);
        String now = HexFormat.of().formatHex(StateCodec.encode(new StoredSession(request(), active, 44)));
        assertThat(now).contains(SLO);
        String before = "03" + now.substring(2).replace(SLO, "");
        assertThat(StateCodec.decode(HexFormat.of().parseHex(before)))
                .usingRecursiveComparison()
                .isEqualTo(new StoredSession(request(2.5, Slo.NONE), active, 44));
    }

    @Test
    void shouldRefuseOtherVersionsAndBrokenBytes() {
        byte[] bytes = StateCodec.encode(
                new StoredSession(request(), new SessionLife(ID, SessionPhase.WAITING, 0, 0, null, 0, 5, 22), 0));
        assertThatThrownBy(() -> StateCodec.decode(Arrays.copyOf(bytes, 20)))
                .isInstanceOf(UncheckedIOException.class)
                .hasMessageContaining("20 bytes");
        bytes[0] = 9;
        assertThatThrownBy(() -> StateCodec.decode(bytes)).hasMessageContaining("format 9");
    }
}
