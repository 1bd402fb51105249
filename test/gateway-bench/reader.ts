import type { LabNode } from '../lab/lab.ts';

/** What keepalived and the kernel of a host say from one time on, by the monotonic clock. */
export interface Reading {
  /** When it was last seen otherwise, so that no delay is counted too short. */
  at: number;
  /** 0 not running or no answer, 1 MASTER, 2 BACKUP, 3 FAULT, as in the API. */
  status: number;
  hasAddress: boolean;
}

const output = '/run/measured-truth';
const file = '/usr/local/lib/measured-truth.cjs';

/** Takes a dump ten times a second, as the agent does, and asks `ip` with each other state and each second. */
const program = `
  const fs = require('node:fs');
  const { execFileSync } = require('node:child_process');
  const [, , device, address] = process.argv;
  const folder = '/run/ha-keepalived/';
  const now = () => Number(process.hrtime.bigint()) / 1e6;
  const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  const quiet = (work) => { try { return work(); } catch { return undefined; } };
  const text = (path) => quiet(() => fs.readFileSync(path, 'utf8'));
  const stamp = () => quiet(() => { const s = fs.statSync(folder + 'keepalived.json', { bigint: true }); return s.ino + ' ' + s.mtimeNs; });
  const statuses = [0, 2, 1, 3];
  async function read() {
    const pid = Number(text(folder + 'keepalived.pid'));
    if (!(pid > 0) || text('/proc/' + pid + '/comm') !== 'keepalived\\n') return 0;
    const before = stamp();
    if (!quiet(() => process.kill(pid, 36))) return 0;
    for (let waited = 0; waited < 1000; waited += 5) {
      const json = stamp() === before ? undefined : quiet(() => JSON.parse(text(folder + 'keepalived.json')));
      if (json) return statuses[(json.vrrp ?? json)[0]?.data.state ?? 0] ?? 0;
      await sleep(5);
    }
    return 0;
  }
  const has = () => (quiet(() => execFileSync('ip', ['-o', 'address', 'show', 'dev', device]).toString()) ?? '').includes(' ' + address + '/');
  (async () => {
    let last = -1, seenAt = now(), saidAt = 0, held = false;
    for (;;) {
      const asked = now();
      const status = await read();
      const isOther = status !== last;
      if (isOther || asked - saidAt > 1000) {
        const holds = has();
        if (isOther || holds !== held) fs.appendFileSync('${output}', JSON.stringify({ at: isOther ? seenAt : asked, status, hasAddress: holds }) + '\\n');
        held = holds;
        saidAt = asked;
        last = status;
      }
      seenAt = asked;
      await sleep(100);
    }
  })();
`;

const unit = `[Service]
ExecStart=/usr/lib/ha-agent/node ${file} DEVICE ADDRESS
[Install]
WantedBy=multi-user.target
`;

/** Starts an independent reading on a host, now and after each boot. */
export async function startReader(node: LabNode, device: string, address: string): Promise<void> {
  await node.writeFile(file, program);
  const text = unit.replace('DEVICE', device).replace('ADDRESS', address);
  await node.writeFile('/etc/systemd/system/measured-truth.service', text);
  await node.run(['systemctl', 'enable', '--quiet', '--now', 'measured-truth.service']);
}

/** What was read on a host since its start; nothing if it is off. */
export async function readingsOf(node: LabNode): Promise<Reading[]> {
  if (!(await node.isOn())) return [];
  const { stdout } = await node.exec(['cat', output]).catch(() => ({ stdout: '' }));
  return stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Reading);
}
