# Functions shared by the scripts: messages, folders, installation of packages.
# shellcheck shell=bash

# Tools and downloads, outside the clone, so that all clones share them.
cache="${XDG_CACHE_HOME:-${HOME:?is not set}/.cache}/ticketing"
# Persistent data, such as the queues of the broker.
# shellcheck disable=SC2034  # read by the scripts that source this file
state="${XDG_STATE_HOME:-$HOME/.local/state}/ticketing"

# The services that have a database, and the storefront, which has none: the folders of svc/.
# shellcheck disable=SC2034  # read by the scripts that source this file
sites=(storefront)
# shellcheck disable=SC2034  # as above
mapfile -t services < <(ls -I storefront "$(dirname "${BASH_SOURCE[0]}")/../svc")

# system_id SERVICE: the id of the system user ticketing-SERVICE and of its group, on every machine.
system_id() {
    case "$1" in
    auth) echo 61001 ;;
    ticket) echo 61002 ;;
    order) echo 61003 ;;
    expiration) echo 61004 ;;
    payment) echo 61005 ;;
    stripe-sim) echo 61006 ;;
    notification) echo 61007 ;;
    storefront) echo 61008 ;;
    *) die "there is no system user of $1" ;;
    esac
}

# Prints progress to standard error; standard output is for results.
say() { printf '%s\n' "ticketing: $*" >&2; }

die() {
    say "$*"
    exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

# Creates a writable folder.
ensure_folder() {
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

# apt_install REASON PACKAGE…: installs packages of the distribution, or fails with a hint how to install them.
apt_install() {
    local reason="$1" log
    shift
    have apt-get || die "$reason: there is no apt-get, install $* by hand"
    as_root true || die "$reason: install $* (neither root nor sudo is available)"
    ensure_folder "$cache"
    log="$cache/apt.log"
    say "installing $* from the distribution (log: $log)"
    # A package source that cannot be updated is tolerated.
    as_root apt-get update -q >"$log" 2>&1 </dev/null || true
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get -o DPkg::Lock::Timeout=600 install -q -y --no-install-recommends "$@" >>"$log" 2>&1 </dev/null ||
        die "installing $* failed: $(grep '^E:' "$log" | tail -n 1) (log: $log)"
}

# Ensures that Python has pip.
ensure_pip() {
    python3 -m pip --version >/dev/null 2>&1 || apt_install "Python's pip is missing" python3 python3-pip
}

# pip_into FOLDER ARGUMENT…: installs Python packages into a separate folder, all or nothing. Exit code 1 on failure.
# A separate folder also works with a Python that the distribution manages.
pip_into() {
    local folder="$1" fresh="$1.$$"
    shift
    have python3 || return 1
    ensure_folder "$cache"
    rm -rf "$fresh"
    PIP_ROOT_USER_ACTION=ignore python3 -m pip install --quiet --disable-pip-version-check --no-input \
        --target "$fresh" "$@" >&2 || { rm -rf "$fresh" && return 1; }
    rm -rf "$folder" && mv "$fresh" "$folder"
}
