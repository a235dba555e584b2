#!/bin/sh
# First program of a lab host, already in its own mount, pid, uts, ipc, cgroup and net namespace.
# It lays out the host's file system over LOWER, leaves the machine's behind, and becomes init.
# CGROUPS is `cgroup2` for a host that sees the unified hierarchy alone, `machine` for one that
# sees what this machine has.
# usage: boot.sh DISK LOWER HOSTNAME CGROUPS INIT...
set -eu
disk=$1 lower=$2 name=$3 kind=$4
shift 4
root=$disk/root
umask 022

mount --make-rprivate /
hostname "$name"
mount -t overlay lab-root -o "lowerdir=$lower,upperdir=$disk/upper,workdir=$disk/work" "$root"
# On an overlay containerd hangs and overlay2 does not work: these two are plain folders.
for folder in docker containerd; do
    mkdir -p "$root/var/lib/$folder"
    mount --bind "$disk/$folder" "$root/var/lib/$folder"
done

# As systemd-nspawn does: settings of the whole machine are read-only, those of the net are ours.
mount -t proc proc "$root/proc"
mount --bind "$root/proc/sys" "$root/proc/sys"
mount --bind "$root/proc/sys/net" "$root/proc/sys/net"
# Programs tell by it that the machine has been rebooted; the kernel's own stays the same here.
cat /proc/sys/kernel/random/uuid > "$disk/boot_id"
chmod 444 "$disk/boot_id"
mount --bind "$disk/boot_id" "$root/proc/sys/kernel/random/boot_id"
mount -o remount,bind,ro "$root/proc/sys"
if [ -e "$root/proc/sysrq-trigger" ]; then
    mount --bind "$root/proc/sysrq-trigger" "$root/proc/sysrq-trigger"
    mount -o remount,bind,ro "$root/proc/sysrq-trigger"
fi
mount -t sysfs sysfs "$root/sys"
mount -t tmpfs -o mode=755,nosuid tmpfs "$root/run"
mkdir -p "$root/run/lock"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"

mount -t tmpfs -o mode=755,nosuid tmpfs "$root/dev"
mkdir "$root/dev/pts" "$root/dev/shm" "$root/dev/mqueue"
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts "$root/dev/pts"
mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
mount -t mqueue mqueue "$root/dev/mqueue"
for node in null zero full random urandom tty; do
    : > "$root/dev/$node"
    mount --bind "/dev/$node" "$root/dev/$node"
done
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
for stream in 0:stdin 1:stdout 2:stderr; do
    ln -s "/proc/self/fd/${stream%%:*}" "$root/dev/${stream#*:}"
done

cgroups=$root/sys/fs/cgroup
if [ "$kind" = cgroup2 ] || [ -e /sys/fs/cgroup/cgroup.controllers ]; then
    mount -t cgroup2 cgroup2 "$cgroups"
    # A cgroup that hands controllers down holds no processes: all go to a leaf, as systemd's do.
    mkdir "$cgroups/init.scope"
    echo 0 > "$cgroups/init.scope/cgroup.procs"
else
    mount -t tmpfs -o mode=755 cgroup "$cgroups"
    while IFS=: read -r number controllers _; do
        case $number:$controllers in
            0:) folder=unified type=cgroup2 options= ;;
            *:name=*) folder=${controllers#name=} type=cgroup options=none,$controllers ;;
            *) folder=$controllers type=cgroup options=$controllers ;;
        esac
        mkdir "$cgroups/$folder"
        if mount -t $type ${options:+-o "$options"} cgroup "$cgroups/$folder"; then
            case $folder in
                *,*) for one in $(echo "$folder" | tr , ' '); do ln -s "$folder" "$cgroups/$one"; done ;;
            esac
        else
            rmdir "$cgroups/$folder"
        fi
    done < /proc/self/cgroup
fi

cd "$root"
pivot_root . mnt
umount -l /mnt
cd /
# The clock and the kernel's modules are the machine's.
exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
    TERM=linux LANG=C.UTF-8 container=lab SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1 \
    setpriv --bounding-set -sys_time,-sys_module "$@"
