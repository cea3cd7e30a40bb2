#!/usr/bin/env bash
# A real Prometheus for the tests that scrape with one.
#
#   prometheus.sh install FOLDER        prints the path of a prometheus binary; fetches Debian's package into FOLDER
#                                       where none is installed, without installing a service
#   prometheus.sh start FOLDER CONFIG   starts one on a free loopback port with its data under FOLDER; prints its address
#   prometheus.sh stop FOLDER           ends it and removes FOLDER
set -euo pipefail

say() { echo "prometheus.sh: $*" >&2; }

binary() {
    if command -v prometheus; then
        return
    fi
    local unpacked=$folder/package/usr/bin/prometheus
    if [ ! -x "$unpacked" ]; then
        say "fetching prometheus"
        command -v apt-get >/dev/null || { say "no prometheus, and no apt-get to fetch it with"; return 1; }
        mkdir -p "$folder/download"
        # apt drops its rights for the download.
        chmod 777 "$folder/download"
        {
            apt-get update -qq || true
            cd "$folder/download" && apt-get download -qq prometheus && dpkg -x prometheus_*.deb "$folder/package"
        } >"$folder/apt.log" 2>&1 || { tail -5 "$folder/apt.log" >&2; return 1; }
        rm -rf "$folder/download"
    fi
    echo "$unpacked"
}

free_port() {
    local port
    while true; do
        port=$((20000 + RANDOM))
        (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
    done
    echo "$port"
}

start() {
    local config=$1 program port pid
    [ -r "$config" ] || { say "configuration $config cannot be read"; return 1; }
    program=$(binary)
    # Somebody may take the port between looking and binding.
    for _ in 1 2 3; do
        port=$(free_port)
        "$program" --config.file="$config" --storage.tsdb.path="$folder/data" --web.listen-address="127.0.0.1:$port" \
            >"$folder/prometheus.log" 2>&1 &
        pid=$!
        echo "$pid" >"$folder/pid"
        for _ in $(seq 100); do
            if curl -fsS "http://127.0.0.1:$port/-/ready" >/dev/null 2>&1; then
                echo "http://127.0.0.1:$port"
                return 0
            fi
            kill -0 "$pid" 2>/dev/null || break
            sleep 0.1
        done
        kill "$pid" 2>/dev/null || true
    done
    say "prometheus did not start:"
    tail -5 "$folder/prometheus.log" >&2
    return 1
}

stop() {
    if [ -f "$folder/pid" ]; then
        kill "$(cat "$folder/pid")" 2>/dev/null || true
    fi
    rm -rf "$folder"
}

usage() {
    sed -n '2,/^set /s/^# \{0,1\}//p' "$0" >&2
    exit 2
}

[ $# -ge 2 ] || usage
mkdir -p "$2"
folder=$(cd "$2" && pwd)
case $1 in
    install) binary ;;
    start) [ $# = 3 ] || usage; start "$3" ;;
    stop) stop ;;
    *) usage ;;
esac
