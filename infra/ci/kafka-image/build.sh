#!/usr/bin/env bash
# Builds a Kafka image from this machine's own files, for machines that can pull none: busybox, bash, a JRE made by
# jlink, Kafka's jars from the local Maven repository. A stand-in for apache/kafka, therefore named localhost/….
#
#   build.sh IMAGE JDK_HOME WORK_FOLDER
set -euo pipefail
image=$1
jdk=$2
work=$3
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$work/root

rm -rf "$work"
mkdir -p "$root"/{bin,tmp,etc/kafka/docker,opt/kafka/libs,opt/kafka/config,mnt/shared/config,var/log}
chmod 1777 "$root/tmp"

mvn -B -q -f "$here/pom.xml" dependency:copy-dependencies \
    -DoutputDirectory="$root/opt/kafka/libs" -DincludeScope=runtime

modules=java.base,java.logging,java.management,java.naming,java.net.http,java.rmi,java.security.jgss,java.security.sasl
modules+=,java.sql,java.xml,jdk.crypto.ec,jdk.management,jdk.net,jdk.unsupported
"$jdk/bin/jlink" --output "$root/opt/java" --strip-debug --no-header-files --no-man-pages --add-modules "$modules"

busybox=$(command -v busybox)
cp "$busybox" "$root/bin/busybox"
for applet in $("$busybox" --list); do
    [ "$applet" = busybox ] || ln -sf busybox "$root/bin/$applet"
done
rm -f "$root/bin/bash"
cp "$(command -v bash)" "$root/bin/bash"
# Every shared library that bash and the JRE name, at the path they name it by.
{
    ldd "$(command -v bash)"
    find "$root/opt/java" -type f \( -name '*.so' -o -path '*/bin/*' \) -exec ldd {} + 2>/dev/null
} | grep -o '/[^ ]*' | grep -v ':$' | grep -v "^$root" | sort -u | while read -r library; do
    [ -f "$library" ] || continue
    mkdir -p "$root$(dirname "$library")"
    cp -nL "$library" "$root$library"
done

echo 'root:x:0:0:root:/:/bin/bash' >"$root/etc/passwd"
echo 'hosts: files dns' >"$root/etc/nsswitch.conf"
install -m 755 "$here/run" "$root/etc/kafka/docker/run"
touch "$root"/etc/kafka/docker/{server.properties,log4j2.yaml,tools-log4j2.yaml}
cp "$here/logback.xml" "$root/opt/kafka/config/"
cp "$here/Dockerfile" "$work/"

# The client's advice to install another builder is of no use here.
noise='legacy builder\|buildkit\|buildx\|environment-variable\|^$'
DOCKER_BUILDKIT=0 docker build -q -t "$image" "$work" >/dev/null 2> >(grep -v -i "$noise" >&2)
