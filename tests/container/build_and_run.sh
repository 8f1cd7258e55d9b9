#!/usr/bin/env bash
# Build the image for real and start it for real, on a machine without a container engine.
#
#   sudo tests/container/build_and_run.sh
#
# Needs root and buildah; and debootstrap where no image registry can be reached: the base is then a plain Debian with
# Python (DEBOOTSTRAP_MIRROR names another mirror). pip's settings on this machine (index, find-links, certificates; from
# pip's configuration or PIP_* variables) also hold for the build. Everything is kept in a temporary folder (about 8 GB in
# $TMPDIR) and removed at the end. There is no network namespace: the program takes a free port of this machine.
set -euo pipefail

repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/greenroom-image.XXXXXX")
mkdir "$work/tmp"
export TMPDIR=$work/tmp BUILDAH_ISOLATION=chroot
port=

say() { printf '[%4ss] %s\n' "$SECONDS" "$*"; }
fail() { say "FAILED: $*" >&2; exit 1; }

buildah=(buildah --root "$work/storage" --runroot "$work/run" --storage-driver vfs)
b() { "${buildah[@]}" "$@"; }

# The program's process: the one with our port among its settings, that is not buildah waiting for it.
program() {
    local process
    for process in $(grep -lzx "GREENROOM_PORT=$port" /proc/[0-9]*/environ 2>/dev/null | cut -d/ -f3); do
        grep -q '^buildah' "/proc/$process/cmdline" 2>/dev/null || echo "$process"
    done
}

clean_up() {
    local status=$?
    trap - EXIT
    [ -z "$port" ] || program | xargs -r kill -KILL 2>/dev/null || true
    wait
    b rm --all >/dev/null 2>&1 || true
    if grep -q " $work" /proc/self/mounts; then
        say "left in place, something is still mounted there: $work" >&2
    else
        rm -rf "$work"
    fi
    exit "$status"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

[ "$(id -u)" = 0 ] || fail "must be root"
command -v buildah >/dev/null || fail "buildah is not installed"

# --- the base image -------------------------------------------------------------------------------------------------
base=${BASE_IMAGE:-$(sed -n 's/^ARG BASE_IMAGE=//p' "$repo/Dockerfile")}
if timeout 600 "${buildah[@]}" pull "$base" >"$work/pull.log" 2>&1; then
    say "base image pulled: $base"
else
    say "base image can't be pulled ($(tail -n 1 "$work/pull.log" | cut -c1-150)): making one with debootstrap"
    command -v debootstrap >/dev/null || fail "debootstrap is not installed"
    container=$(b from scratch)
    root=$(b mount "$container")
    debootstrap --variant=minbase --include=python3,python3-venv,ca-certificates bookworm "$root" \
        ${DEBOOTSTRAP_MIRROR:+"$DEBOOTSTRAP_MIRROR"} >"$work/debootstrap.log" 2>&1 \
        || { tail -n 20 "$work/debootstrap.log" >&2; fail "debootstrap"; }
    rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/var/log/* "$root"/usr/share/{doc,man,locale}/*
    b umount "$container" >/dev/null
    base=localhost/bookworm-python
    b commit --quiet --rm "$container" "$base" >/dev/null
    say "base image made: $base"
fi

# --- pip's settings on this machine: the same arguments, and what they name on the disk, at the same place, read-only ---
pip_args=() volumes=()
mount_in() { [ "$1" = / ] || [ ! -e "$1" ] || volumes+=(--volume "$1:$1:ro"); }
for option in index-url extra-index-url find-links trusted-host cert timeout; do
    variable=PIP_$(tr 'a-z-' 'A-Z_' <<<"$option")
    value=${!variable:-$(pip config get "global.$option" 2>/dev/null || true)}
    for word in $value; do
        pip_args+=("--$option" "$word")
        path=${word#file://}
        case $option:$path in
            *index-url:/*) mount_in "$(dirname "$path")" ;; # an index's files lie beside it
            *:/*) mount_in "$path" ;;
        esac
    done
done

# --- build ------------------------------------------------------------------------------------------------------------
say "building, pip's extra arguments: ${pip_args[*]:-none}"
b bud --format docker --pull-never --build-arg BASE_IMAGE="$base" --build-arg PIP_EXTRA_ARGS="${pip_args[*]}" \
    "${volumes[@]}" --tag localhost/greenroom "$repo" >"$work/build.log" 2>&1 \
    || { tail -n 40 "$work/build.log" >&2; fail "the build"; }
say "image built: $(b images --format '{{.Size}}' localhost/greenroom)"

inspect() { b inspect --type image --format "$1" localhost/greenroom | sed '/^$/d'; }
mapfile -t command < <(inspect '{{range .Docker.Config.Cmd}}{{println .}}{{end}}')
mapfile -t health < <(inspect '{{range .Docker.Config.Healthcheck.Test}}{{println .}}{{end}}')
[ "${health[0]:-}" = CMD ] || fail "the image has no health check"
user=$(inspect '{{.Docker.Config.User}}')

# --- run --------------------------------------------------------------------------------------------------------------
while port=$((20000 + RANDOM % 20000)); (: <>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do :; done
container=$(b from --pull-never localhost/greenroom)
say "starting as '$user' on port $port: ${command[*]}"
started=$SECONDS
b run --env GREENROOM_PORT="$port" "$container" -- "${command[@]}" >"$work/program.log" 2>&1 &
running=$!

# The answer to GET $1: status line, headers and body.
get() {
    exec 3<>"/dev/tcp/127.0.0.1/$port" || return
    printf 'GET %s HTTP/1.0\r\nHost: localhost:%s\r\n\r\n' "$1" "$port" >&3
    timeout 10 cat <&3 | tr -d '\r\0'
    exec 3>&-
}
# Wait until the answer to GET /health holds $1.
wait_for() {
    until [[ $(get /health 2>/dev/null) == *"$1"* ]]; do
        kill -0 "$running" 2>/dev/null || { cat "$work/program.log" >&2; fail "the program ended"; }
        ((SECONDS - started < 180)) || { cat "$work/program.log" >&2; fail "in 180 s no $1 from /health: $(get /health)"; }
        sleep 0.5
    done
}
wait_for " 200 OK"
say "/health answers after $((SECONDS - started)) s"
wait_for '"grader":"ready"'
say "the grader is loaded after $((SECONDS - started)) s"

pid=$(program | head -n 1)
[ -n "$pid" ] || fail "the program's process was not found"
for id in Uid Gid; do
    read -r _ ids < <(grep "^$id:" "/proc/$pid/status")
    [[ ! " ${ids//$'\t'/ } " == *" 0 "* ]] || fail "the program runs as root: $id $ids"
done
say "the program is not root: uid and gid ${ids%%$'\t'*}"

b run --env GREENROOM_PORT="$port" "$container" -- "${health[@]:1}" || fail "the image's health check"
say "the image's health check succeeds"
! b run --env GREENROOM_PORT=1 "$container" -- "${health[@]:1}" 2>/dev/null || fail "the health check succeeds on a dead port"
say "and fails where nothing listens"

page=$(get /)
[[ ${page%%$'\n'*} == *" 200 "* ]] || { cat "$work/program.log" >&2; fail "the start page: $page"; }
say "the start page answers: ${page%%$'\n'*}"

kill -TERM "$pid"
for _ in {1..120}; do kill -0 "$pid" 2>/dev/null || break; sleep 0.25; done
! kill -0 "$pid" 2>/dev/null || fail "the program does not stop when told to"
say "stopped; all good"
