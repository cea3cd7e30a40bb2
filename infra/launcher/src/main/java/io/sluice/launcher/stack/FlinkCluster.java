package io.sluice.launcher.stack;
import java.nio.file.Path;
final class FlinkCluster implements AutoCloseable {
    static FlinkCluster start(int port, Path folder) { throw new UnsupportedOperationException("planner"); }
    String url() { return ""; }
    @Override public void close() {}
}
