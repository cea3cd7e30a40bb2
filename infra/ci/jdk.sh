#!/usr/bin/env bash
# Prints the home of a JDK of version 21 or newer: JAVA_HOME's, else the newest installed one.
set -euo pipefail
version() { "$1/bin/java" -XshowSettings:properties -version 2>&1 | sed -n 's/.*java.specification.version = //p'; }

best= best_version=0
for home in "${JAVA_HOME:-}" /usr/lib/jvm/* /opt/java/* /opt/jdk* "$HOME"/.sdkman/candidates/java/*; do
    [ -n "$home" ] && [ -x "$home/bin/javac" ] && [ -x "$home/bin/jlink" ] || continue
    found=$(version "$home")
    [[ $found =~ ^[0-9]+$ ]] && [ "$found" -ge 21 ] || continue
    if [ "$home" = "${JAVA_HOME:-}" ]; then
        best=$home
        break
    fi
    if [ "$found" -gt "$best_version" ]; then
        best=$home best_version=$found
    fi
done
if [ -z "$best" ]; then
    echo "no JDK 21 or newer found; install one or set JAVA_HOME" >&2
    exit 1
fi
echo "$best"
