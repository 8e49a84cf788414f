# Shared by the scripts here: how they speak, where they keep things, how they install a package.
# shellcheck shell=bash

# Tools and downloads: outside the clone, so that a second clone finds them.
cache="${XDG_CACHE_HOME:-${HOME:?is not set}/.cache}/ticketing"
# What must survive, such as the broker's queues.
# shellcheck disable=SC2034  # read by the scripts that source this file
state="${XDG_STATE_HOME:-$HOME/.local/state}/ticketing"

# The services: the folders of svc/.
# shellcheck disable=SC2034  # read by the scripts that source this file
mapfile -t services < <(ls "$(dirname "${BASH_SOURCE[0]}")/../svc")

# Progress goes to standard error: standard output is for answers.
say() { printf '%s\n' "ticketing: $*" >&2; }

die() {
    say "$*"
    exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

# Makes a folder that we can write to.
folder() {
    if ! mkdir -p "$1" 2>/dev/null || ! [ -w "$1" ]; then die "cannot write to the folder $1"; fi
}

# Runs a command as root: directly, or through sudo (which may ask for a password at a terminal).
as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif have sudo && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
        sudo "$@"
    else
        return 126
    fi
}

# apt_install REASON PACKAGE…: installs what the distribution packages, or says what a person can do.
apt_install() {
    local reason="$1" log
    shift
    have apt-get || die "$reason: this is no Debian, please install $* by hand"
    as_root true || die "$reason: please install $* (neither root nor sudo is available here)"
    folder "$cache"
    log="$cache/apt.log"
    say "installing $* from the distribution (log: $log)"
    # One list of packages that cannot be updated, of a source that has gone, need not matter.
    as_root apt-get update -q >"$log" 2>&1 </dev/null || true
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -q -y --no-install-recommends "$@" >>"$log" 2>&1 </dev/null ||
        die "installing $* failed: $(grep '^E:' "$log" | tail -n 1) (log: $log)"
}

# Makes sure that Python has its pip.
pip_needed() {
    python3 -m pip --version >/dev/null 2>&1 || apt_install "Python's pip is missing" python3 python3-pip
}

# pip_into FOLDER ARGUMENT…: installs Python packages into a folder of their own, all or nothing.
# Exit code 1 where that fails. A folder of one's own is fine with a Python that the distribution manages.
pip_into() {
    local folder="$1" fresh="$1.$$"
    shift
    have python3 || return 1
    folder "$cache"
    rm -rf "$fresh"
    PIP_ROOT_USER_ACTION=ignore python3 -m pip install --quiet --disable-pip-version-check --no-input \
        --target "$fresh" "$@" >&2 || { rm -rf "$fresh" && return 1; }
    rm -rf "$folder" && mv "$fresh" "$folder"
}
