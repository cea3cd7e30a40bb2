package io.sluice.worker.device;

import java.util.Locale;
import java.util.Objects;
import java.util.Optional;

/**
 * What {@code --device} asks for. Immutable.
 *
 * @param profile emulated profile; empty: the CPU as fast as it goes
 * @param speed factor against the profile; 1 for the CPU
 */
public record DeviceSpec(Optional<String> profile, double speed) {
    static final String EMULATED = "emulated:";

    /** The CPU as fast as it goes. */
    public static final DeviceSpec CPU = new DeviceSpec(Optional.empty(), 1);

    public DeviceSpec {
        Objects.requireNonNull(profile, "profile");
        requireSpeed(speed);
    }

    /**
     * Reads {@code cpu}, {@code emulated:<profile>} or {@code emulated:<profile>@<speed>}.
     *
     * @throws IllegalArgumentException when it is none of them or the profile is not known
     */
    public static DeviceSpec parse(String text) {
        String device = text.trim().toLowerCase(Locale.ROOT);
        if (device.equals("cpu")) {
            return CPU;
        }
        if (!device.startsWith(EMULATED)) {
            throw new IllegalArgumentException("device '" + text + "' must be cpu, " + EMULATED + "<profile> or "
                    + EMULATED + "<profile>@<speed>, with a profile of " + String.join(", ", DeviceProfile.names()));
        }
        String profile = device.substring(EMULATED.length());
        int at = profile.indexOf('@');
        double speed = at < 0 ? 1 : parseSpeed(profile.substring(at + 1));
        return new DeviceSpec(
                Optional.of(DeviceProfile.named(at < 0 ? profile : profile.substring(0, at))
                        .name()),
                speed);
    }

    /** Reads a speed factor, a number above 0. */
    public static double parseSpeed(String text) {
        try {
            return requireSpeed(Double.parseDouble(text.trim()));
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException(
                    "device speed '" + text + "' must be a number above 0, for example 0.5", e);
        }
    }

    /** The device itself. */
    public Device open() {
        return profile.<Device>map(name -> new EmulatedDevice(DeviceProfile.named(name), speed))
                .orElseGet(CpuDevice::new);
    }

    static double requireSpeed(double factor) {
        if (!(factor >= 1e-3) || factor > 1e6) {
            throw new IllegalArgumentException("device speed " + factor + " must be between 0.001 and 1000000");
        }
        return factor;
    }

    static String speedText(double speed) {
        return speed == Math.rint(speed) ? Long.toString((long) speed) : Double.toString(speed);
    }

    @Override
    public String toString() {
        return profile.map(name -> EMULATED + name + (speed == 1 ? "" : "@" + speedText(speed)))
                .orElse("cpu");
    }
}
