#!/bin/sh
# As root Chromium puts its own threads before everything else on the machine, and so before the
# daemons of the real hosts that other tests have booted. Without CAP_SYS_NICE it cannot.
if [ "$(id -u)" = 0 ]; then
    exec setpriv --bounding-set=-sys_nice /usr/bin/chromium "$@"
fi
exec /usr/bin/chromium "$@"
