package io.sluice.launcher;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.LoggerFactory;

/**
 * Gives the first termination signal (SIGTERM) a meaning of its own, for example the notice of a machine that will be
 * taken away. The second ends the process in order but at once, the third without any order. Thread-safe.
 */
final class TerminationSignal {
    /** Exit status of a process that SIGTERM ended, as shells count. */
    static final int STATUS = 143;

    private final Runnable first;
    private final AtomicInteger received = new AtomicInteger();

    private TerminationSignal(Runnable first) {
        this.first = Objects.requireNonNull(first, "first");
    }

    /** From now on the first signal runs {@code first} on a thread of its own. */
    static void handle(Runnable first) {
        TerminationSignal signal = new TerminationSignal(first);
        // By reflection, because a direct use cannot be compiled without a warning; where it fails, the signal ends the
        // process in order, as without this class.
        try {
            Class<?> type = Class.forName("sun.misc.Signal");
            Class<?> handlerType = Class.forName("sun.misc.SignalHandler");
            InvocationHandler handler =
                    (proxy, method, arguments) -> signal.invoked(proxy, method.getName(), arguments);
            Object handled = Proxy.newProxyInstance(
                    TerminationSignal.class.getClassLoader(), new Class<?>[] {handlerType}, handler);
            type.getMethod("handle", type, handlerType)
                    .invoke(null, type.getConstructor(String.class).newInstance("TERM"), handled);
        } catch (ReflectiveOperationException e) {
            LoggerFactory.getLogger(TerminationSignal.class).warn("this JVM cannot handle SIGTERM: {}", e.toString());
        }
    }

    private Object invoked(Object proxy, String method, Object[] arguments) {
        return switch (method) {
            case "handle" -> {
                received();
                yield null;
            }
            case "equals" -> proxy == arguments[0];
            case "hashCode" -> System.identityHashCode(proxy);
            default -> "termination signal";
        };
    }

    private void received() {
        switch (received.incrementAndGet()) {
            case 1 -> first.run();
            case 2 -> System.exit(STATUS);
            default -> Runtime.getRuntime().halt(STATUS);
        }
    }
}
