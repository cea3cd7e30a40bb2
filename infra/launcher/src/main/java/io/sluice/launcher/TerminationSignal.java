package io.sluice.launcher;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.LoggerFactory;

/**
 * Gives the signals that end a process (SIGTERM, SIGINT) a meaning of their own, for example the notice of a machine that
 * will be taken away. Each step runs on a thread of its own. Thread-safe.
 */
final class TerminationSignal {
    /** Exit status of a process that SIGTERM ended, as shells count. */
    static final int STATUS = 143;

    private static final String IGNORED = "SIG_IGN";

    private final List<Runnable> steps;
    private final Runnable last;
    private final AtomicInteger received = new AtomicInteger();

    private TerminationSignal(List<Runnable> steps, Runnable last) {
        this.steps = List.copyOf(steps);
        this.last = last;
    }

    /** From now on the first SIGTERM runs the first step, and so on; one more than there are ends the process without any order. */
    static void handle(Runnable... steps) {
        new TerminationSignal(List.of(steps), () -> Runtime.getRuntime().halt(STATUS)).install("TERM");
    }

    /** From now on the first SIGINT runs {@code step} and others nothing; where SIGINT is ignored, it stays so. */
    static void handleInterrupt(Runnable step) {
        new TerminationSignal(List.of(step), () -> {}).install("INT");
    }

    private void install(String name) {
        // By reflection, because a direct use cannot be compiled without a warning; where it fails, the signal ends the
        // process in order, as without this class.
        try {
            Class<?> type = Class.forName("sun.misc.Signal");
            Class<?> handlerType = Class.forName("sun.misc.SignalHandler");
            InvocationHandler handler = (proxy, method, arguments) -> invoked(proxy, method.getName(), arguments);
            Object handled = Proxy.newProxyInstance(
                    TerminationSignal.class.getClassLoader(), new Class<?>[] {handlerType}, handler);
            Object signal = type.getConstructor(String.class).newInstance(name);
            Object ignored = handlerType.getField(IGNORED).get(null);
            Object before = type.getMethod("handle", type, handlerType).invoke(null, signal, handled);
            if (before == ignored) {
                type.getMethod("handle", type, handlerType).invoke(null, signal, ignored);
            }
        } catch (ReflectiveOperationException e) {
            LoggerFactory.getLogger(TerminationSignal.class)
                    .warn("this JVM cannot handle SIG{}: {}", name, e.toString());
        }
    }

    private Object invoked(Object proxy, String method, Object[] arguments) {
        return switch (method) {
            case "handle" -> {
                int before = received.getAndIncrement();
                (before < steps.size() ? steps.get(before) : last).run();
                yield null;
            }
            case "equals" -> proxy == arguments[0];
            case "hashCode" -> System.identityHashCode(proxy);
            default -> "termination signal";
        };
    }
}
