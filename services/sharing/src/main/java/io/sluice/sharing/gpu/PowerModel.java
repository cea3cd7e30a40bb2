package io.sluice.sharing.gpu;

/**
 * Power of a device and the clock under its cap: {@code P = idle + active SMs * perSm + busy SMs * perBusySm + perByte *
 * bytes per second}; above the cap the clock falls by {@code megahertzPerWatt} for each watt asked for too much (iGniter,
 * Xu et al., TPDS 2022, equation of the frequency). Idle SMs leak inside {@code idleWatts}.
 */
public record PowerModel(
        double idleWatts,
        double wattsPerActiveSm,
        double wattsPerBusySm,
        double joulesPerByte,
        double capWatts,
        double megahertz,
        double megahertzPerWatt) {

    public PowerModel {
        if (!(idleWatts > 0) || !(wattsPerActiveSm >= 0) || !(wattsPerBusySm >= 0) || !(joulesPerByte >= 0)) {
            throw new IllegalArgumentException("power terms must not be negative and idle power must be positive");
        }
        if (!(capWatts > idleWatts) || !(megahertz > 0) || !(megahertzPerWatt >= 0)) {
            throw new IllegalArgumentException(
                    "cap " + capWatts + " W must exceed idle " + idleWatts + " W, and the clock must be positive");
        }
    }

    /** Watts asked for at full clock. */
    public double demandWatts(double activeSms, double busySms, double bytesPerSecond) {
        return idleWatts + wattsPerActiveSm * activeSms + wattsPerBusySm * busySms + joulesPerByte * bytesPerSecond;
    }

    /** Part of the full clock that runs at this demand, at least a third. */
    public double clockFraction(double demandWatts) {
        if (demandWatts <= capWatts) {
            return 1;
        }
        return Math.max(1.0 / 3, 1 - megahertzPerWatt * (demandWatts - capWatts) / megahertz);
    }
}
