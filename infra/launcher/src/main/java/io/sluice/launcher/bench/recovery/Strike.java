package io.sluice.launcher.bench.recovery;

import io.sluice.core.WorkerId;
import io.sluice.launcher.stack.EmbeddedStack;
import io.sluice.launcher.stack.WorkerSpec;

/** How a worker is lost, and how it comes back. */
public enum Strike {
    /** {@code kill -9}; the supervisor sees the process end, reports it and starts it again. */
    KILLED("kill -9, its supervisor reports it") {
        @Override
        public void lose(EmbeddedStack stack, WorkerId worker) {
            stack.faults().killWorker(worker);
        }

        @Override
        public void bringBack(EmbeddedStack stack, WorkerSpec worker) {
            // The supervisor does.
        }
    },
    /** The machine loses power: nobody reports it, only its silence tells. */
    LOST("kill -9, nobody reports it") {
        @Override
        public void lose(EmbeddedStack stack, WorkerId worker) {
            stack.loseMachine(worker);
        }

        @Override
        public void bringBack(EmbeddedStack stack, WorkerSpec worker) {
            stack.addWorker(worker);
        }
    },
    /** The process is stopped; when it goes on it is a zombie. */
    STOPPED("SIGSTOP") {
        @Override
        public void lose(EmbeddedStack stack, WorkerId worker) {
            stack.faults().suspendWorker(worker);
        }

        @Override
        public void bringBack(EmbeddedStack stack, WorkerSpec worker) {
            stack.faults().resumeWorker(worker.id());
        }
    };

    private final String words;

    Strike(String words) {
        this.words = words;
    }

    /** For people. */
    public String words() {
        return words;
    }

    /** Takes the worker away at once. */
    public abstract void lose(EmbeddedStack stack, WorkerId worker);

    /** Lets it come back; it serves some time later. */
    public abstract void bringBack(EmbeddedStack stack, WorkerSpec worker);
}
