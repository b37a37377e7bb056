#!/bin/sh
# Installs Debian packages, as root, without starting any daemon they bring:
#   sudo sh tools/bootstrap_packages.sh PACKAGE...
set -eu
export DEBIAN_FRONTEND=noninteractive

# Debian's own switch against services that start on installation.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
fi

install() {
    apt-get install --yes --no-install-recommends -o DPkg::Lock::Timeout=120 "$@"
}

# A fresh machine has no package lists; an old one may have lists that name vanished files.
if ! ls /var/lib/apt/lists/*Packages* >/dev/null 2>&1; then
    apt-get update
    install "$@"
elif ! install "$@"; then
    apt-get update
    install "$@"
fi

if [ -d /run/systemd/system ]; then
    for package in "$@"; do
        case $package in
        postgresql | prometheus | prometheus-alertmanager)
            systemctl disable --quiet "$package" || true # the tests start their own
            ;;
        esac
    done
fi
