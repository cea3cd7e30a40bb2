package io.sluice.embedded;

import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.util.Arrays;

/**
 * Main class of every child JVM: calls another main class and ends this process when the parent is gone, whatever
 * killed it. The parent holds the other end of standard input; the kernel closes it with the parent, even on {@code
 * kill -9}. Uses nothing but the JDK, so that it runs on any child's class path.
 */
public final class ExitWithParent {
    /** Exit status after the parent went away. */
    public static final int PARENT_GONE = 86;

    private ExitWithParent() {}

    /** {@code ExitWithParent MAIN_CLASS [ARGUMENT…]}. */
    public static void main(String[] args) throws Throwable {
        if (args.length == 0) {
            System.err.println("usage: ExitWithParent MAIN_CLASS [ARGUMENT...]");
            System.exit(2);
        }
        ignoreInterrupt();
        Thread watcher = new Thread(ExitWithParent::awaitParent, "exit-with-parent");
        watcher.setDaemon(true);
        watcher.start();
        try {
            Class.forName(args[0]).getMethod("main", String[].class).invoke(null, (Object)
                    Arrays.copyOfRange(args, 1, args.length));
        } catch (InvocationTargetException e) {
            throw e.getCause();
        }
    }

    private static void awaitParent() {
        try {
            while (System.in.read() >= 0) {
                // The parent writes nothing; a byte is as good as silence.
            }
        } catch (IOException e) {
            // As good as end of file: nobody is there any more.
        }
        // halt, not exit: shutdown hooks would wait for a broker that died with the parent.
        Runtime.getRuntime().halt(PARENT_GONE);
    }

    /**
     * Ctrl-C reaches the whole foreground process group at once; the parent alone decides in which order to stop.
     * By reflection, because a direct use cannot be compiled without a warning; where it fails, Ctrl-C ends the child
     * too.
     */
    private static void ignoreInterrupt() {
        try {
            Class<?> signal = Class.forName("sun.misc.Signal");
            Class<?> handler = Class.forName("sun.misc.SignalHandler");
            signal.getMethod("handle", signal, handler)
                    .invoke(
                            null,
                            signal.getConstructor(String.class).newInstance("INT"),
                            handler.getField("SIG_IGN").get(null));
        } catch (ReflectiveOperationException e) {
            System.err.println("warning: this JVM cannot ignore SIGINT: " + e);
        }
    }
}
