const base = '/var/lib/octavia';

/** Puts links in the place of each file of two owners, which lead to a folder of root's. */
export const plantLinks = `mkdir -p /root/targets
echo untouched > /root/targets/file
cd ${base}
ln -s /root/targets linked
ln -s /root/targets certs/linked
mkdir planted certs/planted
for name in haproxy.cfg haproxy.cfg.new haproxy.cfg.new-failed running.cfg enabled deleting servers-state; do
  ln -s /root/targets/file planted/$name
done
ln -s /root/targets/file certs/planted/a.pem
ln -s /root/targets/file planted.sock
ln -s /root/targets/file lvs/octavia-keepalivedlvs-planted.conf
ln -s /root/targets/file lvs/octavia-keepalivedlvs-linked.conf.new`;

/** Takes them away. */
export const removeLinks = `cd ${base}
rm -rf linked certs/linked planted certs/planted planted.sock /root/targets
rm -f lvs/octavia-keepalivedlvs-planted.conf* lvs/octavia-keepalivedlvs-linked.conf*`;
