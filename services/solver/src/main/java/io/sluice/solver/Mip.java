package io.sluice.solver;

import com.google.ortools.linearsolver.MPConstraint;
import com.google.ortools.linearsolver.MPSolver;
import com.google.ortools.linearsolver.MPSolver.ResultStatus;
import com.google.ortools.linearsolver.MPSolverParameters;
import com.google.ortools.linearsolver.MPVariable;
import io.sluice.core.placement.SearchControl;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * A mixed-integer program or, with {@link #linear}, a linear one over OR-Tools, always maximised. SCIP with one thread:
 * with two, SCIP's concurrent mode came back after 7 of 45 s without a layout. Keeps the time limit of its
 * {@link SearchControl} and gives up within a tenth of a second once {@code stopped} says so. Holds native memory until
 * closed; not thread-safe.
 */
final class Mip implements AutoCloseable {
    private static final long POLL_MILLIS = 100;
    /** OR-Tools would stop at 1e-4. */
    private static final double PROOF = 1e-7;

    static {
        // Before any field below touches a native class.
        OrToolsMaxFlow.load();
    }

    private final MPSolver solver;
    private final MPSolverParameters parameters = new MPSolverParameters();
    private final List<MPVariable> hinted = new ArrayList<>();
    private final List<Double> hints = new ArrayList<>();
    private ResultStatus status = ResultStatus.NOT_SOLVED;

    private Mip(String backend) {
        this.solver = MPSolver.createSolver(backend);
        if (solver == null) {
            throw new IllegalStateException("this build of OR-Tools has no solver '" + backend + "'");
        }
        solver.objective().setMaximization();
        gap(PROOF);
    }

    /** A mixed-integer program (SCIP). */
    static Mip integer() {
        return new Mip("SCIP");
    }

    /** A mixed-integer program with a solver of OR-Tools' choice of names: SCIP, HIGHS, SAT. */
    static Mip with(String backend) {
        return new Mip(backend);
    }

    /** A linear program (GLOP). */
    static Mip linear() {
        return new Mip("GLOP");
    }

    MPVariable real(double low, double high) {
        return solver.makeNumVar(low, high, "");
    }

    MPVariable integer(double low, double high) {
        return solver.makeIntVar(low, high, "");
    }

    MPVariable binary() {
        return solver.makeBoolVar("");
    }

    /** A row without entries. */
    MPConstraint row(double low, double high) {
        return solver.makeConstraint(low, high);
    }

    MPConstraint atMost(double high) {
        return solver.makeConstraint(-MPSolver.infinity(), high);
    }

    MPConstraint atLeast(double low) {
        return solver.makeConstraint(low, MPSolver.infinity());
    }

    void objective(MPVariable variable, double coefficient) {
        solver.objective().setCoefficient(variable, coefficient);
    }

    /** A solution this close to the bound is good enough. */
    void gap(double share) {
        parameters.setDoubleParam(MPSolverParameters.DoubleParam.RELATIVE_MIP_GAP, share);
    }

    /** Where a solution is expected. */
    void hint(MPVariable variable, double value) {
        hinted.add(variable);
        hints.add(value);
    }

    /** Solves for at most so many seconds, less when the control expires earlier; whether a solution was found. */
    boolean solve(SearchControl control, double mostSeconds) {
        double seconds = Math.min(mostSeconds, control.remainingSeconds());
        if (seconds <= 0 || control.stopped().getAsBoolean()) {
            return false;
        }
        solver.setTimeLimit(Math.max(1, (long) (seconds * 1000)));
        if (!hinted.isEmpty()) {
            solver.setHint(
                    hinted.toArray(new MPVariable[0]),
                    hints.stream().mapToDouble(Double::doubleValue).toArray());
        }
        CountDownLatch solved = new CountDownLatch(1);
        Thread watch = Thread.ofPlatform().daemon().name("sluice-solver-watch").start(() -> watch(control, solved));
        try {
            status = solver.solve(parameters);
        } finally {
            solved.countDown();
            join(watch);
        }
        return status == ResultStatus.OPTIMAL || status == ResultStatus.FEASIBLE;
    }

    private void watch(SearchControl control, CountDownLatch solved) {
        try {
            while (!solved.await(POLL_MILLIS, TimeUnit.MILLISECONDS)) {
                if (control.stopped().getAsBoolean()) {
                    solver.interruptSolve();
                    return;
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** The watch must not outlive the solver it may interrupt. */
    private static void join(Thread watch) {
        boolean interrupted = false;
        while (watch.isAlive()) {
            try {
                watch.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    boolean optimal() {
        return status == ResultStatus.OPTIMAL;
    }

    boolean infeasible() {
        return status == ResultStatus.INFEASIBLE;
    }

    double value() {
        return solver.objective().value();
    }

    /** What no solution exceeds; infinite when the solver was stopped before it knew. */
    double bound() {
        return status == ResultStatus.NOT_SOLVED
                ? Double.POSITIVE_INFINITY
                : solver.objective().bestBound();
    }

    int variables() {
        return solver.numVariables();
    }

    int rows() {
        return solver.numConstraints();
    }

    @Override
    public void close() {
        parameters.delete();
        solver.delete();
    }
}
