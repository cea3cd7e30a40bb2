#!/usr/bin/env bash
# A Docker engine for the Testcontainers tests, and the Kafka image they run.
#
#   docker.sh start FOLDER   uses a running engine if there is one; else installs docker.io where absent and starts
#                            dockerd in a network namespace of its own with its data under FOLDER. Pulls the official
#                            Kafka image where that can be had, else builds a stand-in. Writes FOLDER/env, to be sourced
#                            by what runs the tests.
#   docker.sh stop FOLDER    ends what start began; leaves nothing behind but the installed package
#
# The namespace keeps the machine's firewall and routes as they are, and gives every run its own ports. Needs root
# unless an engine is running.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
official=apache/kafka:4.2.1
image=localhost/sluice-kafka:4.2.1

say() { echo "docker.sh: $*" >&2; }

install_engine() {
    command -v dockerd >/dev/null && command -v iptables >/dev/null && command -v ip >/dev/null \
        && command -v busybox >/dev/null && return
    say "installing docker.io"
    apt-get update -qq
    # RUNLEVEL keeps the package from starting an engine of its own.
    RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        docker.io iptables iproute2 busybox-static >"$folder/apt.log" 2>&1 && return
    tail -5 "$folder/apt.log" >&2
    return 1
}

start_engine() {
    if [ "$(id -u)" != 0 ]; then
        say "no running Docker engine, and only root can start one"
        return 1
    fi
    install_engine
    local namespace=sluice-$$
    ip netns add "$namespace"
    echo "$namespace" >"$folder/namespace"
    ip -n "$namespace" link set lo up
    # nsenter, because 'ip netns exec' mounts another /sys and hides the control groups.
    nsenter --net="/run/netns/$namespace" dockerd \
        --data-root "$folder/data" --exec-root "$folder/exec" --pidfile "$folder/dockerd.pid" \
        -H "unix://$folder/docker.sock" --bip 172.31.255.1/24 --log-level warn >"$folder/dockerd.log" 2>&1 &
    echo $! >"$folder/dockerd.started"
    for _ in $(seq 100); do
        if docker -H "unix://$folder/docker.sock" info >/dev/null 2>&1; then
            return 0
        fi
        kill -0 "$(cat "$folder/dockerd.started")" 2>/dev/null || break
        sleep 0.3
    done
    say "dockerd did not start:"
    tail -5 "$folder/dockerd.log" >&2
    return 1
}

write_wrapper() {
    mkdir -p "$folder/jvm/bin"
    # The test JVM must be where the containers' ports are; its path must end in bin/java.
    cat >"$folder/jvm/bin/java" <<WRAPPER
#!/bin/sh
exec nsenter --net=/run/netns/$(cat "$folder/namespace") "$1/bin/java" "\$@"
WRAPPER
    chmod +x "$folder/jvm/bin/java"
}

build_image() {
    say "building $image"
    "$here/kafka-image/build.sh" "$image" "$jdk" "$folder/image"
    rm -rf "$folder/image"
    {
        # Nothing can be pulled, so neither can Testcontainers' cleaning container; stop ends the whole engine.
        echo "export TESTCONTAINERS_RYUK_DISABLED=true"
        echo "export SLUICE_TEST_KAFKA_IMAGE=$image"
    } >>"$folder/env"
}

start() {
    mkdir -p "$folder"
    folder=$(cd "$folder" && pwd)
    local jdk
    jdk=$("$here/jdk.sh")
    : >"$folder/env"
    if docker info >/dev/null 2>&1; then
        say "using the running engine"
        if timeout 300 docker pull -q "$official" >/dev/null 2>&1; then
            echo "export SLUICE_TEST_KAFKA_IMAGE=$official" >>"$folder/env"
        else
            build_image
        fi
    else
        start_engine
        export DOCKER_HOST=unix://$folder/docker.sock
        write_wrapper "$jdk"
        {
            echo "export DOCKER_HOST=$DOCKER_HOST"
            echo "export SLUICE_TEST_DOCKER_JVM=$folder/jvm/bin/java"
            # Inside a container Testcontainers would look for ports at the bridge's gateway.
            echo "export TESTCONTAINERS_HOST_OVERRIDE=localhost"
        } >>"$folder/env"
        build_image
    fi
    say "ready"
}

stop() {
    [ -d "$folder" ] || return 0
    folder=$(cd "$folder" && pwd)
    if [ -f "$folder/dockerd.started" ]; then
        local docker="docker -H unix://$folder/docker.sock" pid
        pid=$(cat "$folder/dockerd.started")
        $docker ps -aq 2>/dev/null | xargs -r $docker rm -f >/dev/null || true
        kill "$pid" 2>/dev/null || true
        for _ in $(seq 100); do
            kill -0 "$pid" 2>/dev/null || break
            sleep 0.1
        done
        kill -9 "$pid" 2>/dev/null || true
        # What dockerd mounted below the folder would keep it from being removed.
        awk -v under="$folder/" 'index($2, under) == 1 {print $2}' /proc/mounts | sort -r | xargs -r umount -l || true
    fi
    if [ -f "$folder/namespace" ]; then
        ip netns delete "$(cat "$folder/namespace")" 2>/dev/null || true
    fi
    rm -rf "$folder"
}

if [ $# != 2 ]; then
    sed -n '2,/^set /s/^# \{0,1\}//p' "$0" >&2
    exit 2
fi
folder=$2
case $1 in
    start) start ;;
    stop) stop ;;
    *) say "unknown command '$1'; start or stop"; exit 2 ;;
esac
