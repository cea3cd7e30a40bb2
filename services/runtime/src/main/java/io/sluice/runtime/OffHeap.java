package io.sluice.runtime;

import java.io.IOException;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.Map;

/**
 * Memory outside the Java heap that is given back at once instead of at some later garbage collection, which a KV cache
 * that grows and shrinks needs. It counts against {@code -XX:MaxDirectMemorySize}. Thread-safe.
 */
public final class OffHeap {
    private static final int FOREIGN_MEMORY_SINCE = 22;
    private static final Source SOURCE =
            Runtime.version().feature() >= FOREIGN_MEMORY_SINCE ? new ForeignMemory() : new DirectBuffers();

    private OffHeap() {}

    /**
     * Zeroed memory in native byte order.
     *
     * @throws IllegalStateException when the JVM's limit of direct memory does not allow it
     */
    public static ByteBuffer allocate(long bytes) {
        if (bytes < 0 || bytes > Integer.MAX_VALUE) {
            throw new IllegalArgumentException("a buffer of " + bytes + " bytes is above the 2 GiB of one buffer");
        }
        try {
            return SOURCE.allocate(bytes).order(ByteOrder.nativeOrder());
        } catch (OutOfMemoryError e) {
            throw new IllegalStateException(
                    "no room for " + bytes + " bytes of direct memory: raise -XX:MaxDirectMemorySize, hold fewer layers"
                            + " or give less memory to the KV cache",
                    e);
        }
    }

    /** Maps a part of a file, at most 2 GiB, for reading; in little-endian byte order. */
    public static ByteBuffer map(FileChannel file, long offset, long bytes) throws IOException {
        return SOURCE.map(file, offset, bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    /** Frees what {@link #allocate} or {@link #map} returned; neither it nor any slice of it may be used afterwards. */
    public static void free(ByteBuffer buffer) {
        SOURCE.free(buffer);
    }

    private interface Source {
        ByteBuffer allocate(long bytes);

        ByteBuffer map(FileChannel file, long offset, long bytes) throws IOException;

        void free(ByteBuffer buffer);
    }

    /** {@code java.lang.foreign}, reached by reflection because the code is compiled for Java 21. */
    private static final class ForeignMemory implements Source {
        private static final long CACHE_LINE = 64;

        private final Map<ByteBuffer, AutoCloseable> arenas = Collections.synchronizedMap(new IdentityHashMap<>());
        private final MethodHandle newArena;
        private final MethodHandle allocate;
        private final MethodHandle map;
        private final MethodHandle asByteBuffer;

        ForeignMemory() {
            try {
                MethodHandles.Lookup lookup = MethodHandles.publicLookup();
                Class<?> arena = Class.forName("java.lang.foreign.Arena");
                Class<?> segment = Class.forName("java.lang.foreign.MemorySegment");
                newArena = lookup.findStatic(arena, "ofShared", MethodType.methodType(arena))
                        .asType(MethodType.methodType(AutoCloseable.class));
                allocate = lookup.findVirtual(arena, "allocate", MethodType.methodType(segment, long.class, long.class))
                        .asType(MethodType.methodType(Object.class, AutoCloseable.class, long.class, long.class));
                map = lookup.findVirtual(
                                FileChannel.class,
                                "map",
                                MethodType.methodType(
                                        segment, FileChannel.MapMode.class, long.class, long.class, arena))
                        .asType(MethodType.methodType(
                                Object.class,
                                FileChannel.class,
                                FileChannel.MapMode.class,
                                long.class,
                                long.class,
                                AutoCloseable.class));
                asByteBuffer = lookup.findVirtual(segment, "asByteBuffer", MethodType.methodType(ByteBuffer.class))
                        .asType(MethodType.methodType(ByteBuffer.class, Object.class));
            } catch (ReflectiveOperationException e) {
                throw new ExceptionInInitializerError(e);
            }
        }

        @Override
        public ByteBuffer allocate(long bytes) {
            try {
                AutoCloseable arena = (AutoCloseable) newArena.invokeExact();
                return keep((Object) allocate.invokeExact(arena, bytes, CACHE_LINE), arena);
            } catch (Throwable e) {
                throw unchecked(e);
            }
        }

        @Override
        public ByteBuffer map(FileChannel file, long offset, long bytes) throws IOException {
            try {
                AutoCloseable arena = (AutoCloseable) newArena.invokeExact();
                return keep((Object) map.invokeExact(file, FileChannel.MapMode.READ_ONLY, offset, bytes, arena), arena);
            } catch (IOException e) {
                throw e;
            } catch (Throwable e) {
                throw unchecked(e);
            }
        }

        @Override
        public void free(ByteBuffer buffer) {
            AutoCloseable arena = arenas.remove(buffer);
            if (arena == null) {
                throw new IllegalArgumentException("buffer " + buffer + " is not from here, or was freed already");
            }
            try {
                arena.close();
            } catch (Exception e) {
                throw unchecked(e);
            }
        }

        private ByteBuffer keep(Object segment, AutoCloseable arena) throws Throwable {
            ByteBuffer buffer = (ByteBuffer) asByteBuffer.invokeExact(segment);
            arenas.put(buffer, arena);
            return buffer;
        }
    }

    /** Java 21: direct buffers, freed by the call that later versions warn about. */
    private static final class DirectBuffers implements Source {
        private final MethodHandle cleaner;

        DirectBuffers() {
            try {
                Class<?> unsafe = Class.forName("sun.misc.Unsafe");
                var field = unsafe.getDeclaredField("theUnsafe");
                field.setAccessible(true);
                cleaner = MethodHandles.lookup()
                        .findVirtual(unsafe, "invokeCleaner", MethodType.methodType(void.class, ByteBuffer.class))
                        .bindTo(field.get(null));
            } catch (ReflectiveOperationException e) {
                throw new ExceptionInInitializerError(e);
            }
        }

        @Override
        public ByteBuffer allocate(long bytes) {
            return ByteBuffer.allocateDirect((int) bytes);
        }

        @Override
        public ByteBuffer map(FileChannel file, long offset, long bytes) throws IOException {
            return file.map(FileChannel.MapMode.READ_ONLY, offset, bytes);
        }

        @Override
        public void free(ByteBuffer buffer) {
            try {
                cleaner.invokeExact(buffer);
            } catch (Throwable e) {
                throw unchecked(e);
            }
        }
    }

    private static RuntimeException unchecked(Throwable e) {
        if (e instanceof Error error) {
            throw error;
        }
        return e instanceof RuntimeException runtime ? runtime : new IllegalStateException(e);
    }
}
