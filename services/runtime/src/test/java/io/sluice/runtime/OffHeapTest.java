package io.sluice.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class OffHeapTest {
    @Test
    void shouldGiveMemoryBackAtOnce() {
        // 2.5 GiB in all, none of them garbage: more than the 1 GiB of direct memory that tests run with.
        List<ByteBuffer> buffers = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            ByteBuffer buffer = OffHeap.allocate(128 << 20);
            assertThat(buffer.order()).isEqualTo(ByteOrder.nativeOrder());
            assertThat(buffer.isDirect()).isTrue();
            buffers.add(buffer);
            OffHeap.free(buffer);
        }
        assertThat(buffers).hasSize(20);
    }

    @Test
    void shouldMapAPartOfAFile(@TempDir Path folder) throws Exception {
        Path file = Files.write(folder.resolve("f"), new byte[] {1, 2, 3, 4, 5});
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            ByteBuffer mapped = OffHeap.map(channel, 1, 4);
            assertThat(mapped.getInt(0)).isEqualTo(0x05040302);
            OffHeap.free(mapped);
        }
    }

    @Test
    void shouldRefuseBuffersOfTwoGibibytes() {
        assertThatThrownBy(() -> OffHeap.allocate(1L << 31)).hasMessageContaining("2147483648 bytes");
    }
}
