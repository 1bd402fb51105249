#!/bin/sh
# Runs at the end of the building of a root, with its folder as the only argument: turns a Debian that was
# just installed into one that can be shared by many nodes, and boots fast.
set -eu
root=$1

# Debian's packages come with a one-node cluster of their own and start it. While it is there,
# `pcs host auth` quietly writes nothing.
if [ -e "$root"/usr/sbin/pacemakerd ]; then
  rm -f "$root"/etc/corosync/corosync.conf "$root"/var/lib/pacemaker/cib/*
  chroot "$root" systemctl disable --quiet corosync pacemaker
  echo hacluster:hacluster | chroot "$root" chpasswd
fi

# Debian starts these when they are installed. An amphora starts its own, and the rest of Octavia is only imported.
for service in haproxy keepalived nftables octavia-agent; do
  if [ -e "$root/lib/systemd/system/$service.service" ]; then
    chroot "$root" systemctl disable --quiet "$service"
  fi
done

# A node has no hardware, no login, and gets no upgrades.
chroot "$root" systemctl mask --quiet \
  apt-daily.timer apt-daily-upgrade.timer console-getty.service dpkg-db-backup.timer e2scrub_all.timer \
  e2scrub_reap.service fstrim.timer getty.target systemd-modules-load.service systemd-timesyncd.service

# Each node has its own name and addresses; mmdebstrap leaves those of the machine that built the root,
# and the mirror and proxy of that machine.
rm -f "$root"/etc/hostname "$root"/etc/resolv.conf "$root"/etc/apt/sources.list "$root"/etc/apt/apt.conf.d/99mmdebstrap
: > "$root"/etc/machine-id
# With this folder the journal outlives a power cut
mkdir -p "$root"/var/log/journal "$root"/var/lib/lab-power
rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/*

# Without these stamps each node does ldconfig and the like in its first boot
chroot "$root" touch /etc/.updated /var/.updated
