package io.sluice.worker;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import io.sluice.worker.device.Device;
import io.sluice.worker.device.DeviceSpec;
import io.sluice.worker.device.EmulatedDevice;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Objects;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * {@code /device/speed}: GET tells the speed factor, PUT with a number as body changes it, on an emulated device only.
 * Thread-safe.
 */
final class DeviceSpeedHandler implements HttpHandler {
    static final String PATH = "/device/speed";

    private static final Logger LOG = LoggerFactory.getLogger(DeviceSpeedHandler.class);
    private static final int MAX_BODY = 64;

    private final Device device;

    DeviceSpeedHandler(Device device) {
        this.device = Objects.requireNonNull(device, "device");
    }

    @Override
    public void handle(HttpExchange exchange) throws IOException {
        switch (exchange.getRequestMethod()) {
            case "GET" -> answer(exchange, 200, Double.toString(device.speed()));
            case "PUT" -> change(exchange);
            default -> {
                exchange.getResponseHeaders().set("Allow", "GET, PUT");
                answer(exchange, 405, "use GET or PUT");
            }
        }
    }

    private void change(HttpExchange exchange) throws IOException {
        String body = new String(exchange.getRequestBody().readNBytes(MAX_BODY), StandardCharsets.UTF_8);
        if (!(device instanceof EmulatedDevice emulated)) {
            answer(
                    exchange,
                    409,
                    "device " + device.name() + " is real: its speed cannot be set; start the worker with"
                            + " --device emulated:<profile>");
            return;
        }
        try {
            double speed = DeviceSpec.parseSpeed(body);
            double former = emulated.speed();
            emulated.setSpeed(speed);
            LOG.info(
                    "device={} emulated=true former_speed={} speed={}",
                    emulated.profile().name(),
                    former,
                    speed);
            answer(exchange, 200, Double.toString(speed));
        } catch (IllegalArgumentException e) {
            answer(exchange, 400, e.getMessage());
        }
    }

    private static void answer(HttpExchange exchange, int status, String text) throws IOException {
        byte[] bytes = (text + "\n").getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().set("Content-Type", "text/plain; charset=utf-8");
        exchange.sendResponseHeaders(status, bytes.length);
        exchange.getResponseBody().write(bytes);
    }
}
